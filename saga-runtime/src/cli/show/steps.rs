//! How far each step is, read off the records.

use serde::Serialize;
use serde_json::Value;

use super::view::RecordView;
use crate::cli::time::Rfc3339;
use crate::cli::views::SagaView;
use crate::log::Status;

/// One step.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct StepView {
    pub(super) name: String,
    pub(super) state: StepState,
    /// The latest attempt.
    pub(super) attempt: Option<u64>,
    /// Since when.
    pub(super) since: Option<Rfc3339>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StepState {
    /// Not begun.
    Ahead,
    /// Never begun, and it never will be.
    NotReached,
    /// A command is out, or waits to be sent again.
    Open,
    /// Its fate is asked.
    InDoubt,
    /// It took effect.
    Done,
    /// Nothing was done.
    NotDone,
    /// Its compensation is out.
    Undoing,
    /// It took effect, and was undone.
    Undone,
    /// An operator passed over it.
    Skipped,
    /// The saga ended before it was known what became of it.
    GivenUp,
}

impl StepState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::NotReached => "not reached",
            Self::Open => "open",
            Self::InDoubt => "in doubt",
            Self::Done => "done",
            Self::NotDone => "nothing was done",
            Self::Undoing => "being undone",
            Self::Undone => "undone",
            Self::Skipped => "skipped",
            Self::GivenUp => "given up",
        }
    }
}

/// The steps with these names, and any other that the records mention.
pub(super) fn of(names: &[String], records: &[RecordView], saga: &SagaView) -> Vec<StepView> {
    let may_begin = matches!(saga.status, Status::Queued | Status::Running);
    let state = if may_begin { StepState::Ahead } else { StepState::NotReached };
    let new = |name: &str| StepView { name: name.to_owned(), state, attempt: None, since: None };
    let mut steps: Vec<_> = names.iter().map(|name| new(name)).collect();
    for record in records {
        let then = record.data.get("then").and_then(Value::as_array).into_iter().flatten();
        for (name, state, attempt) in failed(&record.data).into_iter().chain(then.filter_map(changed)) {
            let at = steps.iter().position(|step| step.name == name).unwrap_or_else(|| {
                steps.push(new(name));
                steps.len() - 1
            });
            let step = &mut steps[at];
            step.state = state;
            step.attempt = attempt.or(step.attempt);
            step.since = Some(record.time);
        }
    }
    if saga.status.is_end() {
        steps.iter_mut().for_each(close);
    }
    steps
}

/// The end of a saga closes what is open.
fn close(step: &mut StepView) {
    if matches!(step.state, StepState::Open | StepState::InDoubt | StepState::Undoing) {
        step.state = StepState::GivenUp;
    }
}

type Found<'a> = (&'a str, StepState, Option<u64>);

/// A step whose answer made the saga fail did not take effect.
fn failed(record: &Value) -> Option<Found<'_>> {
    let fails = record.get("then")?.as_array()?.iter().any(|change| change.get("failed").is_some());
    let answered = record.get("happened")?.get("answered").filter(|_| fails)?;
    Some((answered.get("step")?.as_str()?, StepState::NotDone, None))
}

/// What a change says of a step.
fn changed(change: &Value) -> Option<Found<'_>> {
    let (tag, body) = change.as_object()?.iter().next()?;
    let undo = body.get("mode").and_then(Value::as_str) == Some("compensation");
    let state = match (tag.as_str(), undo) {
        ("sent" | "waiting" | "sleeping" | "ran", false) => StepState::Open,
        ("sent" | "waiting" | "asked" | "unwinding", true) => StepState::Undoing,
        ("asked" | "abandoned" | "assumed", false) => StepState::InDoubt,
        ("done" | "done_late", false) => StepState::Done,
        ("done", true) => StepState::Undone,
        ("undone", false) => StepState::NotDone,
        ("skipped", _) => StepState::Skipped,
        _ => return None,
    };
    Some((body.get("step")?.as_str()?, state, body.get("attempt").and_then(Value::as_u64)))
}
