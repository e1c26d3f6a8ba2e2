//! `Saga::required`: the conditions between the places.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::transition::number;
use super::{Expansion, paths};
use crate::model::Require;
use crate::model::live::{Variant, Way};

/// The function; none for a saga without conditions, which the trait knows.
pub(super) fn required(expansion: &Expansion<'_>) -> TokenStream {
    let requires = &expansion.saga.requires;
    if requires.is_empty() {
        return TokenStream::new();
    }
    let runtime = paths::here();
    let forward: Vec<_> = expansion.variants.iter().filter(|variant| variant.way == Way::Forward).collect();
    let arms = (0..=forward.len()).filter_map(|place| {
        let asked: Vec<_> = requires.iter().filter(|require| require.place == place).collect();
        let variant = forward.get(place).or(forward.last()).filter(|_| !asked.is_empty())?;
        Some(arm(expansion, variant, place, &asked))
    });
    quote_spanned! {Span::mixed_site()=>
        fn required(state: &Self::State, place: u16) -> ::core::result::Result<(), ::std::string::String> {
            match (state, place) {
                #(#arms)*
                _ => {}
            }
            #runtime::HOLDS
        }
    }
}

fn arm(expansion: &Expansion<'_>, variant: &Variant, place: usize, requires: &[&Require]) -> TokenStream {
    let phrases = requires.iter().flat_map(|require| [&require.condition, &require.reason]);
    let (state, name, fields) = (&expansion.state, &variant.name, expansion.bound(variant, phrases));
    let (place, requires) = (number(place), requires.iter().map(|require| asked(expansion, variant, require)));
    quote!((#state::#name { #(#fields,)* .. }, #place) => { #(#requires)* })
}

fn asked(expansion: &Expansion<'_>, variant: &Variant, require: &Require) -> TokenStream {
    let span = require.condition.expression.span();
    let condition = expansion.owned(&require.condition, &variant.fields, Some(&quote_spanned!(span=> bool)));
    let (span, runtime) = (require.reason.expression.span(), paths::runtime(require.reason.expression.span()));
    let lacking = |reason: &_| quote_spanned!(span=> #runtime::lacking(#reason));
    let lacking = expansion.lent(&require.reason, &variant.fields, lacking);
    quote_spanned!(span=> if !#condition { return #lacking; })
}
