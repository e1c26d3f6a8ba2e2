//! What can be looked for in a log, and what is found.

use serde::Serialize;

use super::{Standing, Status};
use crate::message::SagaId;
use crate::time::Timestamp;

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
