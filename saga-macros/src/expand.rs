//! Phase three: the model to Rust.
//!
//! It reports nothing: what was found wrong became a hole. The expansion is flat and thin; what is common to all
//! sagas is generic code in the runtime.

mod answer;
mod checks;
mod definition;
mod exchange;
mod input;
mod own;
pub(crate) mod paths;
mod state;
mod transition;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use crate::aliases::Enum;
use crate::model::live::{self, Variant};
use crate::model::{Saga, ValueId};

/// The items of one saga.
pub(crate) fn saga(saga: &Saga) -> TokenStream {
    let variants = live::variants(saga);
    let expansion = Expansion { saga, variants: &variants, state: format_ident!("{}State", saga.name) };
    let input = input::input(&expansion);
    let state = state::state(&expansion);
    let inside = inside(&expansion);
    quote! {
        #input
        #state
        #[allow(unused_variables, unused_mut, unused_parens, unreachable_patterns, dead_code, clippy::all)]
        const _: () = { #inside };
    }
}

/// What names nothing outside: aliases, implementations, checks.
fn inside(expansion: &Expansion<'_>) -> TokenStream {
    let (bus, message) = (&expansion.saga.bus, paths::message());
    let aliases = [Enum::Command, Enum::Event, Enum::Refusal].map(|of| of.alias(Span::mixed_site()));
    let [command, event, refusal] = &aliases;
    let input = input::implementations(expansion);
    let state = state::implementations(expansion);
    let transition = transition::saga(expansion);
    let checks = checks::checks(expansion);
    quote! {
        type #command = #message::CommandOf<#bus>;
        type #event = #message::EventOf<#bus>;
        type #refusal = #message::RefusalOf<#bus>;
        #input
        #state
        #transition
        #checks
    }
}

/// What every part of the expansion looks at.
struct Expansion<'a> {
    saga: &'a Saga,
    variants: &'a [Variant],
    /// The name of the state.
    state: Ident,
}

impl Expansion<'_> {
    /// The name of a value as a local variable of the expansion, which no expression of the author sees.
    fn local(&self, value: ValueId) -> Ident {
        local(&self.saga.values[value].name)
    }

    /// `for<'a> T: Bound` for each type that the saga keeps.
    ///
    /// The lifetime defers the bound to where it is used: a type that lacks it is reported once, at the type.
    fn bounds(&self, values: impl Iterator<Item = ValueId>, bound: &TokenStream) -> TokenStream {
        let mut seen = std::collections::BTreeSet::new();
        let types = values.map(|value| &self.saga.values[value].ty).filter(|ty| seen.insert(ty.to_string()));
        let bounds = types.map(|ty| quote!(for<'__a> #ty: #bound));
        quote!(where #(#bounds),*)
    }

    fn all_values(&self) -> impl Iterator<Item = ValueId> {
        0..self.saga.values.len()
    }
}

/// A name at its place, seen by no expression of the author.
fn local(name: &Ident) -> Ident {
    let mut name = name.clone();
    name.set_span(name.span().resolved_at(Span::mixed_site()));
    name
}
