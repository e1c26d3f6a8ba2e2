//! The one sink of everything that is wrong with what the author wrote.
//!
//! It knows no rule. Errors stand beside the output, never instead of it, so that one mistake hides nothing.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Type;
use syn::ext::IdentExt as _;

/// What was found wrong so far, in the order found.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
    /// Of those that say why a type is unknown, the modules that they stand in.
    unknown: BTreeMap<usize, Ident>,
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

    /// A type that stands for that of `of`, which is unknown for the reason reported last.
    ///
    /// It is a name in a module in which that report stands: of such names, and of all that is made of them, the
    /// compiler says nothing.
    pub(crate) fn unknown_type(&mut self, of: &Ident) -> Type {
        let last = self.found.len().saturating_sub(1);
        let new = || format_ident!("__unknown_{}_{last}", of.unraw(), span = Span::mixed_site());
        let module = self.unknown.entry(last).or_insert_with(new);
        Type::Verbatim(quote!(#module::Type))
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
    /// Each stands in a constant or a module of its own: at item level a `compile_error!` hides the unresolved names of the whole
    /// module.
    pub(crate) fn finish(self, output: TokenStream) -> TokenStream {
        let mut tokens = output;
        for (index, error) in self.found.iter().enumerate() {
            let told = error.to_compile_error();
            tokens.extend(match self.unknown.get(&index) {
                Some(module) => quote!(mod #module { #told }),
                None => quote!(const _: () = { #told };),
            });
        }
        tokens
    }
}
