//! The names of the runtime that expansions mention: here, and nowhere else in this crate.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

/// Gives what is common to all expansions a short name, within the constant that an expansion stands in.
pub(crate) fn import() -> TokenStream {
    let runtime = here();
    quote!(use ::saga_runtime::__private as #runtime;)
}

/// The short name. What goes wrong with what it is asked for is reported where `at` is.
pub(crate) fn runtime(at: Span) -> Ident {
    Ident::new("__saga", at)
}

/// The short name, where nothing of the author can go wrong with it.
pub(crate) fn here() -> Ident {
    runtime(Span::mixed_site())
}

/// What bus, commands and events are.
pub(crate) fn message() -> TokenStream {
    quote!(::saga_runtime::message)
}

/// Checks that need the declarations of a bus; what they report stands where `at` is.
pub(crate) fn check(at: Span) -> TokenStream {
    let runtime = runtime(at);
    quote_spanned!(at=> #runtime::check)
}

/// The same where nothing is imported: beside the declarations of a bus.
pub(crate) fn declared_check(at: Span) -> TokenStream {
    quote_spanned!(at=> ::saga_runtime::__private::check)
}

/// The items of a `for`, with what came of them.
pub(crate) fn items() -> TokenStream {
    quote!(::saga_runtime::saga::Items)
}

/// An output that may still be missing.
pub(crate) fn slot() -> TokenStream {
    quote!(::saga_runtime::saga::Slot)
}
