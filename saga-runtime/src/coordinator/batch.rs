//! What is decided and not yet recorded: rows for the log, and what is to be done after the commit.

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;

use super::acts::{Act, Recorded};
use super::ended::Ended;
use super::fleeting::Fleeting;
use super::rows;
use crate::bus::SessionId;
use crate::codec::REMEDY;
use crate::definition::Definition;
use crate::log::{Batch, DefinitionRow, LateRow, ReceivedRow, Standing, Status};
use crate::machine::{Change, InFlight, LOST_STATE, Late, Machine, Record};
use crate::message::{At, Bus, ExchangeKey, SagaId};
use crate::notice::Notice;
use crate::time::Timestamp;

/// A batch that is being filled.
pub(super) struct Pending<B: Bus> {
    batch: Batch,
    /// The last record of each saga in the batch: the one that gets the state.
    last: FxHashMap<SagaId, usize>,
    received: FxHashMap<&'static str, (SessionId, u64)>,
    acts: Vec<Act<B>>,
    ended: Ended,
    pub(super) fleeting: Fleeting,
}

/// A command that cannot be written as JSON, and so cannot be sent.
pub(super) struct Unwritable {
    pub(super) participant: &'static str,
    pub(super) at: At,
    pub(super) attempt: u32,
    pub(super) reason: String,
}

impl<B: Bus> Pending<B> {
    pub(super) fn new(definitions: Vec<DefinitionRow>) -> Self {
        let batch = Batch { definitions, ..Batch::default() };
        Self {
            batch,
            last: FxHashMap::default(),
            received: FxHashMap::default(),
            acts: Vec::new(),
            ended: Ended::default(),
            fleeting: Fleeting::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.acts.is_empty() && self.received.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.batch.records.len() + self.acts.len()
    }

    /// To be done after what is decided so far is recorded.
    pub(super) fn act(&mut self, act: Act<B>) {
        self.acts.push(act);
    }

    /// To be recorded, and then done; `now` is the saga after it, for those who are told. Gives back what cannot be sent.
    pub(super) fn record(&mut self, record: Record<B>, now: Option<InFlight>) -> Vec<Unwritable> {
        let (commands, unwritable) = write_commands(&record);
        let now = now.map(Box::new);
        if let (Some(Change::Ended(_)), Some(definition)) = (record.then.last(), record.definition) {
            self.ended.remember(record.saga, definition);
        }
        if record.is_ephemeral() {
            let reserved = self.fleeting.record(&record, &commands);
            self.batch.reserved = reserved.or(self.batch.reserved);
            self.acts.push(Act::Record(Recorded { record, commands, now }));
            return unwritable;
        }
        self.last.insert(record.saga, self.batch.records.len());
        self.batch.records.push(rows::record(&record, &commands));
        self.batch.started.extend(rows::started(&record));
        self.batch.ended.extend(rows::ended(&record));
        self.acts.push(Act::Record(Recorded { record, commands, now }));
        unwritable
    }

    /// What came too late, to be recorded and shown.
    pub(super) fn late(
        &mut self,
        key: ExchangeKey,
        definition: Option<&'static Definition>,
        participant: &'static str,
        what: &Late<B>,
        time: Timestamp,
    ) {
        let definition = definition.or_else(|| self.ended.definition(key.saga));
        let data = rows::late(what, key.at, definition);
        let step = Some(rows::step_name(definition, key.at).to_owned()).filter(|step| !step.is_empty());
        let what = serde_json::from_str(&data).unwrap_or_default();
        if !self.fleeting.knows(key.saga) {
            self.batch.late.push(LateRow { saga: key.saga, time, step, data });
        }
        self.acts.push(Act::Notice(Notice::AnswerLate { time, saga: key.saga, participant: participant.into(), what }));
    }

    /// A participant's report has been decided.
    pub(super) fn received(&mut self, participant: &'static str, session: SessionId, number: u64) {
        self.received.insert(participant, (session, number));
    }

    /// The batch, with the states that the machine has now; and what is to be done when it is committed. The next one
    /// begins.
    pub(super) fn close(&mut self, machine: &Machine<B>) -> (Batch, Vec<Act<B>>) {
        self.fleeting.tidy(|| machine.horizon());
        let (mut batch, mut acts) = (std::mem::take(&mut self.batch), std::mem::take(&mut self.acts));
        for (saga, index) in self.last.drain() {
            let row = &mut batch.records[index];
            (row.standing, row.state) = saved(machine, saga);
        }
        for (participant, (session, number)) in self.received.drain() {
            batch.received.push(ReceivedRow { participant: participant.to_owned(), session, number });
            acts.push(Act::Recorded(participant, number));
        }
        (batch, acts)
    }
}

/// Where a saga stands and its state; none of one that ended. One whose state cannot be written goes on until the
/// next start, and cannot be loaded then.
fn saved<B: Bus>(machine: &Machine<B>, saga: SagaId) -> (Option<Standing>, Option<String>) {
    let standing = machine.standing(saga);
    match machine.save(saga) {
        None => (None, None),
        Some(Ok(state)) => (standing, Some(state)),
        Some(Err(reason)) => {
            tracing::error!(%saga, reason, "the state of a saga cannot be written");
            let reason = Some(format!("its state cannot be written, and is lost with this process: {reason}"));
            let standing = standing.map(|standing| Standing { status: Status::Stuck, reason, ..standing });
            (standing, Some(LOST_STATE.to_owned()))
        }
    }
}

/// The bytes of each command that a record sends for the first time, in order; none for one that has none.
fn write_commands<B: Bus>(record: &Record<B>) -> (Vec<Option<Box<RawValue>>>, Vec<Unwritable>) {
    let (mut written, mut unwritable) = (Vec::new(), Vec::new());
    for change in &record.then {
        let Change::Sent { at, attempt, participant, command: Some(command), .. } = change else { continue };
        let bytes = serde_json::value::to_raw_value(command);
        if let Err(error) = &bytes {
            let reason = format!("its command cannot be written as JSON: {error}; {REMEDY}");
            unwritable.push(Unwritable { participant, at: *at, attempt: *attempt, reason });
        }
        written.push(bytes.ok());
    }
    (written, unwritable)
}
