//! The state: one variant for each place, owning exactly what is still needed.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Expansion, paths};
use crate::model::live::{Field, Variant, Way};

/// The enum.
pub(super) fn state(expansion: &Expansion<'_>) -> TokenStream {
    let (name, visibility) = (&expansion.state, &expansion.saga.visibility);
    let doc = format!("Where [`{}`] can be, with what it still needs there.", expansion.saga.name);
    let variants = expansion.variants.iter().map(|variant| declaration(expansion, variant));
    quote! {
        #[doc = #doc]
        #[allow(missing_docs)]
        #visibility enum #name { #(#variants),* }
    }
}

fn declaration(expansion: &Expansion<'_>, variant: &Variant) -> TokenStream {
    let name = &variant.name;
    let steps = expansion.saga.places[variant.place].steps.iter();
    let steps = steps.map(|step| format!("`{}`", expansion.saga.steps[*step].name)).collect::<Vec<_>>().join(", ");
    let doc = match variant.way {
        Way::Forward => format!("At {steps}."),
        Way::Back => format!("Undoing {steps}."),
    };
    let fields = variant.fields.iter().map(|field| {
        let (name, ty) = (&expansion.saga.values[field.value].name, ty(expansion, *field));
        quote!(#name: #ty)
    });
    quote!(#[doc = #doc] #name { #(#fields),* })
}

fn ty(expansion: &Expansion<'_>, field: Field) -> TokenStream {
    let (ty, slot) = (&expansion.saga.values[field.value].ty, paths::slot());
    if field.slot { quote!(#slot<#ty>) } else { quote!(#ty) }
}

/// What every state can do. The serialised form takes one generic call a field, so that a hundred sagas still compile
/// in seconds.
pub(super) fn implementations(expansion: &Expansion<'_>) -> TokenStream {
    if expansion.variants.is_empty() {
        return TokenStream::new();
    }
    let (name, runtime) = (&expansion.state, paths::here());
    let types = expansion.types(0..expansion.saga.values.len()).into_iter().map(|id| expansion.ty(id));
    let variants = expansion.variants.iter().map(|variant| {
        let fields = variant.fields.iter().map(|field| expansion.local(field.value));
        let name = &variant.name;
        quote!(#name { #(#fields),* })
    });
    let redacted: Vec<_> =
        expansion.saga.values.iter().filter(|value| value.redacted).map(|value| &value.name).collect();
    let redacted = (!redacted.is_empty()).then(|| quote!(redacted [#(#redacted),*]));
    quote!(#runtime::state! { #name [#(#types),*] #redacted #(#variants)* })
}
