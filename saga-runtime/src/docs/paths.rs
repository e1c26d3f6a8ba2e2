//! The ways through a saga, as far as its definition tells them.

use super::words;
use crate::definition::{ArmOutcome, Deadline, Definition, Disposition, Exchange, Step};

/// The steps that are undone when the saga fails at `place`, in the order in which they are: those before it that have
/// something to undo, the last one first. What the place itself did is undone before them, if it took effect.
pub(super) fn undone_before(definition: &Definition, place: usize) -> impl Iterator<Item = u16> {
    definition.places[..place]
        .iter()
        .flat_map(|place| place.steps)
        .copied()
        .filter(|step| step_of(definition, *step).compensation.exchange().is_some())
        .rev()
}

/// The step with this number.
pub(super) fn step_of(definition: &Definition, step: u16) -> &Step {
    &definition.steps[usize::from(step)]
}

/// What ends a step well, in few words.
pub(super) fn successes(exchange: &Exchange) -> Vec<String> {
    let mut successes = Vec::new();
    for arm in exchange.arms.iter().filter(|arm| matches!(arm.disposition, Disposition::Value(_))) {
        add(&mut successes, &arm.outcome);
    }
    if ends_when_handled(exchange) {
        successes.insert(0, "handled".to_owned());
    }
    successes
}

/// What makes the saga fail at a step, in few words.
pub(super) fn failures(definition: &Definition, exchange: &Exchange) -> Vec<String> {
    let mut failures = Vec::new();
    for arm in exchange.arms.iter().filter(|arm| matches!(arm.disposition, Disposition::Fail(_))) {
        add(&mut failures, &arm.outcome);
    }
    let defaults = [
        ("refused", can_be_refused(exchange)),
        ("timed out", can_time_out(exchange)),
        ("participant away", fails_when_away(exchange)),
        ("deadline", matches!(definition.deadline, Deadline::After(_))),
        ("cancelled", true),
    ];
    for (failure, _) in defaults.iter().filter(|(_, possible)| *possible) {
        push(&mut failures, failure);
    }
    failures
}

/// Whether it ends when handled, without an arm that says so.
pub(super) fn ends_when_handled(exchange: &Exchange) -> bool {
    !exchange.awaits_event() && !exchange.has_arm(|outcome| *outcome == ArmOutcome::Handled)
}

/// Whether a refusal can reach the language's default.
pub(super) fn can_be_refused(exchange: &Exchange) -> bool {
    let caught = exchange.arms.iter().any(|arm| {
        arm.guard.is_none() && matches!(arm.outcome, ArmOutcome::Refused(pattern) if words::takes_all(pattern))
    });
    exchange.action.command().is_some_and(|command| !command.refuses.is_empty()) && !caught
}

/// Whether a timeout can reach the language's default.
pub(super) fn can_time_out(exchange: &Exchange) -> bool {
    exchange.within.is_some() && !takes(exchange, &ArmOutcome::Timeout)
}

/// Whether it fails when its participant is away.
pub(super) fn fails_when_away(exchange: &Exchange) -> bool {
    exchange.action.command().is_some_and(|command| command.live_only) && !takes(exchange, &ArmOutcome::Disconnected)
}

fn takes(exchange: &Exchange, outcome: &ArmOutcome) -> bool {
    exchange.arms.iter().any(|arm| arm.guard.is_none() && arm.outcome == *outcome)
}

fn add(words: &mut Vec<String>, outcome: &ArmOutcome) {
    match outcome {
        ArmOutcome::Event { events, .. } => events.iter().copied().for_each(|name| push(words, name)),
        ArmOutcome::Handled => push(words, "handled"),
        ArmOutcome::Refused(_) => push(words, "refused"),
        ArmOutcome::Failed(_) => push(words, "failed"),
        ArmOutcome::Timeout => push(words, "timed out"),
        ArmOutcome::Disconnected => push(words, "participant away"),
    }
}

fn push(words: &mut Vec<String>, word: &str) {
    if !words.iter().any(|known| known == word) {
        words.push(word.to_owned());
    }
}
