//! The state: one variant for each place, owning exactly what is still needed.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::transition::number;
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
    let (name, kept, runtime) = (&expansion.state, expansion.kept(), paths::here());
    let text = name.to_string();
    let variants = Parts::of(expansion);
    let cloned = variants.iter().map(|Parts { name, fields, .. }| {
        quote!(Self::#name { #(#fields),* } => Self::#name { #(#fields: #runtime::own(#fields)),* })
    });
    let written = variants.iter().enumerate().map(|(index, Parts { name, fields, text, texts })| {
        let index = u32::from(number(index));
        quote! {
            Self::#name { #(#fields),* } => {
                #runtime::Place::new::<Self>(to, #index, #text, &[#(#texts),*])?#(.put(#fields)?)*.end()
            }
        }
    });
    let read = variants
        .iter()
        .map(|Parts { name, fields, text, texts }| quote!(#text => Self::#name { #(#fields: from.take(#texts)?),* }));
    quote! {
        impl #runtime::Kept for #name #kept {
            const NAME: &'static str = #text;
            fn cloned(&self) -> Self { match self { #(#cloned),* } }
            fn write<S: #runtime::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                match self { #(#written)* }
            }
            fn read<E: #runtime::Error>(from: &mut #runtime::Reader<E>) -> ::core::result::Result<Self, E> {
                ::core::result::Result::Ok(match from.place() {
                    #(#read,)*
                    _ => return from.unknown(),
                })
            }
        }
        #runtime::state!(#name);
    }
}

/// A variant in the pieces that implementations are made of.
struct Parts {
    name: Ident,
    text: String,
    fields: Vec<Ident>,
    texts: Vec<String>,
}

impl Parts {
    fn of(expansion: &Expansion<'_>) -> Vec<Self> {
        let parts = expansion.variants.iter().map(|variant| {
            let fields: Vec<_> = variant.fields.iter().map(|field| expansion.local(field.value)).collect();
            let texts = fields.iter().map(ToString::to_string).collect();
            Self { name: variant.name.clone(), text: variant.name.to_string(), texts, fields }
        });
        parts.collect()
    }
}
