//! Records as the rows of the log, and the bytes of commands back out of them.
//!
//! `data` is JSON of what happened and what followed, by names, so that it can be read without the program.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::cause::Outcome;
use crate::codec;
use crate::definition::Definition;
use crate::log::{EndedRow, RecordRow, StartedRow, Status};
use crate::machine::{Change, Happened, Late, Record, StartedBy};
use crate::message::{At, Bus, Mode, SagaId};
use crate::redaction::{self, Shown};

/// The row of a record, without standing and state. `commands` are the bytes of those that it sends for the first time,
/// in order.
pub(super) fn record<B: Bus>(record: &Record<B>, commands: &[Option<Box<RawValue>>]) -> RecordRow {
    let (what, at, attempt) = about(&record.happened);
    let data = Data { record, commands };
    RecordRow {
        saga: record.saga,
        number: record.number,
        time: record.time,
        what: what.to_owned(),
        step: at.map(|at| step_name(record.definition, at).to_owned()),
        attempt,
        data: written(&data),
        standing: None,
        state: None,
    }
}

/// JSON; if a message cannot be written, that is what it says.
fn written<T: Serialize>(data: &T) -> String {
    codec::write_json(data).unwrap_or_else(|error| {
        let unwritable = [("unwritable", error.to_string())];
        serde_json::to_string(&unwritable).unwrap_or_default()
    })
}

/// The row of the saga that this record starts, if it does.
pub(super) fn started<B: Bus>(record: &Record<B>) -> Option<StartedRow> {
    let Happened::Started { input, key, by } = &record.happened else { return None };
    let definition = record.definition?;
    Some(StartedRow {
        id: record.saga,
        name: definition.name.to_owned(),
        version: definition.version,
        input: written(&definition.shown_input(input)),
        started: record.time,
        parent: match by {
            StartedBy::Parent { saga, .. } => Some(*saga),
            StartedBy::Call | StartedBy::Trigger(_) => None,
        },
        key: key.clone(),
    })
}

/// The row of the end that this record makes, if it does.
pub(super) fn ended<B: Bus>(record: &Record<B>) -> Option<EndedRow> {
    let Some(Change::Ended(outcome)) = record.then.last() else { return None };
    let (status, step, message) = match outcome {
        Outcome::Completed(_) => (Status::Completed, None, None),
        Outcome::Compensated(cause) => {
            let step = Some(cause.step().to_owned()).filter(|step| !step.is_empty());
            (Status::Compensated, step, Some(cause.message().to_owned()))
        }
        Outcome::Ended(by) => (Status::Ended, None, Some(format!("ended by {}: {}", by.who, by.why))),
    };
    let outcome = written(&outcome_json(outcome));
    Some(EndedRow { id: record.saga, status, ended: record.time, step, message, outcome })
}

/// What was said too late, as JSON.
pub(crate) fn late<B: Bus>(what: &Late<B>, at: At, definition: Option<&'static Definition>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Told<'a, T> {
        Late(Tell<'a, T>),
    }
    match what {
        Late::Answer { attempt, answer } => {
            let exchange = Exchange::new(definition, at, Some(*attempt));
            written(&Told::Late(Tell { exchange, key: "answer", told: &Shown::<B>::shown(answer) }))
        }
        Late::Fate(fate) => {
            let told = &Shown::<B>::shown(fate);
            written(&Told::Late(Tell { exchange: Exchange::new(definition, at, None), key: "fate", told }))
        }
    }
}

/// The output of a completed saga is JSON already: it is not written as a string.
pub(super) fn outcome_json(outcome: &Outcome<String>) -> Outcome<Box<RawValue>> {
    let null = || serde_json::value::to_raw_value(&()).unwrap_or_default();
    outcome.clone().map(|output| RawValue::from_string(output).unwrap_or_else(|_| null()))
}

/// The bytes of the command of an exchange, out of the record that first sent it.
pub(super) fn command_in(row: &RecordRow, step: &str, at: At) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        then: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Entry {
        sent: Option<Sent>,
    }
    #[derive(Deserialize)]
    struct Sent {
        step: String,
        #[serde(default)]
        item: u32,
        #[serde(default)]
        mode: Mode,
        command: Option<Box<RawValue>>,
    }
    let row: Row<'_> = serde_json::from_str(&row.data).ok()?;
    let sent = row.then.into_iter().filter_map(|change| serde_json::from_str::<Entry>(change.get()).ok()?.sent);
    let mut sent = sent.filter(|sent| sent.step == step && sent.item == at.item && sent.mode == at.mode);
    sent.find_map(|sent| sent.command)
}

