//! What passes between the coordinator and one participant, whatever carries it.
//!
//! A *line* is a participant as the coordinator sees it: an in-process driver, or the coordinator's end of a pipe. It
//! takes [`ToParticipant`] and gives [`FromParticipant`]. It decides nothing about sagas, and knows none.
//!
//! ```text
//!  coordinator ──ToParticipant──► line ──frames──► participant's end ──Delivery──► driver (inbox, handler)
//!              ◄─FromParticipant─      ◄─frames──                    ◄──Report────
//! ```

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::message::{Answer, Bus, CommandOf, EventOf, ExchangeKey, Fate, RefusalOf, SagaId};

/// The sagas that are still open: all from `lowest` on, and these few before it. A participant forgets the keys of all
/// others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// Of the sagas before this one only those in `older` are open.
    pub lowest: SagaId,
    /// Open sagas before `lowest`, ascending; few.
    pub older: Vec<SagaId>,
}

impl Horizon {
    /// The horizon at which everything may still be open.
    pub const ALL: Self = Self { lowest: SagaId::FIRST, older: Vec::new() };

    /// Whether this saga may still be open.
    pub fn may_be_open(&self, saga: SagaId) -> bool {
        saga >= self.lowest || self.older.binary_search(&saga).is_ok()
    }
}

/// A command on its way: typed within a process, the recorded bytes between processes and from the log.
#[derive(Debug, Clone)]
pub enum Payload<C> {
    /// By value.
    Typed(C),
    /// JSON, exactly as recorded.
    Encoded(Box<RawValue>),
}

impl<C: Serialize + serde::de::DeserializeOwned> Payload<C> {
    /// The command.
    ///
    /// # Errors
    /// If the bytes are not a command of this bus.
    pub fn into_typed(self) -> Result<C, serde_json::Error> {
        match self {
            Self::Typed(command) => Ok(command),
            Self::Encoded(bytes) => serde_json::from_str(bytes.get()),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// If the command cannot be written as JSON.
    pub fn into_encoded(self) -> Result<Box<RawValue>, serde_json::Error> {
        match self {
            Self::Typed(command) => serde_json::value::to_raw_value(&command),
            Self::Encoded(bytes) => Ok(bytes),
        }
    }
}

/// What a participant is asked.
#[derive(Debug, Clone)]
pub enum Delivery<B: Bus> {
    /// To handle a command.
    Command {
        /// The same for every attempt.
        key: ExchangeKey,
        /// From 1.
        attempt: u32,
        /// The name of the saga, for logs and traces.
        saga: Cow<'static, str>,
        /// The name of the step, for logs and traces.
        step: Cow<'static, str>,
        /// What is asked.
        command: Payload<CommandOf<B>>,
    },
    /// What became of a key, and to bar it if it was never begun.
    Settle {
        /// The key.
        key: ExchangeKey,
    },
}

impl<B: Bus> Delivery<B> {
    /// The key that it is about.
    pub fn key(&self) -> ExchangeKey {
        match self {
            Self::Command { key, .. } | Self::Settle { key } => *key,
        }
    }
}

/// What a participant says.
#[derive(Debug, Clone, PartialEq)]
pub enum Report<B: Bus> {
    /// To a command.
    Answered {
        /// The key of the command.
        key: ExchangeKey,
        /// The latest attempt that the participant has seen.
        attempt: u32,
        /// Its answer.
        answer: Answer<EventOf<B>, RefusalOf<B>>,
    },
    /// To a settle.
    Fate {
        /// The key that was asked about.
        key: ExchangeKey,
        /// What became of it.
        fate: Fate<EventOf<B>>,
    },
    /// Of its own accord.
    Published(EventOf<B>),
}

/// Names one life of a participant's process, or one run of the coordinator: random text.
pub type SessionId = String;

/// From the coordinator to a line. At most a window of deliveries is out and not yet taken over.
#[derive(Debug)]
pub enum ToParticipant<B: Bus> {
    /// To be delivered.
    Deliver(Delivery<B>, Horizon),
    /// Reports up to this number are recorded, and need not be kept by the participant.
    Recorded(u64),
    /// The exchange has ended: what has not left yet for this key need not.
    Withdraw(ExchangeKey),
}

/// From a line to the coordinator.
#[derive(Debug)]
pub enum FromParticipant<B: Bus> {
    /// The participant is there.
    Connected {
        /// Its session; another one is another life: what was out and not answered must be delivered again.
        session: SessionId,
        /// The session is the one that was connected before, and deliveries go on where they were.
        resumed: bool,
    },
    /// All that the participant had to say when it connected has been said.
    CaughtUp,
    /// The participant is away.
    Disconnected {
        /// Why, in words.
        reason: String,
    },
    /// It has taken over this many deliveries.
    Taken(usize),
    /// It said this. Numbers grow by one within a session; to be acknowledged with [`ToParticipant::Recorded`].
    Report {
        /// The session that numbers it.
        session: SessionId,
        /// Its number, from 1.
        number: u64,
        /// What it said.
        report: Report<B>,
    },
}
