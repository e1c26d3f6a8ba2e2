//! The struct of a saga's parameters: what a call starts, and what is kept as JSON.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Expansion, paths};

/// The struct.
pub(super) fn input(expansion: &Expansion<'_>) -> TokenStream {
    let saga = expansion.saga;
    let (name, visibility) = (&saga.name, &saga.visibility);
    let serde = paths::serde();
    let serde_path = serde.to_string().replace(' ', "");
    let bound = bound_text(expansion);
    let doc = doc(expansion);
    let fields = saga.parameters().map(|(_, parameter)| {
        let (name, ty, doc) = (&parameter.name, &parameter.ty, &parameter.doc);
        quote!(#[doc = #doc] #visibility #name: #ty)
    });
    quote! {
        #[doc = #doc]
        #[derive(#serde::Serialize, #serde::Deserialize)]
        #[serde(crate = #serde_path, deny_unknown_fields, bound(serialize = #bound, deserialize = #bound))]
        #visibility struct #name { #(#fields),* }
    }
}

/// What serde is to assume of the types, as the text that it takes; deferred like all bounds.
fn bound_text(expansion: &Expansion<'_>) -> String {
    let parameters = expansion.saga.parameters().map(|(id, _)| id);
    let bounds = expansion.bounds(parameters, &paths::value()).to_string();
    bounds.trim_start_matches("where").trim().to_owned()
}

fn doc(expansion: &Expansion<'_>) -> String {
    let saga = expansion.saga;
    let mut doc = saga.doc.clone();
    doc.push_str("\n\n| step | asks | undone by |\n|---|---|---|\n");
    for step in &saga.steps {
        let asks = step.exchange.as_ref().map(|exchange| exchange.action.variant.to_string());
        let undo = match &step.compensation {
            crate::model::Compensation::NotNeeded => "—".to_owned(),
            crate::model::Compensation::None { because } => format!("nothing: {because}"),
            crate::model::Compensation::Exchange(exchange) => format!("`{}`", exchange.action.variant),
        };
        let asks = asks.map_or_else(|| "—".to_owned(), |asks| format!("`{asks}`"));
        doc.push_str(&format!("| `{}` | {asks} | {undo} |\n", step.name));
    }
    doc
}

/// What every input can do, and what it can if all its parameters can.
pub(super) fn implementations(expansion: &Expansion<'_>) -> TokenStream {
    let name = &expansion.saga.name;
    let text = name.to_string();
    let fields: Vec<_> = expansion.saga.parameters().map(|(_, parameter)| &parameter.name).collect();
    let texts: Vec<_> = fields.iter().map(ToString::to_string).collect();
    let bounds = |bound: TokenStream| expansion.bounds(expansion.saga.parameters().map(|(id, _)| id), &bound);
    let (debug, equal, clone) =
        (bounds(quote!(::core::fmt::Debug)), bounds(quote!(::core::cmp::PartialEq)), bounds(paths::value()));
    quote! {
        impl ::core::clone::Clone for #name #clone {
            fn clone(&self) -> Self {
                Self { #(#fields: ::core::clone::Clone::clone(&self.#fields)),* }
            }
        }
        impl ::core::fmt::Debug for #name #debug {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text)#(.field(#texts, &self.#fields))*.finish()
            }
        }
        impl ::core::cmp::PartialEq for #name #equal {
            fn eq(&self, other: &Self) -> bool {
                true #(&& self.#fields == other.#fields)*
            }
        }
    }
}
