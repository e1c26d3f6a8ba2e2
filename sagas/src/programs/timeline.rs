//! What a renderer sees, in words: one line each.

use saga_runtime::machine::StartedBy;
use saga_runtime::message::Mode;
use saga_runtime::notice::Notice;

use super::renderer::Seen;

/// The line of something seen.
pub(super) fn line(seen: &Seen) -> String {
    match seen {
        Seen::Snapshot(snapshot) => beside(&format!("{} sagas in flight", snapshot.as_array().map_or(0, Vec::len))),
        Seen::Disconnected => beside("the launcher is away"),
        Seen::Change(notice) => match notice.saga() {
            Some(saga) => format!("#{:<3} {}", saga.get(), words(notice)),
            None => beside(&words(notice)),
        },
    }
}

/// What is about no saga.
fn beside(text: &str) -> String {
    format!("     {text}")
}

fn words(notice: &Notice) -> String {
    match notice {
        Notice::SagaStarted { name, input, by, .. } => format!("┌ {name} {input}, by {}", starter(by)),
        Notice::StepStarted { step, mode, attempt, participant, .. } => {
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            format!("│ {}{step} → {participant}{again}", undoing(*mode))
        }
        Notice::StepWaiting { step, mode, until, .. } => format!("│ {}{step} waits until {until}", undoing(*mode)),
        Notice::StepEnded { step, mode, .. } => format!("│ {}{step} ✓", undoing(*mode)),
        Notice::SagaCompensating { cause, .. } => format!("│ fails at {}: {cause}", cause.step()),
        Notice::SagaStuck { reason, .. } => format!("│ stuck: {reason}"),
        Notice::SagaUnstuck { .. } => "│ goes on".to_owned(),
        Notice::OperatorActed { action, who, why, .. } => format!("│ {who}: {action:?}, because {why}"),
        Notice::SagaCompleted { output, .. } => format!("└ completed: {output}"),
        Notice::SagaCompensated { cause, .. } => format!("└ compensated: {cause}"),
        Notice::SagaEnded { by, .. } => format!("└ ended by {}: {}", by.who, by.why),
        Notice::ParticipantConnected { participant, resumed, .. } => {
            format!("{participant} is connected{}", if *resumed { " again" } else { "" })
        }
        Notice::ParticipantDisconnected { participant, reason, .. } => format!("{participant} is away: {reason}"),
        Notice::StartRefused { name, reason, .. } => format!("{name} was not started: {reason}"),
        Notice::AnswerLate { participant, what, .. } => format!("too late, {participant} says {what}"),
        other => format!("{other:?}"),
    }
}

fn starter(by: &StartedBy) -> &str {
    match by {
        StartedBy::Call => "a call",
        StartedBy::Trigger(event) => event,
    }
}

fn undoing(mode: Mode) -> &'static str {
    match mode {
        Mode::Forward => "",
        Mode::Compensation => "undo ",
        Mode::Finally => "finally ",
    }
}
