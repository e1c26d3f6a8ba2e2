//! A saga as data that both the page on the terminal and JSON are made of.

use serde::Serialize;
use serde_json::Value;

use super::steps::{self, StepView};
use crate::cli::error::CliError;
use crate::cli::time::Rfc3339;
use crate::cli::views::SagaView;
use crate::definition::Definition;
use crate::log::{LateRow, LogReader, RecordRow, Status};
use crate::message::SagaId;
use crate::operator::ParticipantStatus;
use crate::redaction::Hidden;

/// Records that are read at once.
const PAGE: usize = 1000;

/// One saga, whole.
#[derive(Debug, Serialize)]
pub(super) struct ShowView {
    pub(super) waits: Option<WaitsView>,
    pub(super) saga: SagaView,
    pub(super) input: Value,
    pub(super) steps: Vec<StepView>,
    pub(super) records: Vec<RecordView>,
    pub(super) late: Vec<LateView>,
    pub(super) outcome: Option<Value>,
    /// Whether there is no way back any more.
    #[serde(skip)]
    pub(super) past_pivot: bool,
}

/// What a saga in flight waits for.
#[derive(Debug, Serialize)]
pub(super) struct WaitsView {
    #[serde(rename = "for")]
    pub(super) what: Option<String>,
    pub(super) participant: Option<String>,
    pub(super) since: Rfc3339,
    pub(super) until: Option<Rfc3339>,
    /// Why it is stuck.
    pub(super) reason: Option<String>,
    /// What the participant has to do with it.
    pub(super) connection: Connection,
}

/// Whether the participant that a saga waits for is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Connection {
    /// It waits for no participant, and a coordinator runs.
    NotNeeded,
    /// It is there.
    Connected {
        /// Deliveries that wait for it.
        waiting: usize,
    },
    /// It is away.
    Disconnected {
        /// Deliveries that wait for it.
        waiting: usize,
    },
    /// The coordinator has never heard of it.
    Unknown,
    /// Nobody takes care of the saga.
    NoCoordinator,
    /// The coordinator cannot be asked.
    NotTold {
        /// Why.
        reason: String,
    },
}

impl Connection {
    pub(super) fn of(participant: Option<&str>, participants: &[ParticipantStatus]) -> Self {
        let Some(name) = participant else {
            return Self::NotNeeded;
        };
        match participants.iter().find(|status| status.name == name) {
            Some(status) if status.connected => Self::Connected { waiting: status.waiting },
            Some(status) => Self::Disconnected { waiting: status.waiting },
            None => Self::Unknown,
        }
    }
}

/// One record.
#[derive(Debug, Serialize)]
pub(super) struct RecordView {
    pub(super) number: u32,
    pub(super) time: Rfc3339,
    pub(super) what: String,
    pub(super) step: Option<String>,
    pub(super) attempt: Option<u32>,
    pub(super) data: Value,
}

/// What was said too late.
#[derive(Debug, Serialize)]
pub(super) struct LateView {
    pub(super) time: Rfc3339,
    pub(super) step: Option<String>,
    pub(super) data: Value,
}

