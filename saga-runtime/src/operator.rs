//! What an operator's program says to a running coordinator, over a socket of its own: start, cancel, retry, skip, end,
//! prune, who is connected, and notices as they happen.
//!
//! One request a line, answered by one line; `follow` is answered by a line for each notice until the connection ends.
//! What only reads the log needs no coordinator, and is not here.

mod client;
mod lines;
mod server;

use serde::{Deserialize, Serialize};

use crate::cause::EndedBy;
use crate::log::{Prune, Removed};
use crate::machine::{CancelReply, Operator};
use crate::message::SagaId;
use crate::notice::Notice;

pub use self::client::{Client, ClientError, Notices};
pub use self::server::{Desk, Server};

/// A line to the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Starts a saga; answered by [`Response::Started`].
    Start {
        /// Its name.
        name: String,
        /// Its input.
        input: serde_json::Value,
        /// The same key is the same saga.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// Cancels a saga; answered by [`Response::Cancelled`].
    Cancel {
        /// Which.
        saga: SagaId,
        /// Who, and why.
        by: EndedBy,
    },
    /// Acts on a stuck saga; answered by [`Response::Operated`].
    Operate {
        /// Which.
        saga: SagaId,
        /// How.
        action: Operator,
        /// Who, and why.
        by: EndedBy,
    },
    /// Who is connected; answered by [`Response::Participants`].
    Participants,
    /// Removes ended sagas from the log; answered by [`Response::Pruned`] when that is done.
    Prune {
        /// Which.
        what: Prune,
    },
    /// Notices from now on, all or those of one saga; answered by [`Response::Following`], then [`Response::Notice`].
    Follow {
        /// Only of this saga.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saga: Option<SagaId>,
    },
}

/// A line from the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub enum Response {
    /// The saga, which is on record.
    Started {
        /// Which.
        saga: SagaId,
    },
    /// What became of the wish.
    Cancelled {
        /// That.
        reply: CancelReply,
    },
    /// It is done, and on record.
    Operated,
    /// All participants that sagas of this coordinator send to, or that have been connected.
    Participants {
        /// By name.
        participants: Vec<ParticipantStatus>,
    },
    /// They are gone.
    Pruned {
        /// What was removed.
        removed: Removed,
    },
    /// Everything from here on will come.
    Following,
    /// Something happened.
    Notice {
        /// That.
        notice: Notice,
    },
    /// The request makes no sense, or was not accepted.
    Error {
        /// Why, and what to do.
        message: String,
    },
}

/// Whether a participant is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantStatus {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub connected: bool,
    /// How many deliveries wait for it.
    pub waiting: usize,
}

#[cfg(test)]
mod tests;