pub(super) fn step_name(definition: Option<&'static Definition>, at: At) -> &'static str {
    definition.and_then(|definition| definition.steps.get(usize::from(at.step))).map_or("", |step| step.name)
}

/// The name of what happened, and to which attempt of which exchange.
fn about<B: Bus>(happened: &Happened<B>) -> (&'static str, Option<At>, Option<u32>) {
    match happened {
        Happened::Started { .. } => ("started", None, None),
        Happened::Admitted => ("admitted", None, None),
        Happened::Superseded { .. } => ("superseded", None, None),
        Happened::Answered { at, attempt, answer } => {
            let what = match answer {
                crate::message::Answer::Handled(_) => "handled",
                crate::message::Answer::Refused(_) => "refused",
                crate::message::Answer::Broken(_) => "broken",
            };
            (what, Some(*at), Some(*attempt))
        }
        Happened::Seen { at, .. } => ("seen", Some(*at), None),
        Happened::TimedOut { at, attempt } => ("timed_out", Some(*at), Some(*attempt)),
        Happened::Disconnected { at, attempt } => ("disconnected", Some(*at), Some(*attempt)),
        Happened::Waited { at } => ("waited", Some(*at), None),
        Happened::Fate { at, .. } => ("fate", Some(*at), None),
        Happened::FateOverdue { at } => ("fate_overdue", Some(*at), None),
        Happened::Deadline => ("deadline", None, None),
        Happened::Cancelled { .. } => ("cancelled", None, None),
        Happened::Operator { .. } => ("operator", None, None),
        Happened::Restarted => ("restarted", None, None),
        Happened::Migrated { .. } => ("migrated", None, None),
        Happened::Parked { .. } => ("parked", None, None),
        Happened::ChildEnded { at, .. } => ("child_ended", Some(*at), None),
        Happened::Unwound { .. } => ("unwound", None, None),
        Happened::Released => ("released", None, None),
    }
}

/// `{"happened": …, "then": […]}`.
struct Data<'a, B: Bus> {
    record: &'a Record<B>,
    commands: &'a [Option<Box<RawValue>>],
}

impl<B: Bus> Serialize for Data<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let definition = self.record.definition;
        let mut commands = self.commands.iter();
        let then = self.record.then.iter().map(|change| {
            let first = matches!(change, Change::Sent { command: Some(_), .. });
            let bytes = if first { commands.next().and_then(Option::as_deref) } else { None };
            ChangeJson { definition, change, bytes }
        });
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("happened", &HappenedJson { definition, happened: &self.record.happened })?;
        map.serialize_entry("then", &then.collect::<Vec<_>>())?;
        map.end()
    }
}

/// An exchange by its names: without an item its step has no `for`, without a mode it goes forward. Of a saga that
/// ended long ago, only the number of the step is known.
struct Exchange {
    step: Result<&'static str, u16>,
    item: Option<u32>,
    mode: Mode,
    attempt: Option<u32>,
}

impl Exchange {
    fn new(definition: Option<&'static Definition>, at: At, attempt: Option<u32>) -> Self {
        let step = definition.map_or(Err(at.step), |_| Ok(step_name(definition, at)));
        let item = definition.map_or(Some(at.item).filter(|item| *item != 0), |definition| definition.item(at));
        Self { step, item, mode: at.mode, attempt }
    }

    /// Its entries, in a map with others.
    fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self.step {
            Ok(name) => map.serialize_entry("step", name)?,
            Err(number) => map.serialize_entry("step_number", &number)?,
        }
        if let Some(item) = self.item {
            map.serialize_entry("item", &item)?;
        }
        if self.mode != Mode::Forward {
            map.serialize_entry("mode", &self.mode)?;
        }
        match self.attempt {
            Some(attempt) => map.serialize_entry("attempt", &attempt),
            None => Ok(()),
        }
    }
}

impl Serialize for Exchange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_into(&mut map)?;
        map.end()
    }
}

/// An exchange, and one more thing about it.
struct Tell<'a, T> {
    exchange: Exchange,
    key: &'static str,
    told: &'a T,
}

impl<T: Serialize> Serialize for Tell<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.exchange.serialize_into(&mut map)?;
        map.serialize_entry(self.key, self.told)?;
        map.end()
    }
}

struct HappenedJson<'a, B: Bus> {
    definition: Option<&'static Definition>,
    happened: &'a Happened<B>,
}

impl<B: Bus> Serialize for HappenedJson<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exchange = |at: &At, attempt: Option<u32>| Exchange::new(self.definition, *at, attempt);
        match self.happened {
            Happened::Started { by, .. } => tagged(serializer, "started", by),
            Happened::Admitted => serializer.serialize_str("admitted"),
            Happened::Superseded { by } => tagged(serializer, "superseded", by),
            Happened::Answered { at, attempt, answer } => {
                let told = &Shown::<B>::shown(answer);
                let told = Tell { exchange: exchange(at, Some(*attempt)), key: "answer", told };
                tagged(serializer, "answered", &told)
            }
            Happened::Seen { at, event } => {
                let told = &redaction::event::<B>(event);
                tagged(serializer, "seen", &Tell { exchange: exchange(at, None), key: "event", told })
            }
            Happened::TimedOut { at, attempt } => tagged(serializer, "timed_out", &exchange(at, Some(*attempt))),
            Happened::Disconnected { at, attempt } => tagged(serializer, "disconnected", &exchange(at, Some(*attempt))),
            Happened::Waited { at } => tagged(serializer, "waited", &exchange(at, None)),
            Happened::Fate { at, fate } => {
                let told = &Shown::<B>::shown(fate);
                tagged(serializer, "fate", &Tell { exchange: exchange(at, None), key: "fate", told })
            }
            Happened::FateOverdue { at } => tagged(serializer, "fate_overdue", &exchange(at, None)),
            Happened::Deadline => serializer.serialize_str("deadline"),
            Happened::Cancelled { by } => tagged(serializer, "cancelled", by),
            Happened::Operator { action, who, why } => tagged(serializer, "operator", &Operated { action, who, why }),
            Happened::Restarted => serializer.serialize_str("restarted"),
            Happened::Migrated { from, to } => tagged(serializer, "migrated", &Migrated { from: *from, to: *to }),
            Happened::Parked { reason } => tagged(serializer, "parked", &Reason { reason }),
            Happened::ChildEnded { at, child, how } => {
                let told = &Ended { child: *child, how: *how };
                tagged(serializer, "child_ended", &Tell { exchange: exchange(at, None), key: "ended", told })
            }
            Happened::Unwound { by } => tagged(serializer, "unwound", by),
            Happened::Released => serializer.serialize_str("released"),
        }
    }
}

