//! The saga log: what must survive a crash, and what is looked up afterwards.
//!
//! One row a transition: a [`RecordRow`] says what happened, what followed, and (the last of a saga in a batch) the
//! state that resulted. There is no other place for a state, so none that could disagree. The log knows no saga's
//! types: states, inputs and commands are text.

pub mod conformance;
mod continuity;
mod memory;
mod sqlite;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::message::{LogId, SagaId};
use crate::time::Timestamp;

pub use memory::MemoryLog;
pub use sqlite::{SqliteLog, SqliteReader};

/// A saga log, owned by one writer.
///
/// The promises are checked by the conformance suite, which every implementation runs.
pub trait SagaLog: Send + 'static {
    /// The identity of the log: random, made with it, the same for ever.
    fn identity(&self) -> LogId;

    /// Everything that a coordinator needs to go on: the sagas that have no end, oldest first, and what was received.
    ///
    /// A damaged row does not hide the others: it comes as an error in its saga's place.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn recover(&mut self) -> Result<Recovery, LogError>;

    /// All of the batch or nothing of it; durable when this returns (for a log that is durable at all).
    ///
    /// # Errors
    /// [`LogError::Gap`] for a record whose number does not follow the last one of its saga, or of a saga that has
    /// ended or was never started; [`LogError::StartedBefore`] and [`LogError::KeyTaken`] for a start that would be a
    /// second one; [`LogError::Incomplete`] for a batch from which no one could go on; [`LogError::Fenced`] when
    /// another writer has taken the log over; others when it cannot be written. After an error nothing of the batch
    /// is there.
    fn append(&mut self, batch: &Batch) -> Result<(), LogError>;

    /// A reader that sees what is committed, usable in another thread while the writer goes on.
    ///
    /// # Errors
    /// If the log cannot be opened for reading.
    fn reader(&self) -> Result<Box<dyn LogReader>, LogError>;
}

/// Looks things up, and can change nothing.
pub trait LogReader: Send {
    /// The sagas that match, newest first; at most `limit`.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn find(&mut self, query: &Query) -> Result<Page, LogError>;

    /// How many match, counted by these groups; an empty `by` gives one count without values. Most first.
    ///
    /// All that match are counted: [`Query::below`] and [`Query::limit`] mean nothing here.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn count(&mut self, query: &Query, by: &[Group]) -> Result<Vec<Count>, LogError>;

    /// One saga with its input and outcome.
    ///
    /// # Errors
    /// If the log cannot be read, or the row is damaged.
    fn saga(&mut self, id: SagaId) -> Result<Option<Details>, LogError>;

    /// The records of a saga from number `from` on, in order; at most `limit`.
    ///
    /// # Errors
    /// If the log cannot be read, or a row is damaged.
    fn records(&mut self, id: SagaId, from: u32, limit: usize) -> Result<Vec<RecordRow>, LogError>;

    /// What was said to a saga when nobody waited for it any more, oldest first.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn late(&mut self, id: SagaId) -> Result<Vec<LateRow>, LogError>;

    /// The saga that was started with this key, in flight or ended.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn started_with(&mut self, key: &str) -> Result<Option<SagaId>, LogError>;

    /// A definition as it was recorded.
    ///
    /// # Errors
    /// If the log cannot be read, or the row is damaged.
    fn definition(&mut self, name: &str, version: u32) -> Result<Option<DefinitionRow>, LogError>;
}

/// What is committed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Definitions not yet known to the log; one that is there already is left as it is.
    pub definitions: Vec<DefinitionRow>,
    /// Sagas that start. Their first record is in `records`.
    pub started: Vec<StartedRow>,
    /// What happened, in order.
    pub records: Vec<RecordRow>,
    /// Sagas that end. Their terminal record is in `records`.
    pub ended: Vec<EndedRow>,
    /// What came too late.
    pub late: Vec<LateRow>,
    /// How far each participant's reports have been taken over; replaces what was known of the session.
    pub received: Vec<ReceivedRow>,
}

impl Batch {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
            && self.started.is_empty()
            && self.records.is_empty()
            && self.ended.is_empty()
            && self.late.is_empty()
            && self.received.is_empty()
    }
}

/// A definition as text, so that the log explains itself without the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionRow {
    /// The saga's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The definition as JSON.
    pub description: String,
}

