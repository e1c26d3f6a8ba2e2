//! Which arms mean something in which `await` (L25): a participant refuses, a saga fails, and time only passes.

use super::exchange::Answers;
use crate::errors::Errors;
use crate::syntax::{Arm, Disposition, Outcome};

/// Whether an arm takes something that can come; else that is reported.
pub(super) fn belongs(errors: &mut Errors, answers: Answers, arm: &Arm) -> bool {
    let before = errors.count();
    match (answers, &arm.outcome) {
        (Answers::Effect | Answers::Data | Answers::Others, Outcome::Failed(keyword, _)) => {
            errors.at(keyword, "`failed` is the outcome of a `run`, and this step has none");
        }
        (Answers::Saga, Outcome::Refused(keyword, _)) => {
            errors
                .at(keyword, "a participant refuses, and this step runs a saga: take its failure with `failed cause`");
        }
        (Answers::Saga | Answers::Time, Outcome::Disconnected(keyword)) => {
            errors.at(keyword, "a participant is disconnected, and this step sends nothing to one: remove this arm");
        }
        (Answers::Saga, Outcome::Event(pattern)) if arm.correlation.is_none() => {
            let message = "events answer a command, and this step runs a saga: its output is that of the step";
            errors.at(pattern, message);
        }
        (Answers::Saga, Outcome::Handled(_)) => {
            again(errors, &arm.disposition, "the saga completed; `retry` would run it again: give a value or `fail`");
        }
        (Answers::Time, Outcome::Handled(_)) => again(
            errors,
            &arm.disposition,
            "the time has passed; `retry` would let it pass again: give a value or `fail`",
        ),
        (Answers::Time, Outcome::Refused(keyword, _) | Outcome::Failed(keyword, _) | Outcome::Timeout(keyword)) => {
            errors.at(keyword, "a `sleep` only passes: remove this arm");
        }
        (Answers::Time, Outcome::Event(pattern)) if arm.correlation.is_none() => {
            errors.at(pattern, "events answer a command, and a `sleep` only passes: remove this arm");
        }
        _ => {}
    }
    errors.count() == before
}

fn again(errors: &mut Errors, disposition: &Disposition, message: &str) {
    if let Disposition::Retry(keyword) = disposition {
        errors.at(keyword, message);
    }
}
