//! Phase one: tokens to the tree of what was written.
//!
//! It knows the grammar and no rule beyond it. Parsing recovers at the next item or clause, so that one slip hides
//! nothing that stands beside it.

mod arm;
mod clause;
mod duration;
mod item;
mod recover;
mod signature;
pub(crate) mod words;

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};

use crate::errors::Errors;
use crate::syntax::Saga;

/// All sagas of one `saga!`.
pub(crate) fn sagas(errors: &mut Errors, input: TokenStream) -> Vec<Saga> {
    let before = errors.count();
    let mut sagas = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            sagas.extend(signature::saga(errors, input));
        }
        Ok(())
    };
    let outcome = parser.parse2(input);
    // What a broken item left over is not a second mistake.
    if errors.count() == before {
        errors.take(outcome);
    }
    sagas
}
