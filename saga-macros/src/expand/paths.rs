//! The names of the runtime that expansions mention: here, and nowhere else in this crate.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

/// What bus, commands and events are.
pub(crate) fn message() -> TokenStream {
    quote!(::saga_runtime::message)
}

/// The trait that a saga implements, and its parts.
pub(crate) fn saga() -> TokenStream {
    quote!(::saga_runtime::saga)
}

/// The inert description.
pub(crate) fn definition() -> TokenStream {
    quote!(::saga_runtime::definition)
}

/// Why a saga did not complete.
pub(crate) fn cause() -> TokenStream {
    quote!(::saga_runtime::cause::Cause)
}

/// What is common to all expansions.
pub(crate) fn expansion() -> TokenStream {
    quote!(::saga_runtime::__private)
}

/// Checks that need the declarations of a bus; what they report stands where `at` is.
pub(crate) fn check(at: Span) -> TokenStream {
    quote_spanned!(at=> ::saga_runtime::__private::check)
}

/// Serialisation.
pub(crate) fn serde() -> TokenStream {
    quote!(::saga_runtime::__private::serde)
}

/// What a value must be able to do.
pub(crate) fn value() -> TokenStream {
    quote!(::saga_runtime::saga::Value)
}
