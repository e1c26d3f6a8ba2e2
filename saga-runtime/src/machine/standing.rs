//! Where a saga stands, in the words of whoever looks.

use super::control::{Control, Open, Phase, Waits};
use crate::definition::{Action, ArmOutcome, Definition, Exchange};
use crate::log::{Standing, Status};
use crate::message::{Mode, SagaId};
use crate::saga::Position;
use crate::time::Timestamp;

/// Where a saga in flight stands.
pub(super) fn of(definition: &'static Definition, control: &Control, position: Position) -> Standing {
    let halted = control.open.iter().find(|open| matches!(open.waits, Waits::Operator { .. }));
    let open = halted.or_else(|| control.standing_at()).or_else(|| control.open.first());
    let step = open.map(|open| open.at.step).or_else(|| definition.first_step(position));
    let status = match (&control.rare.stuck, control.phase) {
        (Some(_), _) => Status::Stuck,
        (None, Phase::Queued) => Status::Queued,
        (None, Phase::Forward | Phase::Kept) => Status::Running,
        (None, Phase::Finishing) if control.rare.output.is_some() => Status::Running,
        (None, Phase::Settling) if control.awaits_pivot(definition) => Status::Running,
        (None, Phase::Settling | Phase::Compensating | Phase::Finishing) => Status::Compensating,
    };
    if let (Phase::Kept, Some(parent)) = (control.phase, control.rare.parent) {
        return kept(control.since, parent.saga);
    }
    let until = control.next_due();
    let waits = open.map(|open| waiting(definition, control, open));
    Standing {
        status,
        step: step.map(|step| definition.steps[usize::from(step)].name.to_owned()),
        waiting_for: waits.as_ref().map(|(what, _)| what.clone()).or_else(|| operator(control.is_halted())),
        participant: waits.and_then(|(_, who)| who).map(str::to_owned),
        since: open.map_or(control.since, |open| open.since),
        until: (until < Timestamp::NEVER).then_some(until),
        reason: control.rare.stuck.as_ref().map(|stuck| stuck.reason.clone()),
    }
}

/// Where a saga stands that has completed, and can still be unwound by the one that ran it.
fn kept(since: Timestamp, parent: SagaId) -> Standing {
    let waiting_for = Some(format!("the end of saga {parent}, which may still undo it"));
    Standing { status: Status::Running, step: None, waiting_for, participant: None, since, until: None, reason: None }
}

/// Where a saga stands that waits for its keys.
pub(super) fn queued(since: Timestamp, behind: Option<SagaId>) -> Standing {
    Standing {
        status: Status::Queued,
        step: None,
        waiting_for: Some(behind.map_or("its turn".to_owned(), |saga| format!("the end of saga {saga}"))),
        participant: None,
        since,
        until: None,
        reason: None,
    }
}

/// Where a saga stands that this program cannot load.
pub(super) fn parked(since: Timestamp, reason: &str) -> Standing {
    Standing {
        status: Status::Stuck,
        step: None,
        waiting_for: operator(true),
        participant: None,
        since,
        until: None,
        reason: Some(reason.to_owned()),
    }
}

fn operator(waits: bool) -> Option<String> {
    waits.then(|| "an operator: retry, skip or end".to_owned())
}

/// What an open exchange waits for, and from whom.
fn waiting(definition: &'static Definition, control: &Control, open: &Open) -> (String, Option<&'static str>) {
    let step = &definition.steps[usize::from(open.at.step)];
    if open.waits == Waits::Asleep {
        return ("its time to pass".to_owned(), None);
    }
    if let (Waits::Child, Some(ran)) = (open.waits, control.child_at(open.at)) {
        let name = if let Action::Run(child) = step.exchange.action { child.name } else { "" };
        return (format!("the end of saga {} ({name})", ran.saga), None);
    }
    let block = if open.at.mode == Mode::Compensation { step.compensation.exchange() } else { Some(&step.exchange) };
    let Some(command) = block.unwrap_or(&step.exchange).action.command() else {
        return (awaited(block.unwrap_or(&step.exchange)), None);
    };
    match open.waits {
        Waits::Answer if open.handled => (awaited(block.unwrap_or(&step.exchange)), None),
        Waits::Answer if command.replies.is_empty() => (format!("{} to be handled", command.name), Some(command.to)),
        Waits::Answer => (format!("{} in answer to {}", command.replies.join(" or "), command.name), Some(command.to)),
        Waits::Backoff { .. } => (format!("the time of the next attempt of {}", command.name), None),
        Waits::Fate { .. } | Waits::FateAgain { .. } => (format!("the fate of {}", command.name), Some(command.to)),
        Waits::Asleep | Waits::Child => (String::new(), None),
        Waits::Operator { .. } => (operator(true).unwrap_or_default(), None),
    }
}

/// The events of anyone that end an exchange.
fn awaited(exchange: &Exchange) -> String {
    let arms = exchange.arms.iter().filter(|arm| !arm.correlations.is_empty());
    let arms = arms.filter_map(|arm| match arm.outcome {
        ArmOutcome::Event { events, .. } => {
            let compared = arm.correlations.iter().map(|pair| format!("{} == {}", pair.name, pair.value));
            Some(format!("{} where {}", events.join(" or "), compared.collect::<Vec<_>>().join(" && ")))
        }
        _ => None,
    });
    arms.collect::<Vec<_>>().join(", or ")
}
