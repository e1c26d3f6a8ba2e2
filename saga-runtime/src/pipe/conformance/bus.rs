//! The bus on which participants are proved: each command shows one thing that a participant can do.

use serde::{Deserialize, Serialize};

use crate::message::Bus;

/// The bus of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conformance;

impl Bus for Conformance {
    const NAME: &'static str = "conformance";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

/// What the worker is asked. To *work* is to count one run, and to be handled with [`Event::Done`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, crate::Command)]
#[bus(Conformance)]
pub enum Command {
    /// Work.
    #[to(Worker)]
    #[replies(Done)]
    Work {
        /// Comes back.
        label: String,
    },
    /// Work, and be busy so long before it is done.
    #[to(Worker)]
    #[replies(Done)]
    WorkSlowly {
        /// Comes back.
        label: String,
        /// How long.
        milliseconds: u64,
    },
    /// Refuse the first attempt, and work at each later one.
    #[to(Worker)]
    #[replies(Done)]
    #[refuses(NotYet)]
    WorkLater {
        /// Comes back.
        label: String,
    },
    /// Work, and leave the answer for later.
    #[to(Worker)]
    #[replies(Done)]
    Defer {
        /// Comes back, and is released by.
        label: String,
    },
    /// Work, and answer what was deferred under this label.
    #[to(Worker)]
    #[replies(Done)]
    Release {
        /// Comes back.
        label: String,
    },
    /// Work: handled, with [`Event::Announced`] and then [`Event::Done`].
    #[to(Worker)]
    #[replies(Done)]
    Recite {
        /// Comes back.
        label: String,
    },
    /// Publish [`Event::Announced`] of one's own accord, and work.
    #[to(Worker)]
    #[replies(Done)]
    Announce {
        /// Comes back.
        label: String,
    },
    /// Break the contract.
    #[to(Worker)]
    #[replies(Done)]
    Break {
        /// Says which.
        label: String,
    },
    /// Tell how often it has worked.
    #[to(Worker)]
    #[replies(Seen)]
    #[query]
    Look {
        /// Comes back.
        label: String,
    },
}

/// What the worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, crate::Event)]
#[bus(Conformance)]
pub enum Event {
    /// It worked.
    Done {
        /// Of the command.
        label: String,
        /// How often this life of it has worked, this time included.
        runs: u64,
    },
    /// It looked.
    Seen {
        /// Of the command.
        label: String,
        /// How often this life of it has worked.
        runs: u64,
    },
    /// Of its own accord.
    #[from(Worker)]
    Announced {
        /// Of the command.
        label: String,
    },
}

/// How the worker says no.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// It would at a later attempt.
    #[error("not yet")]
    NotYet,
}
