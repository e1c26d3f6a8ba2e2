//! The rows of a log: what is committed, and what of it a coordinator finds again. Texts are JSON, or for the program
//! alone; the log knows neither.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::LogError;
use crate::message::SagaId;
use crate::time::Timestamp;

/// What is committed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Definitions that the log does not know as they are; one of the same name and version is replaced.
    pub definitions: Vec<DefinitionRow>,
    /// No id up to this one is used by whoever opens the log next: sagas that are kept in memory only have some of them.
    pub reserved: Option<SagaId>,
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
            && self.reserved.is_none()
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
    /// Higher than the id of every saga that this log ever held, pruned and reserved ones included.
    pub next: Option<SagaId>,
    /// The sagas without an end, oldest first.
    pub open: Vec<OpenSaga>,
    /// How far each session was taken over; at most the last session of each participant.
    pub received: Vec<ReceivedRow>,
    /// The position of the last record; 0 in a log without records.
    pub position: u64,
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
