//! The struct of a saga's parameters: what a call starts, and what is kept as JSON.

use std::fmt::Write as _;

use proc_macro2::TokenStream;
use quote::quote;

use super::{Expansion, paths};
use crate::model::{Action, Compensation, Exchange};
use crate::text;

/// The struct.
pub(super) fn input(expansion: &Expansion<'_>) -> TokenStream {
    let (name, visibility) = (&expansion.saga.name, &expansion.saga.visibility);
    let doc = doc(expansion);
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

/// The author's documentation, and the steps.
fn doc(expansion: &Expansion<'_>) -> String {
    let mut doc = expansion.saga.doc.clone();
    doc.push_str("\n\n| step | asks | undone by |\n|---|---|---|\n");
    for step in &expansion.saga.steps {
        let asks = step.exchange.as_ref().map_or("—".to_owned(), |exchange| format!("`{}`", asked(exchange)));
        let undo = match &step.compensation {
            Compensation::NotNeeded => "—".to_owned(),
            Compensation::None { because } => format!("nothing: {because}"),
            Compensation::Exchange(exchange) => format!("`{}`", asked(exchange)),
            Compensation::With(other) => format!("with `{}`", expansion.saga.steps[*other].name),
            Compensation::Unwind => "unwound".to_owned(),
        };
        let _: std::fmt::Result = writeln!(doc, "| `{}` | {asks} | {undo} |", step.name);
    }
    doc
}

/// What every input can do, and what it can if all its parameters can.
pub(super) fn implementations(expansion: &Expansion<'_>) -> TokenStream {
    let (name, runtime) = (&expansion.saga.name, paths::here());
    let types = expansion.types(expansion.saga.parameters().map(|(id, _)| id)).into_iter().map(|id| expansion.ty(id));
    let fields: Vec<_> = expansion.saga.parameters().map(|(_, parameter)| parameter.name.clone()).collect();
    let group = super::group(&fields);
    let redacted: Vec<_> =
        expansion.saga.parameters().filter(|(_, value)| value.redacted).map(|(_, value)| &value.name).collect();
    let redacted = (!redacted.is_empty()).then(|| quote!(redacted [#(#redacted),*]));
    quote!(#runtime::input! { #name [#(#types),*] { #(#fields),* } [#group] #redacted })
}

/// What an exchange does, in a word or two.
fn asked(exchange: &Exchange) -> String {
    match &exchange.action {
        Action::Command(command) => command.variant.to_string(),
        Action::Run(run) => format!("run {}", text::of(&run.saga)),
        Action::Sleep(_) => "sleep".to_owned(),
        Action::Wait => "await".to_owned(),
        Action::Nothing => "—".to_owned(),
    }
}