impl ShowView {
    /// The saga; none if there is none.
    pub(super) fn load(
        log: &mut dyn LogReader,
        id: SagaId,
        definitions: &[&'static Definition],
    ) -> Result<Option<Self>, CliError> {
        let Some(details) = log.saga(id)? else {
            return Ok(None);
        };
        let saga = SagaView::from(details.summary);
        let mut records: Vec<_> = records(log, id)?.into_iter().map(RecordView::from).collect();
        let version = version_now(&records).unwrap_or(saga.version);
        let description = log.definition(&saga.name, version)?.map(|row| json(row.description)).unwrap_or_default();
        let mut hidden = Hidden::of(&description);
        if let Some(row) = log.definition(&saga.name, saga.version)?.filter(|row| row.version != version) {
            hidden.and(Hidden::of(&json(row.description)));
        }
        records.iter_mut().for_each(|record| hidden.hide_record(&mut record.data));
        let (mut input, mut outcome) = (json(details.input), details.outcome.map(json));
        hidden.hide_input(&mut input);
        outcome.iter_mut().for_each(|outcome| hidden.hide_outcome(outcome));
        let names = names_of_steps(&saga.name, version, definitions, &description);
        Ok(Some(Self {
            waits: (!saga.status.is_end()).then(|| WaitsView::of(&saga)),
            steps: steps::of(&names, &records, &saga),
            past_pivot: steps::took_effect(&pivots(&saga.name, version, definitions, &description), &records),
            input,
            late: log.late(id)?.into_iter().map(|row| LateView::of(row, &names)).collect(),
            outcome,
            records,
            saga,
        }))
    }

    /// Whether it is shown as stuck.
    pub(super) fn is_stuck(&self) -> bool {
        self.saga.status == Status::Stuck
    }

    /// Whether it waits for more than an operator.
    pub(super) fn goes_on_by_itself(&self) -> bool {
        self.saga.participant.is_some() || self.saga.until.is_some()
    }

    /// Whether it is being undone, or tidies up at its end: there an operator may pass over something.
    pub(super) fn is_way_back(&self) -> bool {
        let mut then = self.records.iter().filter_map(|record| record.data.get("then")?.as_array()).flatten();
        then.any(|change| {
            let exchange = change.as_object().and_then(|change| change.values().next());
            let mode = exchange.and_then(|exchange| exchange.get("mode"));
            change.get("failed").is_some() || mode.is_some_and(|mode| mode == "finally")
        })
    }
}

impl LateView {
    /// Of a saga that the coordinator no longer knew, the row has the number of the step only.
    pub(super) fn of(row: LateRow, names: &[String]) -> Self {
        let (mut step, mut data) = (row.step, json(row.data));
        if let Some(late) = data.get_mut("late").and_then(Value::as_object_mut)
            && let Some(number) = late.get("step_number").and_then(Value::as_u64)
            && let Some(name) = usize::try_from(number).ok().and_then(|number| names.get(number))
        {
            late.remove("step_number");
            late.insert("step".to_owned(), Value::from(name.as_str()));
            step = Some(name.clone());
        }
        Self { time: Rfc3339(row.time), step, data }
    }
}

impl WaitsView {
    fn of(saga: &SagaView) -> Self {
        Self {
            what: saga.waiting_for.clone(),
            participant: saga.participant.clone(),
            since: saga.since,
            until: saga.until,
            reason: saga.reason.clone(),
            connection: Connection::NotNeeded,
        }
    }
}

impl From<RecordRow> for RecordView {
    fn from(row: RecordRow) -> Self {
        Self {
            number: row.number,
            time: Rfc3339(row.time),
            what: row.what,
            step: row.step,
            attempt: row.attempt,
            data: json(row.data),
        }
    }
}

/// The steps in the order written: as this program has them, else as the log does; none if neither knows them.
fn names_of_steps(name: &str, version: u32, definitions: &[&'static Definition], description: &Value) -> Vec<String> {
    let ours = definitions.iter().find(|ours| ours.name == name && ours.version == version);
    if let Some(ours) = ours {
        return ours.steps.iter().map(|step| step.name.to_owned()).collect();
    }
    let steps = description.get("steps").and_then(Value::as_array).into_iter().flatten();
    steps.filter_map(|step| step.get("name").and_then(Value::as_str)).map(str::to_owned).collect()
}

/// The steps behind which there is no way back.
fn pivots(name: &str, version: u32, definitions: &[&'static Definition], description: &Value) -> Vec<String> {
    let ours = definitions.iter().find(|ours| ours.name == name && ours.version == version);
    let ours = ours.map(|ours| serde_json::to_value(ours).unwrap_or_default());
    let steps = ours.as_ref().unwrap_or(description).get("steps").and_then(Value::as_array).into_iter().flatten();
    let pivots = steps.filter(|step| step.get("kind").is_some_and(|kind| kind == "pivot"));
    pivots.filter_map(|step| step.get("name").and_then(Value::as_str)).map(str::to_owned).collect()
}

/// The version in which it goes on, if it was migrated.
fn version_now(records: &[RecordView]) -> Option<u32> {
    let to = |record: &RecordView| record.data.get("happened")?.get("migrated")?.get("to")?.as_u64();
    u32::try_from(records.iter().rev().find_map(to)?).ok()
}

fn records(log: &mut dyn LogReader, id: SagaId) -> Result<Vec<RecordRow>, CliError> {
    let mut records = Vec::new();
    loop {
        let from = records.last().map_or(1, |last: &RecordRow| last.number + 1);
        let page = log.records(id, from, PAGE)?;
        let more = page.len() == PAGE;
        records.extend(page);
        if !more {
            return Ok(records);
        }
    }
}

/// JSON as it was recorded; what is no JSON is a text.
fn json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