/// A saga that starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedRow {
    /// Its id.
    pub id: SagaId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its input as JSON, as it may be shown.
    pub input: String,
    /// When.
    pub started: Timestamp,
    /// The saga that runs it.
    pub parent: Option<SagaId>,
    /// The key that it was started with; no two sagas of a log have the same.
    pub key: Option<String>,
}

/// One transition of a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The saga.
    pub saga: SagaId,
    /// From 1, without holes.
    pub number: u32,
    /// When it was decided.
    pub time: Timestamp,
    /// The name of what happened, as `handled`.
    pub what: String,
    /// The name of the step that it happened to.
    pub step: Option<String>,
    /// The attempt that it happened to.
    pub attempt: Option<u32>,
    /// What happened and what followed, as JSON; with the bytes of every command that was first sent here.
    pub data: String,
    /// Where the saga stands after it; none when a later record of the same batch has it.
    pub standing: Option<Standing>,
    /// The state after it, as text that only the program reads; none with `standing`, and when the saga has ended.
    pub state: Option<String>,
}

/// Where a saga stands, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it goes on, and in which direction.
    pub status: Status,
    /// The name of the step (or of the step that is undone) at which it stands.
    pub step: Option<String>,
    /// What it waits for, in words: `pool_window_added`, `fate of spawn_window`, `an operator`.
    pub waiting_for: Option<String>,
    /// The participant from whom.
    pub participant: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when at most, before something happens by itself.
    pub until: Option<Timestamp>,
    /// Why it is stuck.
    pub reason: Option<String>,
}

/// How it is with a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a key that another saga holds.
    Queued,
    /// Goes forward.
    Running,
    /// Undoes what took effect.
    Compensating,
    /// Does not go on by itself.
    Stuck,
    /// Ended, with its output.
    Completed,
    /// Ended, undone.
    Compensated,
    /// Ended by an operator.
    Ended,
}

impl Status {
    /// All of them, in the order of a saga's life.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Running, Self::Compensating, Self::Stuck, Self::Completed, Self::Compensated, Self::Ended];

    /// As on the command line and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Stuck => "stuck",
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Ended => "ended",
        }
    }

    /// Whether no transition follows.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::Ended)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A saga that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRow {
    /// The saga.
    pub id: SagaId,
    /// [`Status::Completed`], [`Status::Compensated`] or [`Status::Ended`].
    pub status: Status,
    /// When.
    pub ended: Timestamp,
    /// The name of the step at which it failed.
    pub step: Option<String>,
    /// The message of its cause, as it may be shown: what a search by text looks through.
    pub message: Option<String>,
    /// `Outcome` as JSON: what a handle gives.
    pub outcome: String,
}

impl EndedRow {
    /// How an ended saga is shown in a list.
    pub fn standing(&self) -> Standing {
        Standing {
            status: self.status,
            step: self.step.clone(),
            waiting_for: None,
            participant: None,
            since: self.ended,
            until: None,
            reason: self.message.clone(),
        }
    }
}

/// What was said when nobody waited for it any more: recorded and shown, never applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateRow {
    /// The saga it was meant for.
    pub saga: SagaId,
    /// When it came.
    pub time: Timestamp,
    /// The name of the step, if the saga's definition is known.
    pub step: Option<String>,
    /// What was said, as JSON.
    pub data: String,
}

/// How far a participant's reports have been taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRow {
    /// The participant.
    pub participant: String,
    /// Its session.
    pub session: String,
    /// The number of the last report that is recorded.
    pub number: u64,
}

/// What a coordinator finds in its log.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Higher than the id of every saga that this log ever held, pruned ones included.
    pub next: Option<SagaId>,
    /// The sagas without an end, oldest first.
    pub open: Vec<OpenSaga>,
    /// How far each session was taken over; at most the last session of each participant.
    pub received: Vec<ReceivedRow>,
    /// The fingerprints of the definitions that the log knows, by name and version.
    pub definitions: Vec<(String, u32, String)>,
}

/// A saga without an end.
#[derive(Debug)]
pub struct OpenSaga {
    /// Its id.
    pub id: SagaId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// When it started.
    pub started: Timestamp,
    /// The key that it was started with.
    pub key: Option<String>,
    /// The number of its last record.
    pub number: u32,
    /// Its last state, or why that cannot be trusted.
    pub state: Result<String, LogError>,
}

