//! The macros of the saga language: `saga!`, `#[derive(Command)]`, `#[derive(Event)]`.
//!
//! Use them through `saga-runtime`, which they expand to.
//!
//! # Layout
//!
//! Four phases with a type each: `parse` gives `syntax`, `check` gives `model`, `expand` gives Rust; what is wrong goes
//! to one sink, `errors`, and stands beside the output. The derives, in `derive`, have the same shape.

mod aliases;
mod case;
mod check;
mod derive;
mod errors;
mod expand;
mod mentions;
mod model;
mod parse;
#[cfg(test)]
mod snapshots;
mod syntax;
mod text;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// Declares sagas; each reads like a function whose steps can be undone.
///
/// The language is described in the crate's documentation; see `saga-runtime`.
#[proc_macro]
pub fn saga(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    sagas(input.into()).into()
}

/// Declares the commands of a bus, and splits them by participant: `HostCommand` for `#[to(Host)]`.
#[proc_macro_derive(Command, attributes(bus, to, replies, refuses, query, live_only, harmless, redact))]
pub fn command(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive::command(input.into()).into()
}

/// Declares the events of a bus.
#[proc_macro_derive(Event, attributes(bus, from, redact))]
pub fn event(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive::event(input.into()).into()
}

fn sagas(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut output = TokenStream::new();
    let mut sagas = parse::sagas(&mut errors, input);
    check::of_sagas(&mut errors, &mut sagas);
    let mut sagas: Vec<_> = sagas.into_iter().map(|saga| check::saga(&mut errors, saga)).collect();
    check::circles(&mut errors, &mut sagas);
    output.extend(sagas.iter().map(expand::saga));
    errors.finish(output)
}
