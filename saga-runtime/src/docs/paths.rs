//! The ways through a saga, as far as its definition tells them: forward, back, and out.
//!
//! It gives steps and places; how they are worded is for others.

use crate::definition::{
    Action, Arm, ArmOutcome, Compensation, Definition, Disposition, Exchange, Place, Require, Step, StepKind,
};

/// On which way an exchange is made: what the language says where the author says nothing depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Forward, while there is a way back.
    Forward,
    /// The step from which there is no way back.
    Pivot,
    /// Forward, when there is no way back any more.
    Beyond,
    /// Undoing.
    Back,
    /// On the way out.
    Finally,
}

impl Way {
    /// Whether an exchange is tried again by itself, and never fails the saga.
    pub(super) fn perseveres(self) -> bool {
        matches!(self, Self::Beyond | Self::Back | Self::Finally)
    }
}

/// The step with this number.
pub(super) fn step_of(definition: &Definition, step: u16) -> &Step {
    &definition.steps[usize::from(step)]
}

/// The places with their steps, in order.
pub(super) fn places(definition: &Definition) -> impl DoubleEndedIterator<Item = (usize, &Place)> {
    definition.places.iter().enumerate()
}

/// The place of a step; none for a finally step.
pub(super) fn place_of(definition: &Definition, step: u16) -> Option<usize> {
    definition.places.iter().position(|place| place.steps.contains(&step))
}

/// The place of the pivot.
pub(super) fn pivot(definition: &Definition) -> Option<usize> {
    let is_pivot = |step: &u16| step_of(definition, *step).kind == StepKind::Pivot;
    definition.places.iter().position(|place| place.steps.iter().any(is_pivot))
}

/// The way on which a step is made.
pub(super) fn way(definition: &Definition, step: u16) -> Way {
    match step_of(definition, step).kind {
        StepKind::Finally => Way::Finally,
        StepKind::Pivot => Way::Pivot,
        StepKind::Plain => {
            let beyond = pivot(definition).zip(place_of(definition, step)).is_some_and(|(pivot, place)| place > pivot);
            if beyond { Way::Beyond } else { Way::Forward }
        }
    }
}

/// What is required before a place; behind the last one, with their number.
pub(super) fn required(definition: &Definition, place: usize) -> impl Iterator<Item = &Require> {
    definition.requires.iter().filter(move |require| usize::from(require.place) == place)
}

/// The steps of which it is asked, when the saga fails, what became of their commands that had no answer: what was done
/// is undone, is seen at last, or leaves no way back.
pub(super) fn asked(definition: &Definition) -> impl Iterator<Item = &Step> {
    let matters = |step: &&Step| {
        let is_effect = step.exchange.action.command().is_some_and(|command| !command.query);
        is_effect && (step.compensation.undoes() || step.seen_at_last || step.kind == StepKind::Pivot)
    };
    definition.steps.iter().filter(matters)
}

/// Whether something of its own is done when the step is undone: not what another step undoes with itself.
pub(super) fn undoes_itself(step: &Step) -> bool {
    matches!(step.compensation, Compensation::Exchange(_) | Compensation::Unwind)
}

/// The steps of a place that have something of their own to undo.
pub(super) fn undone_at(definition: &Definition, place: usize) -> Vec<u16> {
    let steps = definition.places.get(place).map_or(&[][..], |place| place.steps);
    steps.iter().copied().filter(|step| undoes_itself(step_of(definition, *step))).collect()
}

/// What is undone of the places before this one, in the order in which it is: the last place first.
pub(super) fn undone_before(definition: &Definition, place: usize) -> impl Iterator<Item = (usize, Vec<u16>)> {
    let places = (0..place).rev().map(|place| (place, undone_at(definition, place)));
    places.filter(|(_, steps)| !steps.is_empty())
}

/// The steps that are undone with this one.
pub(super) fn shared_by(definition: &Definition, step: u16) -> impl Iterator<Item = u16> {
    let shares = move |other: &&Step| matches!(other.compensation, Compensation::With(with) if with == step);
    (0..).zip(definition.steps).filter(move |(_, other)| shares(other)).map(|(index, _)| index)
}

