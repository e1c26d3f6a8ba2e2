//! The struct of a saga's parameters: what a call starts, and what is kept as JSON.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Expansion, documentation, paths};
use crate::text;

/// The struct.
pub(super) fn input(expansion: &Expansion<'_>) -> TokenStream {
    let (name, visibility) = (&expansion.saga.name, &expansion.saga.visibility);
    let doc = documentation::of(expansion.saga);
    let fields = expansion.saga.parameters().map(|(_, parameter)| {
        let (name, ty) = (&parameter.name, &parameter.ty);
        let doc = if parameter.doc.is_empty() { format!("The parameter `{name}`.") } else { parameter.doc.clone() };
        quote!(#[doc = #doc] #visibility #name: #ty)
    });
    quote! {
        #[doc = #doc]
        #visibility struct #name { #(#fields),* }
    }
}

/// What every input can do, and what it can if all its parameters can.
pub(super) fn implementations(expansion: &Expansion<'_>) -> TokenStream {
    let (name, runtime) = (&expansion.saga.name, paths::here());
    let types = expansion.types(expansion.saga.parameters().map(|(id, _)| id)).into_iter().map(|id| expansion.ty(id));
    let fields: Vec<_> = expansion.saga.parameters().map(|(_, parameter)| parameter.name.clone()).collect();
    let (group, texts) = (super::group(&fields), fields.iter().map(text::of_name));
    let redacted = expansion.saga.parameters().filter(|(_, value)| value.redacted);
    let redacted = redacted.map(|(_, value)| text::of_name(&value.name));
    quote!(#runtime::input! { #name [#(#types),*] { #(#fields #texts),* } [#group] redacted [#(#redacted),*] })
}
