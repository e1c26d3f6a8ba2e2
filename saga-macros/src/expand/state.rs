//! The state: one variant for each place, owning exactly what is still needed.

use proc_macro2::TokenStream;
use quote::quote;

use super::each::shaped;
use super::{Expansion, paths};
use crate::model::live::{Field, Variant, Way};
use crate::text;

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
    let steps = variant.steps(expansion.saga).iter();
    let steps = steps.map(|step| format!("`{}`", expansion.saga.steps[*step].name)).collect::<Vec<_>>().join(", ");
    let doc = match variant.way {
        Way::Forward => format!("At {steps}."),
        Way::Back => format!("Undoing {steps}."),
        Way::Finally => format!("At {steps}, on the way out."),
    };
    let fields = variant.fields.iter().map(|field| {
        let (name, ty) = (&expansion.saga.values[field.value].name, ty(expansion, *field));
        quote!(#name: #ty)
    });
    quote!(#[doc = #doc] #name { #(#fields),* })
}

fn ty(expansion: &Expansion<'_>, field: Field) -> TokenStream {
    let (value, slot, items) = (&expansion.saga.values[field.value], paths::slot(), paths::items());
    if value.shape.is_each() {
        let ty = &value.ty;
        return quote!(#items<#ty>);
    }
    let ty = shaped(value.shape, &value.ty);
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
    let variants = expansion.variants.iter().enumerate().map(|(number, variant)| {
        let fields: Vec<_> = variant.fields.iter().map(|field| expansion.local(field.value)).collect();
        let (name, group) = (&variant.name, super::group(&fields));
        let (number, texts) = (proc_macro2::Literal::usize_unsuffixed(number), fields.iter().map(text::of_name));
        quote!(#name #number { #(#fields #texts),* } [#group])
    });
    let redacted = expansion.saga.values.iter().filter(|value| value.redacted);
    let redacted = redacted.map(|value| text::of_name(&value.name));
    quote!(#runtime::state! { #name [#(#types),*] redacted [#(#redacted),*] #(#variants)* })
}
