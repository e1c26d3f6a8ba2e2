//! What is decided and not yet recorded: rows for the log, and what is to be done after the commit.

use std::collections::BTreeMap;

use saga_runtime::cause::Outcome;
use saga_runtime::definition::Definition;
use saga_runtime::log::{Batch, EndedRow, LateRow, ReceivedRow, RecordRow, StartedRow, Status};
use saga_runtime::machine::{CancelReply, Change, Happened, Machine, Record, StartedBy};
use saga_runtime::message::{At, ExchangeKey, LogId, SagaId};
use saga_runtime::time::Timestamp;
use serde_json::value::RawValue;

use super::super::people::Start;
use super::super::sagas::{Event, Shop};

/// Something to do after a commit.
#[derive(Debug)]
pub(in super::super) enum Act {
    Send(&'static str, WaitingCommand),
    Settle(&'static str, ExchangeKey),
    Withdraw(&'static str, ExchangeKey),
    Recorded(&'static str, u64),
    Connected { participant: &'static str, resumed: bool },
    Disconnected(&'static str),
    Ended(SagaId),
    Reply(Reply),
    LookUp(Start),
}

/// What who asked is told.
#[derive(Debug)]
pub(in super::super) enum Reply {
    Started { start: Start, saga: SagaId },
    Published(Event),
    Cancelled { saga: SagaId, reply: CancelReply },
}

/// A command that waits to leave.
#[derive(Debug)]
pub(in super::super) struct WaitingCommand {
    pub(in super::super) key: ExchangeKey,
    pub(in super::super) attempt: u32,
    pub(in super::super) definition: &'static Definition,
    pub(in super::super) recorded_in: u32,
    /// None: in the log.
    pub(in super::super) command: Option<Box<RawValue>>,
}

/// A batch that is being filled.
#[derive(Default)]
pub(in super::super) struct Pending {
    pub(in super::super) batch: Batch,
    /// What the rows of the batch were made of.
    pub(in super::super) records: Vec<Record<Shop>>,
    pub(in super::super) acts: Vec<Act>,
    last: BTreeMap<SagaId, usize>,
    received: BTreeMap<&'static str, (String, u64)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.acts.is_empty() && self.received.is_empty()
    }

    /// To be recorded, and then done.
    pub(super) fn record(&mut self, log: LogId, record: Record<Shop>) {
        let mut sent: Vec<(At, Box<RawValue>)> = Vec::new();
        for change in &record.then {
            if let Change::Sent { at, command: Some(command), .. } = change {
                sent.push((*at, serde_json::value::to_raw_value(command).expect("the commands of the shop are JSON")));
            }
            self.acts.extend(act(log, &record, change, &sent));
        }
        self.last.insert(record.saga, self.batch.records.len());
        self.batch.started.extend(started(&record));
        self.batch.ended.extend(ended(&record));
        self.batch.records.push(row(&record, &sent));
        self.records.push(record);
    }

    pub(super) fn late(&mut self, saga: SagaId, time: Timestamp, data: String) {
        self.batch.late.push(LateRow { saga, time, step: None, data });
    }

    /// A participant's report has been decided.
    pub(super) fn received(&mut self, participant: &'static str, session: String, number: u64) {
        self.received.insert(participant, (session, number));
    }

    /// With the states that the machine has now.
    pub(super) fn close(mut self, machine: &Machine<Shop>) -> Self {
        for (saga, index) in &self.last {
            let row = &mut self.batch.records[*index];
            row.standing = machine.standing(*saga);
            row.state = machine.save(*saga).map(|saved| saved.expect("the states of the shop are JSON"));
        }
        for (participant, (session, number)) in &self.received {
            let row = ReceivedRow { participant: (*participant).to_owned(), session: session.clone(), number: *number };
            self.batch.received.push(row);
            self.acts.push(Act::Recorded(participant, *number));
        }
        self
    }
}

/// The bytes of a command, out of the record that first sent it.
pub(super) fn command_in(row: &RecordRow, at: At) -> Option<Box<RawValue>> {
    let sent: Vec<(At, Box<RawValue>)> = serde_json::from_str(&row.data).ok()?;
    sent.into_iter().find(|(of, _)| *of == at).map(|(_, command)| command)
}

fn act(log: LogId, record: &Record<Shop>, change: &Change<Shop>, sent: &[(At, Box<RawValue>)]) -> Option<Act> {
    let key = |at: &At| ExchangeKey { log, saga: record.saga, at: *at };
    Some(match change {
        Change::Sent { at, attempt, participant, recorded_in, command } => {
            let bytes = command.as_ref().and_then(|_| sent.last()).map(|(_, bytes)| bytes.clone());
            let definition = record.definition?;
            let (key, attempt, recorded_in) = (key(at), *attempt, *recorded_in);
            Act::Send(participant, WaitingCommand { key, attempt, definition, recorded_in, command: bytes })
        }
        Change::Asked { at, participant } => Act::Settle(participant, key(at)),
        Change::Withdrawn { at, participant } => Act::Withdraw(participant, key(at)),
        Change::Ended(_) => Act::Ended(record.saga),
        _ => return None,
    })
}

fn row(record: &Record<Shop>, sent: &[(At, Box<RawValue>)]) -> RecordRow {
    RecordRow {
        saga: record.saga,
        number: record.number,
        time: record.time,
        what: String::new(),
        step: None,
        attempt: None,
        data: serde_json::to_string(sent).expect("commands that were written are JSON"),
        standing: None,
        state: None,
    }
}

fn started(record: &Record<Shop>) -> Option<StartedRow> {
    let Happened::Started { input, by, key } = &record.happened else { return None };
    let definition = record.definition?;
    Some(StartedRow {
        id: record.saga,
        name: definition.name.to_owned(),
        version: definition.version,
        input: input.clone(),
        started: record.time,
        parent: match by {
            StartedBy::Parent { saga, .. } => Some(*saga),
            StartedBy::Call | StartedBy::Trigger(_) => None,
        },
        key: key.clone(),
    })
}

fn ended(record: &Record<Shop>) -> Option<EndedRow> {
    let Some(Change::Ended(outcome)) = record.then.last() else { return None };
    let status = match outcome {
        Outcome::Completed(_) => Status::Completed,
        Outcome::Compensated(_) => Status::Compensated,
        Outcome::Ended(_) => Status::Ended,
    };
    Some(EndedRow { id: record.saga, status, ended: record.time, step: None, message: None, outcome: String::new() })
}
