//! What the language has and this release has not: one error each, at its word.

use proc_macro2::Span;

use crate::errors::Errors;

/// Reports that this is not built yet.
pub(super) fn report(errors: &mut Errors, at: Span, what: &str) {
    errors.at_span(at, format!("`{what}` is part of the language, but not built yet"));
}
