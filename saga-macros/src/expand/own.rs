//! Values for the names that an expression mentions: each mention owns its own.
//!
//! Ordinary Rust would move a value at its first mention. Here each mention gets a variable of its own, made before
//! the expression; inside of a closure or a loop, made again each time. The author's tokens stay, but for the names.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Macro, Token, parse_quote};

use super::{Expansion, local, paths};
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

    /// The expression with values of the right types, which it never gets to see: for its own type.
    pub(super) fn hollow(&self, step: &Step, phrase: &Phrase) -> TokenStream {
        let (bindings, expression) = separate(phrase);
        let bindings = bindings.into_iter().chain(phrase.holes.iter().cloned()).map(|(value, name)| {
            let (ty, runtime) = (self.seen(step, value), paths::runtime(name.span()));
            quote!(let #name: #ty = #runtime::hole();)
        });
        let cause = phrase.cause.as_ref().map(|name| {
            let runtime = paths::here();
            quote!(let #name: ::core::option::Option<&#runtime::Cause> = ::core::option::Option::None;)
        });
        quote_spanned!(phrase.expression.span()=> { #(#bindings)* #cause #expression })
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

/// The variables that a phrase needs, and its expression in terms of them.
fn separate(phrase: &Phrase) -> (Vec<(ValueId, Ident)>, Expr) {
    let mut expression = phrase.expression.clone();
    let mut separate = Separate { names: several(phrase), made: Vec::new(), count: 0 };
    if !separate.names.is_empty() {
        separate.visit_expr_mut(&mut expression);
    }
    let mut variables = Vec::new();
    let mut plain = BTreeSet::new();
    for (value, name) in &phrase.mentions {
        let all = phrase.mentions.iter().filter(|(_, other)| other == name).count();
        let separated = separate.made.iter().filter(|made| made.of == *name).count();
        if separated < all && plain.insert(name.clone()) {
            variables.push((*value, name.clone()));
        }
    }
    for made in separate.made {
        let value = phrase.mentions.iter().find(|(_, name)| *name == made.of);
        variables.extend(value.map(|(value, _)| (*value, made.variable)));
    }
    (variables, expression)
}

/// The names that one variable may not suffice for; not those that the expression binds anew somewhere.
fn several(phrase: &Phrase) -> BTreeSet<Ident> {
    let shadowed = mentions::bound(&phrase.expression);
    let repeats = mentions::repeats(&phrase.expression);
    let names = phrase.mentions.iter().map(|(_, name)| name);
    let often = |name: &&Ident| repeats || phrase.mentions.iter().filter(|(_, other)| other == *name).count() > 1;
    names.filter(often).filter(|name| !shadowed.contains(&name.to_string())).cloned().collect()
}

/// Gives each mention a variable of its own, under a name that no value of a saga has.
struct Separate {
    names: BTreeSet<Ident>,
    made: Vec<Made>,
    count: usize,
}

struct Made {
    of: Ident,
    variable: Ident,
    /// Whether it is only looked at, so that code that runs often can share it.
    borrowed: bool,
}

impl Separate {
    fn replace(&mut self, expression: &mut Expr, borrowed: bool) -> bool {
        let Expr::Path(path) = expression else { return false };
        let Some(name) = mentions::single(path).filter(|name| self.names.contains(name)).cloned() else { return false };
        self.count += 1;
        let variable = format_ident!("__{}_{}", name.unraw(), self.count, span = local(&name).span());
        *expression = parse_quote!(#variable);
        self.made.push(Made { of: name, variable, borrowed });
        true
    }

    /// What `visit` separates runs often: its variables are made each time, of ones made outside.
    fn often(&mut self, visit: impl FnOnce(&mut Self)) -> TokenStream {
        let outside = std::mem::take(&mut self.made);
        visit(self);
        let inside = std::mem::replace(&mut self.made, outside);
        let mut each_time = TokenStream::new();
        for made in inside {
            if made.borrowed {
                self.made.push(made);
                continue;
            }
            self.count += 1;
            let outer = format_ident!("__{}_{}", made.of.unraw(), self.count, span = made.variable.span());
            let (variable, runtime) = (&made.variable, paths::runtime(made.variable.span()));
            each_time.extend(quote_spanned!(variable.span()=> let #variable = #runtime::own(&#outer);));
            self.made.push(Made { of: made.of, variable: outer, borrowed: false });
        }
        each_time
    }

    fn block_often(&mut self, block: &mut Block) {
        let each_time = self.often(|inside| inside.visit_block_mut(block));
        if !each_time.is_empty() {
            let statements = std::mem::take(&mut block.stmts);
            *block = parse_quote!({ #each_time #(#statements)* });
        }
    }
}

impl VisitMut for Separate {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if !self.replace(expression, false) {
            visit_mut::visit_expr_mut(self, expression);
        }
    }

    fn visit_expr_reference_mut(&mut self, reference: &mut syn::ExprReference) {
        let mut inner = &mut *reference.expr;
        while let Expr::Index(syn::ExprIndex { expr, .. }) | Expr::Field(syn::ExprField { base: expr, .. }) = inner {
            inner = expr;
        }
        if !self.replace(inner, true) {
            self.visit_expr_mut(&mut reference.expr);
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        let shorthand = field.colon_token.is_none();
        if self.replace(&mut field.expr, false) {
            if shorthand {
                field.colon_token = Some(parse_quote!(:));
            }
        } else {
            self.visit_expr_mut(&mut field.expr);
        }
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        let each_time = self.often(|inside| inside.visit_expr_mut(&mut closure.body));
        if !each_time.is_empty() {
            let body = &closure.body;
            closure.body = parse_quote!({ #each_time #body });
        }
    }

    fn visit_expr_for_loop_mut(&mut self, each: &mut syn::ExprForLoop) {
        self.visit_expr_mut(&mut each.expr);
        self.block_often(&mut each.body);
    }

    fn visit_expr_while_mut(&mut self, repeat: &mut syn::ExprWhile) {
        self.visit_expr_mut(&mut repeat.cond);
        self.block_often(&mut repeat.body);
    }

    fn visit_expr_loop_mut(&mut self, repeat: &mut syn::ExprLoop) {
        self.block_often(&mut repeat.body);
    }

    fn visit_macro_mut(&mut self, invocation: &mut Macro) {
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let Ok(mut arguments) = invocation.parse_body_with(parse) else { return };
        for argument in &mut arguments {
            match argument {
                Expr::Assign(named) => self.visit_expr_mut(&mut named.right),
                other => self.visit_expr_mut(other),
            }
        }
        invocation.tokens = quote!(#arguments);
    }

    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}
