//! How far each step is, read off the records.

use std::collections::BTreeMap;

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
    /// Of a step with `for`: the one of its items that is furthest from its end.
    pub(super) state: StepState,
    /// Of a step with `for`: how many of the items that were begun are how far.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) items: BTreeMap<StepState, usize>,
    /// The latest attempt.
    pub(super) attempt: Option<u64>,
    /// Since when.
    pub(super) since: Option<Rfc3339>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StepState {
    /// A command is out, or waits to be sent again.
    Open,
    /// Its fate is asked.
    InDoubt,
    /// Its compensation is out.
    Undoing,
    /// The saga ended before it was known what became of it.
    GivenUp,
    /// An operator passed over it.
    Skipped,
    /// It took effect.
    Done,
    /// It took effect, and was undone.
    Undone,
    /// Nothing was done.
    NotDone,
    /// Not begun.
    Ahead,
    /// Never begun, and it never will be.
    NotReached,
}

impl StepState {
    fn closed(self) -> Self {
        if matches!(self, Self::Open | Self::InDoubt | Self::Undoing) { Self::GivenUp } else { self }
    }

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
    let new = |name: &str| Progress { name: name.to_owned(), items: BTreeMap::new(), attempt: None, since: None };
    let mut steps: Vec<_> = names.iter().map(|name| new(name)).collect();
    for record in records {
        let then = record.data.get("then").and_then(Value::as_array).into_iter().flatten();
        for found in failed(&record.data).into_iter().chain(then.filter_map(changed)) {
            let at = steps.iter().position(|step| step.name == found.step).unwrap_or_else(|| {
                steps.push(new(found.step));
                steps.len() - 1
            });
            steps[at].advance(&found, record.time);
        }
    }
    steps.into_iter().map(|step| step.view(state, saga.status.is_end())).collect()
}

/// A step as far as the records have been read.
struct Progress {
    name: String,
    /// How far each item is; a step without `for` is its only item, without a number.
    items: BTreeMap<Option<u64>, StepState>,
    attempt: Option<u64>,
    since: Option<Rfc3339>,
}

impl Progress {
    fn advance(&mut self, found: &Found<'_>, time: Rfc3339) {
        self.items.insert(found.item, found.state);
        self.attempt = found.attempt.or(self.attempt);
        self.since = Some(time);
    }

    /// The end of a saga closes what is open. What was never begun is `otherwise`.
    fn view(self, otherwise: StepState, has_ended: bool) -> StepView {
        let Self { name, items, attempt, since } = self;
        let has_items = items.keys().any(Option::is_some);
        let states = items.into_values().map(|state| if has_ended { state.closed() } else { state });
        let mut counts = BTreeMap::new();
        states.for_each(|state| *counts.entry(state).or_insert(0) += 1);
        let state = counts.keys().next().copied().unwrap_or(otherwise);
        StepView { name, state, items: if has_items { counts } else { BTreeMap::new() }, attempt, since }
    }
}

impl StepView {
    /// How far it is, in words: of a step with `for`, how many items are.
    pub(super) fn told(&self) -> String {
        let items = self.items.iter().map(|(state, count)| format!("{count} {}", state.as_str()));
        if self.items.is_empty() { self.state.as_str().to_owned() } else { items.collect::<Vec<_>>().join(", ") }
    }
}

/// What a record says of an item of a step, or of a step without items.
struct Found<'a> {
    step: &'a str,
    item: Option<u64>,
    state: StepState,
    attempt: Option<u64>,
}

impl<'a> Found<'a> {
    fn of(exchange: &'a Value, state: StepState) -> Option<Self> {
        let number = |field: &str| exchange.get(field).and_then(Value::as_u64);
        let (item, attempt) = (number("item"), number("attempt"));
        Some(Self { step: exchange.get("step")?.as_str()?, item, state, attempt })
    }
}

/// A step whose answer made the saga fail did not take effect.
fn failed(record: &Value) -> Option<Found<'_>> {
    let fails = record.get("then")?.as_array()?.iter().any(|change| change.get("failed").is_some());
    let answered = record.get("happened")?.get("answered").filter(|_| fails)?;
    Found::of(answered, StepState::NotDone)
}

/// Whether one of these steps took effect, or is taken to have done so: the saga went on from it.
pub(super) fn took_effect(steps: &[String], records: &[RecordView]) -> bool {
    let then = records.iter().filter_map(|record| record.data.get("then")?.as_array()).flatten();
    let ended = then.filter(|change| ["done", "done_late", "abandoned"].iter().any(|tag| change.get(tag).is_some()));
    ended
        .filter_map(changed)
        .any(|found| found.state != StepState::Undone && steps.iter().any(|step| step == found.step))
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
    Found::of(body, state)
}
