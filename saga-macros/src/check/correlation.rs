//! What stands after `where`: what the pattern binds, and what it is compared with.

use proc_macro2::Ident;

use super::scope::Scope;
use crate::errors::Errors;
use crate::mentions;
use crate::model::Phrase;
use crate::syntax::{Correlation, Outcome};

/// Checks the pairs; `bound` are the names that the pattern binds.
pub(super) fn pairs(
    errors: &mut Errors,
    scope: &Scope<'_>,
    correlation: Option<Correlation>,
    bound: &[Ident],
) -> Vec<(Ident, Phrase)> {
    let pairs = correlation.into_iter().flat_map(|correlation| correlation.pairs);
    let pairs = pairs.filter_map(|(name, value)| {
        if let Some(own) = mentions::certain(&value).iter().find(|own| bound.contains(own) && !scope.knows(own)) {
            errors.at(
                own,
                format!("`{own}` is bound by the pattern: right of `==` stands what the saga knows, its parameters and outputs"),
            );
            return None;
        }
        let value = scope.phrase(errors, value, &[]);
        if bound.contains(&name) {
            return Some((name, value));
        }
        errors.at(
            &name,
            format!(
                "the pattern binds no `{name}`: left of `==` stands a name that the pattern binds, right of it what the saga knows"
            ),
        );
        None
    });
    pairs.collect()
}

/// Only an event can be found by what it carries.
pub(super) fn on_event(errors: &mut Errors, correlation: Option<&Correlation>, outcome: &Outcome) {
    let what = match outcome {
        Outcome::Event(_) => return,
        Outcome::Handled(_) => "handled",
        Outcome::Refused(..) => "refused",
        Outcome::Failed(..) => "failed",
        Outcome::Timeout(_) => "timeout",
        Outcome::Disconnected(_) => "disconnected",
    };
    if let Some(correlation) = correlation {
        errors.at_span(
            correlation.keyword,
            format!(
                "`where` finds an event of anyone by what it carries, and `{what}` is no event: remove it, or write the condition with `if`"
            ),
        );
    }
}

/// In a step that asks no one: arms that only an answer could take.
pub(super) fn asks_no_one(errors: &mut Errors, step: &Ident, outcome: &Outcome) {
    if let Outcome::Refused(keyword, _) | Outcome::Failed(keyword, _) | Outcome::Disconnected(keyword) = outcome {
        errors.at(
            keyword,
            format!("step `{step}` asks no one, so there is no `{keyword}`: remove this arm, or `send` something"),
        );
    }
}
