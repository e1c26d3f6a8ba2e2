//! What a subscriber in another process gets, as it is on the wire. Says what it looks like, and nothing about when it is
//! sent.

use serde::{Deserialize, Serialize};

use super::{Notice, Position};
use crate::machine::InFlight;

/// A change: a notice, where it stands among all that is told, and where its saga stands after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// What was told up to here.
    pub position: Position,
    /// The saga as it is from here on: with the last notice of each of its transitions, unless that is its end; not with
    /// what is read off the log afterwards, after which there is a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Box<InFlight>>,
    /// What happened.
    #[serde(flatten)]
    pub notice: Notice,
}

/// All sagas in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What was told up to here.
    pub position: Position,
    /// Oldest first.
    pub sagas: Vec<InFlight>,
    /// Between the position that the subscriber gave and this one there is a gap, for this reason. There is none if it
    /// gave no position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}
