//! `#[derive(Event)]`: what was declared of each event.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use super::read::{Declaration, Known, Names, Variant, any};
use crate::case;
use crate::errors::Errors;
use crate::expand::paths;

/// What the variants may have.
pub(super) const ATTRIBUTES: &[Known] = &[Known { word: "from", form: "#[from(Participant)]", names: Names::One }];

/// The events of a bus, checked.
pub(super) struct Events {
    name: Ident,
    bus: Type,
    variants: Vec<Variant>,
}

/// Nothing that one enum alone can tell: whether an event is a reply is seen by the compiler, across the enums.
pub(super) fn check(_: &mut Errors, declaration: Declaration) -> Events {
    let Declaration { name, bus, variants, .. } = declaration;
    Events { name, bus, variants }
}

/// The implementation, and the checks across the enums.
pub(super) fn expand(events: &Events) -> TokenStream {
    let Events { name, bus, variants } = events;
    let message = paths::message();
    let infos = variants.iter().map(info);
    let indices = variants.iter().enumerate().map(|(index, variant)| {
        let variant = any(&variant.name);
        quote!(Self::#variant => #index)
    });
    let index = if variants.is_empty() { quote!(0) } else { quote!(match self { #(#indices),* }) };
    let said = variants.iter().filter(|variant| variant.mark("from").is_none()).map(|variant| said(events, variant));
    quote_spanned! {name.span()=>
        impl #message::Event for #name {
            type Bus = #bus;
            const EVENTS: &'static [#message::EventInfo] = &[#(#infos),*];
            fn index(&self) -> usize { #index }
        }
        #(#said)*
    }
}

fn info(variant: &Variant) -> TokenStream {
    let message = paths::message();
    let (name, doc, fields) = (variant.name.to_string(), &variant.doc, variant.fields_text());
    let redacted = &variant.redacted;
    let from = match variant.names("from").first().map(case::snake) {
        Some(from) => quote!(::core::option::Option::Some(#from)),
        None => quote!(::core::option::Option::None),
    };
    quote!(#message::EventInfo { name: #name, doc: #doc, fields: #fields, from: #from, redacted: &[#(#redacted),*] })
}

/// Someone says it: it is a reply, or says who publishes it (L24).
fn said(events: &Events, variant: &Variant) -> TokenStream {
    let (check, message) = (paths::declared_check(variant.name.span()), paths::message());
    let (bus, name) = (&events.bus, &events.name);
    let text = variant.name.to_string();
    quote_spanned! {variant.name.span()=>
        const _: () = #check::is_said(<#message::CommandOf<#bus> as #message::Command>::COMMANDS, <#name as #message::Event>::EVENTS, #text);
    }
}
