//! The state: one variant for each place, owning exactly what is still needed.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

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
    let ty = &expansion.saga.values[field.value].ty;
    let saga = paths::saga();
    if field.slot { quote!(#saga::Slot<#ty>) } else { quote!(#ty) }
}

/// What every state can do, and what it can if all its values can.
pub(super) fn implementations(expansion: &Expansion<'_>) -> TokenStream {
    if expansion.variants.is_empty() {
        return TokenStream::new();
    }
    let standard = standard(expansion);
    let serde = serde(expansion);
    quote!(#standard #serde)
}

fn standard(expansion: &Expansion<'_>) -> TokenStream {
    let name = &expansion.state;
    let bounds = |bound: TokenStream| expansion.bounds(expansion.all_values(), &bound);
    let (debug, equal, clone) =
        (bounds(quote!(::core::fmt::Debug)), bounds(quote!(::core::cmp::PartialEq)), bounds(paths::value()));
    let variants = Parts::of(expansion);
    let clones = variants.iter().map(|Parts { name, fields, .. }| {
        quote!(Self::#name { #(#fields),* } => Self::#name { #(#fields: ::core::clone::Clone::clone(#fields)),* })
    });
    let shown = variants.iter().map(|Parts { name, fields, text, texts, .. }| {
        quote!(Self::#name { #(#fields),* } => f.debug_struct(#text)#(.field(#texts, #fields))*.finish())
    });
    let equals = variants.iter().map(|Parts { name, fields, others, .. }| {
        quote!((Self::#name { #(#fields),* }, Self::#name { #(#fields: #others),* }) => true #(&& #fields == #others)*)
    });
    quote! {
        impl ::core::clone::Clone for #name #clone {
            fn clone(&self) -> Self { match self { #(#clones),* } }
        }
        impl ::core::fmt::Debug for #name #debug {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { match self { #(#shown),* } }
        }
        impl ::core::cmp::PartialEq for #name #equal {
            fn eq(&self, other: &Self) -> bool { match (self, other) { #(#equals,)* _ => false } }
        }
    }
}

/// The serialised form: one generic call a field, so that a hundred sagas still compile in seconds.
fn serde(expansion: &Expansion<'_>) -> TokenStream {
    let (name, serde, runtime) = (&expansion.state, paths::serde(), paths::expansion());
    let bounds = expansion.bounds(expansion.all_values(), &paths::value());
    let type_name = name.to_string();
    let variants = Parts::of(expansion);
    let written = variants.iter().enumerate().map(|(index, Parts { name, fields, text, texts, .. })| {
        let (index, count) = (u32::try_from(index).unwrap_or(u32::MAX), fields.len());
        quote! {
            Self::#name { #(#fields),* } => {
                let mut fields = #runtime::Writer::new(serializer, #type_name, #index, #text, #count)?;
                #(fields.put(#texts, #fields)?;)*
                fields.end()
            }
        }
    });
    let read = variants.iter().map(
        |Parts { name, fields, text, texts, .. }| quote!(#text => Self::#name { #(#fields: fields.take(#texts)?),* }),
    );
    quote! {
        impl #serde::Serialize for #name #bounds {
            fn serialize<S: #serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                match self { #(#written)* }
            }
        }
        impl<'de> #serde::Deserialize<'de> for #name #bounds {
            fn deserialize<D: #serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
                let mut fields = #runtime::Reader::<D::Error>::new(deserializer)?;
                let state = match fields.variant() {
                    #(#read,)*
                    _ => return ::core::result::Result::Err(fields.unknown(#type_name)),
                };
                fields.end(state)
            }
        }
    }
}

/// A variant in the pieces that implementations are made of.
struct Parts {
    name: proc_macro2::Ident,
    text: String,
    fields: Vec<proc_macro2::Ident>,
    /// The same fields of a second value.
    others: Vec<proc_macro2::Ident>,
    texts: Vec<String>,
}

impl Parts {
    fn of(expansion: &Expansion<'_>) -> Vec<Self> {
        let parts = expansion.variants.iter().map(|variant| {
            let fields: Vec<_> = variant.fields.iter().map(|field| expansion.local(field.value)).collect();
            Self {
                name: variant.name.clone(),
                text: variant.name.to_string(),
                others: fields.iter().map(|field| format_ident!("{field}_other", span = field.span())).collect(),
                texts: fields.iter().map(ToString::to_string).collect(),
                fields,
            }
        });
        parts.collect()
    }
}