/// The arms with which a step that was asked for an effect ends before its command is answered.
pub(super) fn abandons(exchange: &Exchange) -> impl Iterator<Item = &Arm> {
    let early = |arm: &&Arm| {
        let unanswered = matches!(arm.outcome, ArmOutcome::Timeout | ArmOutcome::Disconnected);
        matches!(arm.disposition, Disposition::Value(_)) && (unanswered || !arm.correlations.is_empty())
    };
    exchange.arms.iter().filter(move |arm| exchange.action.has_effect() && early(arm))
}

/// Whether *handled*, or the end of the other saga or of the time, ends it without an arm that says so.
pub(super) fn ends_by_itself(exchange: &Exchange) -> bool {
    !matches!(exchange.action, Action::Wait | Action::Nothing)
        && (!exchange.awaits_event() || matches!(exchange.action, Action::Run(_) | Action::Sleep(_)))
        && !takes(exchange, &ArmOutcome::Handled)
}

/// Whether a refusal can reach the language's default.
pub(super) fn can_be_refused(exchange: &Exchange) -> bool {
    let declared = exchange.action.command().map_or(&[][..], |command| command.refuses);
    declared.iter().any(|refusal| !exchange.arms.iter().any(|arm| takes_refusal(arm, refusal)))
}

fn takes_refusal(arm: &Arm, refusal: &str) -> bool {
    arm.guard.is_none() && matches!(arm.outcome, ArmOutcome::Refused(pattern) if takes_variant(pattern, refusal))
}

/// Whether a failure of the other saga can reach the language's default.
pub(super) fn child_can_fail(exchange: &Exchange) -> bool {
    let takes = |arm: &Arm| {
        arm.guard.is_none() && matches!(arm.outcome, ArmOutcome::Failed(pattern) if is_name(pattern.trim()))
    };
    matches!(exchange.action, Action::Run(_)) && !exchange.arms.iter().any(takes)
}

/// Whether a timeout can reach the language's default.
pub(super) fn can_time_out(exchange: &Exchange, way: Way) -> bool {
    (exchange.within.is_some() || is_bounded(exchange, way)) && !takes(exchange, &ArmOutcome::Timeout)
}

/// Whether an attempt ends in time though nothing is said of it.
pub(super) fn is_bounded(exchange: &Exchange, way: Way) -> bool {
    way.perseveres() && !matches!(exchange.action, Action::Sleep(_) | Action::Nothing)
}

/// Whether it makes a difference that its participant is away, and no arm takes that.
pub(super) fn gives_up_when_away(exchange: &Exchange) -> bool {
    exchange.action.command().is_some_and(|command| command.live_only) && !takes(exchange, &ArmOutcome::Disconnected)
}

/// Whether an arm takes this outcome whatever else is the case.
pub(super) fn takes(exchange: &Exchange, outcome: &ArmOutcome) -> bool {
    exchange.arms.iter().any(|arm| arm.guard.is_none() && arm.outcome == *outcome)
}

/// Whether an arm sends the command again.
pub(super) fn retries(exchange: &Exchange) -> bool {
    exchange.arms.iter().any(|arm| arm.disposition == Disposition::Retry)
}

/// Whether a pattern, as written, takes every value of a variant. In doubt it does not.
fn takes_variant(pattern: &str, variant: &str) -> bool {
    pattern.split('|').map(str::trim).any(|alternative| {
        let (path, fields) = alternative.split_at(alternative.find(['{', '(']).unwrap_or(alternative.len()));
        let named = path.trim().rsplit("::").next() == Some(variant);
        is_name(alternative) || (named && fields.split(['{', '}', '(', ')', ',']).all(binds))
    })
}

fn binds(field: &str) -> bool {
    let field = field.trim();
    field.is_empty() || field == ".." || is_name(field)
}

/// A name that binds, or `_`.
fn is_name(pattern: &str) -> bool {
    let is_lower = pattern.starts_with(|first: char| first.is_lowercase() || first == '_');
    is_lower && pattern.chars().all(|character| character.is_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_a_variant_whole_or_not() {
        for pattern in ["reason", "_", "Full", "Refusal::Full", "Other | Full", "Full { most, .. }", "Full(_)"] {
            assert!(takes_variant(pattern, "Full"), "{pattern}");
        }
        for pattern in ["Fuller", "reason @ Full", "Full { most: 1 }", "Full(1)", "Other", ""] {
            assert!(!takes_variant(pattern, "Full"), "{pattern}");
        }
    }
}
