//! The one sink of everything that is wrong with what the author wrote.
//!
//! It knows no rule. Errors stand beside the output, never instead of it, so that one mistake hides nothing.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// What was found wrong so far, in the order found.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    /// Reports at these tokens.
    pub(crate) fn at(&mut self, tokens: &impl ToTokens, message: impl std::fmt::Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Reports at a place without tokens of its own.
    pub(crate) fn at_span(&mut self, span: Span, message: impl std::fmt::Display) {
        self.found.push(syn::Error::new(span, message));
    }

    /// Reports what a parser met.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// The value, or a report of why there is none.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// How many were reported; two equal counts say that nothing was wrong in between.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// The output with the errors beside it.
    ///
    /// Each stands in a constant of its own: at item level a `compile_error!` hides the unresolved names of the whole
    /// module.
    pub(crate) fn finish(self, output: TokenStream) -> TokenStream {
        let mut tokens = output;
        for error in self.found.into_iter().flatten() {
            let error = error.to_compile_error();
            tokens.extend(quote!(const _: () = { #error };));
        }
        tokens
    }
}
