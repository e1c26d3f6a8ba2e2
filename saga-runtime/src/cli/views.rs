//! A saga in a list, as data that both a table and JSON are made of.

use serde::Serialize;

use super::time::Rfc3339;
use crate::log::{Status, Summary};
use crate::message::SagaId;
use crate::time::Timestamp;

/// One saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SagaView {
    pub(super) id: SagaId,
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) status: Status,
    pub(super) step: Option<String>,
    pub(super) waiting_for: Option<String>,
    pub(super) participant: Option<String>,
    pub(super) since: Rfc3339,
    pub(super) until: Option<Rfc3339>,
    pub(super) reason: Option<String>,
    pub(super) started: Rfc3339,
    pub(super) ended: Option<Rfc3339>,
    pub(super) parent: Option<SagaId>,
    pub(super) key: Option<String>,
}

impl From<Summary> for SagaView {
    fn from(summary: Summary) -> Self {
        let standing = summary.standing;
        Self {
            id: summary.id,
            name: summary.name,
            version: summary.version,
            status: standing.status,
            step: standing.step,
            waiting_for: standing.waiting_for,
            participant: standing.participant,
            since: Rfc3339(standing.since),
            until: standing.until.filter(|until| *until < Timestamp::NEVER).map(Rfc3339),
            reason: standing.reason,
            started: Rfc3339(summary.started),
            ended: summary.ended.map(Rfc3339),
            parent: summary.parent,
            key: summary.key,
        }
    }
}

impl SagaView {
    /// Why it is as it is, in few words: the reason, else what it waits for and from whom.
    pub(super) fn detail(&self) -> String {
        match (&self.reason, &self.waiting_for, &self.participant) {
            (Some(reason), ..) => reason.clone(),
            (None, Some(what), Some(participant)) => format!("waits for {what} from {participant}"),
            (None, Some(what), None) => format!("waits for {what}"),
            (None, None, _) => String::new(),
        }
    }
}
