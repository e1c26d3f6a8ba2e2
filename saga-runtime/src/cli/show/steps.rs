//! How far each step is, read off the records.

use serde::Serialize;
use serde_json::Value;

use super::view::RecordView;
use crate::cli::time::Rfc3339;
use crate::cli::views::SagaView;

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
        }
    }
}

/// The steps with these names, and any other that the records mention.
pub(super) fn of(names: &[String], records: &[RecordView], saga: &SagaView) -> Vec<StepView> {
    let goes_forward = saga.status == crate::log::Status::Running || saga.status == crate::log::Status::Queued;
    let state = if goes_forward { StepState::Ahead } else { StepState::NotReached };
    let new = |name: &str| StepView { name: name.to_owned(), state, attempt: None, since: None };
    let mut steps: Vec<_> = names.iter().map(|name| new(name)).collect();
    for record in records {
        for change in record.data.get("then").and_then(Value::as_array).into_iter().flatten() {
            let Some((name, state, attempt)) = read(change) else { continue };
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
    steps
}

/// What a change says of a step.
fn read(change: &Value) -> Option<(&str, StepState, Option<u64>)> {
    let (tag, body) = change.as_object()?.iter().next()?;
    let undo = body.get("mode").and_then(Value::as_str) == Some("compensation");
    let state = match (tag.as_str(), undo) {
        ("sent" | "waiting", false) => StepState::Open,
        ("sent" | "waiting" | "asked", true) => StepState::Undoing,
        ("asked", false) => StepState::InDoubt,
        ("done", false) => StepState::Done,
        ("done", true) => StepState::Undone,
        ("undone", false) => StepState::NotDone,
        ("skipped", _) => StepState::Skipped,
        _ => return None,
    };
    Some((body.get("step")?.as_str()?, state, body.get("attempt").and_then(Value::as_u64)))
}
