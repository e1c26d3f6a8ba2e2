//! What of a log is to be removed, what may be, and what was.
//!
//! A saga goes together with all that it ran: a *family*. What is said of one is said of the saga that no other one of
//! the log ran. It knows no log.

use serde::{Deserialize, Serialize};

use super::{LogError, Query, SagaLog, Status};
use crate::message::SagaId;
use crate::time::Timestamp;

/// How many families are removed in one commit at most, so that what is decided meanwhile need not wait for long.
pub(crate) const FAMILIES_A_COMMIT: usize = 64;

/// Which ended sagas are to be removed. The default removes them all; whatever is said here removes fewer.
///
/// Families of which a saga has not ended are never removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
// What is not understood must not be ignored: it might have kept something.
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Any of these names; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Any of these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<Status>,
    /// Failed at this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Started with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// In the message of the cause, or the input, letter by letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Ended before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_before: Option<Timestamp>,
    /// Of those that match so far but for their age, so many stay, however old: those that ended last.
    #[serde(default)]
    pub keep: u64,
}

impl Prune {
    /// What it says of one saga, but for its end and its rank.
    pub(super) fn query(&self) -> Query {
        Query {
            names: self.names.clone(),
            statuses: self.statuses.clone(),
            step: self.step.clone(),
            key: self.key.clone(),
            text: self.text.clone(),
            ..Query::default()
        }
    }
}

/// A saga that no other one of the log ran, and that has ended, as has all that it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Which.
    pub saga: SagaId,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// When it ended.
    pub ended: Timestamp,
    /// How many sagas they are, itself among them.
    pub sagas: u64,
}

/// What one commit has removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The families, each by the saga that it is named after.
    pub families: Vec<SagaId>,
    /// How many sagas they were.
    pub sagas: u64,
    /// How many records these had.
    pub records: u64,
}

/// What was removed altogether, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The sagas that no other one ran, counted by name and status.
    pub families: Vec<RemovedFamilies>,
    /// All sagas, with those that they ran.
    pub sagas: u64,
    /// The records of all; 0 if nothing is removed yet.
    pub records: u64,
    /// Families that were to be removed and were not: somebody else has removed them meanwhile, or a row of theirs is not
    /// what was written.
    pub left: u64,
}

/// Families of one name and status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedFamilies {
    /// The name.
    pub name: String,
    /// How they ended.
    pub status: Status,
    /// How many.
    pub count: u64,
}

impl Removed {
    /// What would be removed with these.
    pub fn would_be(families: &[Family]) -> Self {
        let mut removed = Self::default();
        families.iter().for_each(|family| removed.count(family));
        removed.sagas = families.iter().map(|family| family.sagas).sum();
        removed
    }

    /// A commit was to remove these, and has removed those.
    pub(crate) fn add(&mut self, chosen: &[Family], pruned: &Pruned) {
        let is_gone = |family: &&Family| pruned.families.contains(&family.saga);
        chosen.iter().filter(is_gone).for_each(|family| self.count(family));
        self.left += (chosen.len() - pruned.families.len().min(chosen.len())) as u64;
        self.sagas += pruned.sagas;
        self.records += pruned.records;
    }

    fn count(&mut self, family: &Family) {
        let is_its = |of: &&mut RemovedFamilies| of.name == family.name && of.status == family.status;
        match self.families.iter_mut().find(is_its) {
            Some(of) => of.count += 1,
            None => {
                self.families.push(RemovedFamilies { name: family.name.clone(), status: family.status, count: 1 });
            }
        }
    }
}

/// Removes these from a log that no coordinator has open, some in each commit: what is removed when it fails stays
/// removed, and nothing is removed by half.
///
/// # Errors
/// As [`SagaLog::prune`].
pub fn prune(log: &mut dyn SagaLog, chosen: &[Family]) -> Result<Removed, LogError> {
    let mut removed = Removed::default();
    for some in chosen.chunks(FAMILIES_A_COMMIT) {
        let sagas: Vec<_> = some.iter().map(|family| family.saga).collect();
        removed.add(some, &log.prune(&sagas)?);
    }
    Ok(removed)
}