#[derive(Serialize)]
struct Operated<'a> {
    action: &'a crate::machine::Operator,
    who: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Migrated {
    from: u32,
    to: u32,
}

#[derive(Serialize)]
struct Ended {
    child: SagaId,
    how: Status,
}

#[derive(Serialize)]
struct Reason<'a> {
    reason: &'a str,
}

struct ChangeJson<'a, B: Bus> {
    definition: Option<&'static Definition>,
    change: &'a Change<B>,
    /// Of the command, if it is sent for the first time.
    bytes: Option<&'a RawValue>,
}

struct SentJson<'a> {
    exchange: Exchange,
    participant: &'static str,
    recorded_in: u32,
    command: Option<&'a RawValue>,
}

impl Serialize for SentJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.exchange.serialize_into(&mut map)?;
        map.serialize_entry("participant", self.participant)?;
        map.serialize_entry("recorded_in", &self.recorded_in)?;
        if let Some(command) = self.command {
            map.serialize_entry("command", command)?;
        }
        map.end()
    }
}

impl<B: Bus> Serialize for ChangeJson<'_, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exchange = |at: &At, attempt: Option<u32>| Exchange::new(self.definition, *at, attempt);
        match self.change {
            Change::Queued { behind } => tagged(serializer, "queued", behind),
            Change::Sent { at, attempt, participant, recorded_in, .. } => {
                let (exchange, command) = (exchange(at, Some(*attempt)), self.bytes);
                tagged(serializer, "sent", &SentJson { exchange, participant, recorded_in: *recorded_in, command })
            }
            Change::Waiting { at, until } => {
                tagged(serializer, "waiting", &Tell { exchange: exchange(at, None), key: "until", told: until })
            }
            Change::Ran { at, attempt, child, .. } => {
                tagged(serializer, "ran", &Tell { exchange: exchange(at, Some(*attempt)), key: "child", told: child })
            }
            Change::Unwinding { at, child } => {
                tagged(serializer, "unwinding", &Tell { exchange: exchange(at, None), key: "child", told: child })
            }
            Change::Complete { .. } => serializer.serialize_str("complete"),
            Change::Sleeping { at, until } => {
                tagged(serializer, "sleeping", &Tell { exchange: exchange(at, None), key: "until", told: until })
            }
            Change::Asked { at, participant } => tagged(
                serializer,
                "asked",
                &Tell { exchange: exchange(at, None), key: "participant", told: participant },
            ),
            Change::Withdrawn { at, participant } => {
                let told = Tell { exchange: exchange(at, None), key: "participant", told: participant };
                tagged(serializer, "withdrawn", &told)
            }
            Change::Done { at } => tagged(serializer, "done", &exchange(at, None)),
            Change::Kept { at } => tagged(serializer, "kept", &exchange(at, None)),
            Change::Abandoned { at } => tagged(serializer, "abandoned", &exchange(at, None)),
            Change::Assumed { at } => tagged(serializer, "assumed", &exchange(at, None)),
            Change::DoneLate { at } => tagged(serializer, "done_late", &exchange(at, None)),
            Change::Undone { at } => tagged(serializer, "undone", &exchange(at, None)),
            Change::Skipped { at } => tagged(serializer, "skipped", &exchange(at, None)),
            Change::Failed(cause) => tagged(serializer, "failed", cause),
            Change::Stuck { reason } => tagged(serializer, "stuck", &Reason { reason }),
            Change::Unstuck => serializer.serialize_str("unstuck"),
            Change::Ended(outcome) => {
                let shown = |output: String| match self.definition {
                    Some(definition) if definition.returns_redacted => definition.shown_output(&output).to_string(),
                    _ => output,
                };
                tagged(serializer, "ended", &outcome_json(&outcome.clone().map(shown)))
            }
        }
    }
}

/// `{"tag": value}`.
fn tagged<S: Serializer, T: Serialize + ?Sized>(serializer: S, tag: &str, value: &T) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, value)?;
    map.end()
}
