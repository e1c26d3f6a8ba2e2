//! Values for the names that an expression mentions: each mention owns its own.
//!
//! Ordinary Rust would move a value at its first mention. Here each mention gets a variable of its own, made before
//! the expression; inside of a closure or a loop, made again each time. The author's tokens stay, but for the names.

mod macros;
mod separate;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use self::separate::separate;
use super::{Expansion, paths};
use crate::mentions;
use crate::model::live::Field;
use crate::model::{Phrase, Step, ValueId};

impl Expansion<'_> {
    /// The expression as a block that makes all it needs out of references with the names of the values.
    ///
    /// `fields` tells which of them are slots; `ty` is the type that the author gave, so that a mismatch is reported
    /// at the expression.
    pub(super) fn owned(&self, phrase: &Phrase, fields: &[Field], ty: Option<&TokenStream>) -> TokenStream {
        if let Some(ty) = ty {
            return self.owned_for(phrase, fields, ty, |value| quote!(#value));
        }
        let (variables, expression) = self.variables(phrase, fields);
        quote_spanned!(phrase.expression.span()=> { #variables #expression })
    }

    /// The same, and what is `then` made of its value.
    pub(super) fn owned_for(
        &self,
        phrase: &Phrase,
        fields: &[Field],
        ty: &TokenStream,
        then: impl FnOnce(&Ident) -> TokenStream,
    ) -> TokenStream {
        let (variables, expression) = self.variables(phrase, fields);
        let value = format_ident!("value", span = Span::mixed_site());
        let then = then(&value);
        quote_spanned!(phrase.expression.span()=> { #variables let #value: #ty = #expression; #then })
    }

    /// The condition behind `if` in an arm. What its `let`s bind is seen by all that follows it.
    pub(super) fn condition(&self, guard: &Phrase, fields: &[Field]) -> TokenStream {
        if !mentions::has_lets(&guard.expression) {
            return self.owned(guard, fields, Some(&quote!(bool)));
        }
        let (variables, expression) = self.values_of(guard, fields);
        let variables = variables.into_iter().map(|(name, value)| quote_spanned!(name.span()=> let #name = #value &&));
        quote!(#(#variables)* #expression)
    }

    /// What `of` makes of the expression, which may lend it something of what the expression mentions.
    pub(super) fn lent(&self, phrase: &Phrase, fields: &[Field], of: impl FnOnce(&Expr) -> TokenStream) -> TokenStream {
        let (variables, expression) = self.variables(phrase, fields);
        let made = of(&expression);
        if variables.is_empty() {
            return made;
        }
        let value = format_ident!("value", span = Span::mixed_site());
        quote_spanned!(phrase.expression.span()=> { #variables let #value = #made; #value })
    }

    /// What `of` makes of the expression with values of the right types, which it never gets to see: for its own type.
    pub(super) fn hollow(&self, step: &Step, phrase: &Phrase, of: impl FnOnce(&Expr) -> TokenStream) -> TokenStream {
        let (bindings, expression) = separate(phrase);
        let bindings = bindings.into_iter().chain(phrase.holes.iter().cloned()).map(|(value, name)| {
            let (ty, runtime) = (self.seen(step, value), paths::runtime(name.span()));
            quote!(let #name: #ty = #runtime::hole();)
        });
        let cause = phrase.cause.as_ref().map(|name| {
            let runtime = paths::here();
            quote!(let #name: ::core::option::Option<&#runtime::Cause> = ::core::option::Option::None;)
        });
        let (made, value) = (of(&expression), format_ident!("value", span = Span::mixed_site()));
        quote_spanned!(phrase.expression.span()=> { #(#bindings)* #cause let #value = #made; #value })
    }

    /// All that the expression needs, and the expression in terms of it.
    fn variables(&self, phrase: &Phrase, fields: &[Field]) -> (TokenStream, Expr) {
        let (variables, expression) = self.values_of(phrase, fields);
        let variables = variables.into_iter().map(|(name, value)| quote_spanned!(name.span()=> let #name = #value;));
        (variables.collect(), expression)
    }

    /// The same, the variables each with its value.
    fn values_of(&self, phrase: &Phrase, fields: &[Field]) -> (Vec<(Ident, TokenStream)>, Expr) {
        let (bindings, expression) = separate(phrase);
        let bindings = bindings.into_iter().map(|(value, name)| {
            let made = self.mentioned(value, &name, fields);
            (name, made)
        });
        let cause = phrase.cause.iter().map(|name| {
            let cause = format_ident!("given_cause", span = Span::mixed_site());
            (name.clone(), quote!(#cause))
        });
        let holes = phrase.holes.iter().map(|(value, name)| {
            let (ty, runtime) = (self.full(*value), paths::runtime(name.span()));
            (name.clone(), quote!(#runtime::hole::<#ty>()))
        });
        (bindings.chain(cause).chain(holes).collect(), expression)
    }

    fn mentioned(&self, value: ValueId, name: &Ident, fields: &[Field]) -> TokenStream {
        let (from, runtime) = (self.local(value), paths::runtime(name.span()));
        let field = fields.iter().find(|field| field.value == value);
        if let Some(made) = field.and_then(|field| self.shaped_output(*field, &from, name)) {
            made
        } else if field.is_some_and(|field| field.slot) {
            quote_spanned!(name.span()=> #runtime::output(#from))
        } else {
            quote_spanned!(name.span()=> #runtime::own(#from))
        }
    }
}
