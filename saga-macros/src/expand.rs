//! Phase three: the model to Rust.
//!
//! It reports nothing: what was found wrong became a hole. The expansion is flat and thin; what is common to all
//! sagas is generic code in the runtime.

mod answer;
mod checks;
mod correlate;
mod definition;
mod documentation;
mod each;
mod exchange;
mod input;
mod own;
pub(crate) mod paths;
mod required;
mod state;
mod transition;

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use crate::aliases::Enum;
use crate::model::live::{self, Variant};
use crate::model::{Saga, Shape, Value, ValueId};

/// The items of one saga.
pub(crate) fn saga(saga: &Saga) -> TokenStream {
    let mut variants = live::variants(saga);
    live::distinguish(&mut variants);
    let expansion = Expansion { saga, variants: &variants, state: format_ident!("{}State", saga.name) };
    let input = input::input(&expansion);
    let state = state::state(&expansion);
    let inside = inside(&expansion);
    quote! {
        #input
        #state
        #[allow(
            unused_variables, unused_mut, unused_parens, unused_braces, unreachable_patterns, irrefutable_let_patterns,
            dead_code, clippy::all
        )]
        const _: () = { #inside };
    }
}

/// What names nothing outside: aliases, implementations, checks.
fn inside(expansion: &Expansion<'_>) -> TokenStream {
    let aliases = expansion.aliases();
    let parts = [
        input::implementations(expansion),
        state::implementations(expansion),
        definition::steps(expansion),
        transition::saga(expansion),
        checks::checks(expansion),
    ];
    let import = paths::import();
    quote!(#import #aliases #(#parts)*)
}

/// What every part of the expansion looks at.
struct Expansion<'a> {
    saga: &'a Saga,
    variants: &'a [Variant],
    /// The name of the state.
    state: Ident,
}

impl Expansion<'_> {
    /// Short names for the enums of the bus and the types of the values.
    ///
    /// Beside the declarations a type stands nowhere else, so that what is wrong with it is told once or twice, not at
    /// every use.
    fn aliases(&self) -> TokenStream {
        let (bus, runtime) = (&self.saga.bus, paths::here());
        let enums = [Enum::Command, Enum::Event, Enum::Refusal].map(|of| of.alias(Span::mixed_site()));
        let [command, event, refusal] = &enums;
        let values = self.named().map(|(id, value)| {
            let (alias, ty) = (self.ty(id), &value.ty);
            quote_spanned!(ty.span()=> type #alias = #ty;)
        });
        quote! {
            type #command = #runtime::CommandOf<#bus>;
            type #event = #runtime::EventOf<#bus>;
            type #refusal = #runtime::RefusalOf<#bus>;
            #(#values)*
        }
    }

    /// The values whose type has a name.
    fn named(&self) -> impl Iterator<Item = (ValueId, &Value)> {
        self.saga.values.iter().enumerate().filter(|(_, value)| value.shape != Shape::Binding)
    }

    /// The type of a value, by its alias, at the author's type; of an output, that of one exchange.
    fn ty(&self, value: ValueId) -> Ident {
        format_ident!("__Value{value}", span = self.saga.values[value].ty.span())
    }

    /// The name of a value as a local variable of the expansion, which no expression of the author sees.
    fn local(&self, value: ValueId) -> Ident {
        local(&self.saga.values[value].name)
    }

    /// Each type once, by the first value that has it; without those that can do everything.
    fn types(&self, values: impl Iterator<Item = ValueId>) -> Vec<ValueId> {
        let mut seen = BTreeSet::new();
        let text = |value: &ValueId| self.saga.values[*value].ty.to_string();
        let values = values.filter(|value| self.saga.values[*value].shape != Shape::Binding);
        values.filter(|value| !CAPABLE.contains(&&*text(value)) && seen.insert(text(value))).collect()
    }

    /// That all that the saga keeps can be kept, its output included.
    ///
    /// The lifetime defers the bound to where it is used: a type that lacks it is reported once, at the type.
    fn kept(&self) -> TokenStream {
        let runtime = paths::here();
        let types = self.types(0..self.saga.values.len()).into_iter().map(|value| self.ty(value).into_token_stream());
        let types = types.chain(self.other_output().map(ToTokens::to_token_stream));
        quote!(where #(for<'__a> #types: #runtime::Value,)*)
    }

    /// The type of the saga's output, if no value has the same.
    fn other_output(&self) -> Option<&syn::Type> {
        let output = self.saga.output.as_ref()?;
        let text = output.to_token_stream().to_string();
        let known = CAPABLE.contains(&&*text) || self.saga.values.iter().any(|value| value.ty.to_string() == text);
        (!known).then_some(output)
    }
}

/// Types that can do all that is asked of a value. Nothing is checked of them, so that a hundred sagas compile in
/// seconds. Who gives one of these names to a type that cannot is told so by the compiler, in its own words.
const CAPABLE: &[&str] = &[
    "()", "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
    "usize", "String",
];

/// Names as a tuple, or as tuples one behind the other: for patterns and expressions alike.
fn group(names: &[Ident]) -> TokenStream {
    const MOST: usize = 8;
    match names.split_at_checked(MOST).filter(|(_, rest)| !rest.is_empty()) {
        None if names.is_empty() => quote!(()),
        None => quote!((#(#names,)*)),
        Some((first, rest)) => {
            let (runtime, rest) = (paths::here(), group(rest));
            quote!(#runtime::More((#(#first,)*), #rest))
        }
    }
}

/// A name at its place, seen by no expression of the author.
fn local(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(name.span().resolved_at(Span::mixed_site()));
    name
}
