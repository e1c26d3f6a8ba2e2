//! What is redacted is not told by what is shown (L28).

use crate::errors::Errors;
use crate::mentions;
use crate::model::{Arm, Disposition, Exchange, Phrase, Saga, Step};

/// The reasons of `fail` and `require` are shown: they mention nothing redacted.
pub(super) fn check(errors: &mut Errors, saga: &Saga) {
    let arms = saga.steps.iter().flat_map(blocks).flat_map(|block| &block.arms);
    let fails = arms.filter_map(reason).map(|reason| ("fail", reason));
    let requires = saga.requires.iter().map(|require| ("require", &require.reason));
    for (word, reason) in fails.chain(requires) {
        told(errors, saga, word, reason);
    }
}

fn blocks(step: &Step) -> impl Iterator<Item = &Exchange> {
    step.exchange.iter().chain(step.compensation.exchange())
}

fn reason(arm: &Arm) -> Option<&Phrase> {
    match &arm.disposition {
        Disposition::Fail(reason) => Some(reason),
        Disposition::Value(_) | Disposition::Retry => None,
    }
}

/// One error a name: at its first mention.
fn told(errors: &mut Errors, saga: &Saga, word: &str, reason: &Phrase) {
    let mut seen = Vec::new();
    let shadowed = mentions::bound(&reason.expression);
    for (value, mention) in &reason.mentions {
        let hidden = shadowed.contains(&mention.to_string());
        if saga.values[*value].redacted && !hidden && !seen.contains(value) {
            seen.push(*value);
            errors.at(
                mention,
                format!("`{mention}` is redacted, and the reason of a `{word}` is shown: leave it out of the message"),
            );
        }
    }
}
