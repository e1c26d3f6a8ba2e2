//! What the macros expand to, as committed files: a change of an expansion is seen, and read, in review.
//!
//! `SAGA_RENEW=1 cargo test -p saga-macros` writes them anew.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Item, ItemEnum};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(name)
}

fn inputs() -> Vec<Item> {
    let source = std::fs::read_to_string(file("input.rs")).expect("the input is committed");
    syn::parse_file(&source).expect("the input is Rust").items
}

/// The input's enum with this name, as its derive sees it.
fn declared(name: &str) -> TokenStream {
    let found = inputs().into_iter().find_map(|item| match item {
        Item::Enum(item) if item.ident == name => Some(item),
        _ => None,
    });
    let ItemEnum { mut attrs, vis, ident, variants, .. } = found.expect("the input has this enum");
    attrs.retain(|attribute| !attribute.path().is_ident("derive"));
    quote::quote!(#(#attrs)* #vis enum #ident { #variants })
}

fn compare(name: &str, expansion: &TokenStream) {
    let parsed: syn::File = syn::parse2(expansion.to_token_stream()).expect("an expansion is Rust");
    let pretty = prettyplease::unparse(&parsed);
    if std::env::var_os("SAGA_RENEW").is_some() {
        std::fs::write(file(name), &pretty).expect("the snapshots can be written");
    }
    let committed = std::fs::read_to_string(file(name)).unwrap_or_default();
    assert!(pretty == committed, "snapshots/{name} is stale: renew it with SAGA_RENEW=1 and read the difference");
}

#[test]
fn a_saga() {
    let tokens = inputs().into_iter().find_map(|item| match item {
        Item::Macro(item) => Some(item.mac.tokens),
        _ => None,
    });
    compare("saga.expanded.rs", &crate::sagas(tokens.expect("the input has a saga")));
}

/// The lines of a saga with so many ordinary steps: a command, one event, a bound, and what undoes it.
fn lines(steps: usize) -> usize {
    let steps: String = (0..steps)
        .map(|step| {
            format!(
                "step step_{step} -> u64 {{
                    send Charge {{ traveller, cents }};
                    await Charged {{ receipt }} => receipt;
                    within 10s;
                    compensate Refund {{ receipt: step_{step} }};
                }}"
            )
        })
        .collect();
    let saga =
        format!("saga Trip(traveller: String, cents: u64) on Travel {{ concurrency allow; deadline 1m; {steps} }}");
    let expansion = crate::sagas(saga.parse().expect("tokens"));
    let parsed: syn::File = syn::parse2(expansion).expect("an expansion is Rust");
    prettyplease::unparse(&parsed).lines().count()
}

#[test]
fn an_ordinary_step_is_thin() {
    let more = (lines(3) - lines(1)) / 2;
    assert!(more <= 80, "a step expands to {more} lines");
}

#[test]
fn commands() {
    compare("command.expanded.rs", &crate::derive::command(declared("Command")));
}

#[test]
fn events() {
    compare("event.expanded.rs", &crate::derive::event(declared("Event")));
}