/// What to look for; the default finds everything, twenty at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Any of these names; empty: all.
    pub names: Vec<String>,
    /// Any of these; empty: all.
    pub statuses: Vec<Status>,
    /// Standing at, or failed at, this step.
    pub step: Option<String>,
    /// Started at or after.
    pub since: Option<Timestamp>,
    /// Started before.
    pub before: Option<Timestamp>,
    /// Started with this key.
    pub key: Option<String>,
    /// In the message of the cause, the reason for which it is stuck, or the input, as they stand there: letter by
    /// letter, in upper or lower case.
    pub text: Option<String>,
    /// Only sagas with a lower id: the last one of the page before.
    pub below: Option<SagaId>,
    /// How many at most.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            statuses: Vec::new(),
            step: None,
            since: None,
            before: None,
            key: None,
            text: None,
            below: None,
            limit: 20,
        }
    }
}

/// Some of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Newest first.
    pub sagas: Vec<Summary>,
    /// There are more: ask again with [`Query::below`] of this.
    pub next: Option<SagaId>,
}

/// One saga in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its id.
    pub id: SagaId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Where it stands; of an ended one its status, the step at which it failed, and the message of its cause.
    pub standing: Standing,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The saga that runs it.
    pub parent: Option<SagaId>,
    /// The key that it was started with.
    pub key: Option<String>,
}

/// One saga, whole but for its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// As in a list.
    pub summary: Summary,
    /// Its input as JSON, as it may be shown.
    pub input: String,
    /// Its outcome as JSON, when it has ended.
    pub outcome: Option<String>,
}

/// What counts are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// The saga's name.
    Name,
    /// Its status.
    Status,
    /// The step at which it stands or failed.
    Step,
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value of each group, in the order asked; none where there is no step.
    pub values: Vec<Option<String>>,
    /// How many.
    pub count: u64,
}

/// Why a log cannot do what it was asked. Each names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file is something else.
    #[error("{path} is not a saga log ({reason}); give the path of a log, or of a file that does not exist yet")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The log was written by a newer program.
    #[error("{path} has schema {found}, and this program knows schemas up to {known}; use the newer program")]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the log.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// Another process writes to the log.
    #[error("{path} is in use by another coordinator; stop that one, or give another log")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Another writer has taken the log over.
    #[error("another coordinator has taken this log over (epoch {theirs}, ours is {ours}); this one must stop")]
    Fenced {
        /// Our epoch.
        ours: u64,
        /// The epoch in the log.
        theirs: u64,
    },
    /// A record that does not follow the last one of its saga.
    #[error("record {number} of saga {saga} does not follow its last record; nothing was written")]
    Gap {
        /// The saga.
        saga: SagaId,
        /// The number of the record.
        number: u32,
    },
    /// A saga that is in the log already.
    #[error("saga {saga} was started before, and an id is never used twice; nothing was written")]
    StartedBefore {
        /// The saga.
        saga: SagaId,
    },
    /// A key that has started another saga.
    #[error("the key `{key}` has started a saga before; attach to that one, or give another key; nothing was written")]
    KeyTaken {
        /// The key.
        key: String,
    },
    /// A batch that would leave a saga from which no one could go on.
    #[error("the batch is incomplete for saga {saga}: {missing}; nothing was written")]
    Incomplete {
        /// The saga.
        saga: SagaId,
        /// What is missing.
        missing: &'static str,
    },
    /// A library that is known to damage logs.
    #[error("SQLite {found} can corrupt a log; build this program with SQLite {needed} or newer")]
    OldSqlite {
        /// The version in this program.
        found: String,
        /// The oldest that is good enough.
        needed: &'static str,
    },
    /// A row that is not what was written.
    #[error("{what} is damaged ({reason}); restore the log from a backup, or end the saga")]
    Damaged {
        /// The row.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The file or its directory is open to others.
    #[error("{path} can be changed by other users; make it private to you (chmod {remedy})")]
    NotPrivate {
        /// The file or directory.
        path: PathBuf,
        /// The mode that it must have.
        remedy: &'static str,
    },
    /// The operating system or the database said no.
    #[error("cannot {action} {path}: {reason}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}
