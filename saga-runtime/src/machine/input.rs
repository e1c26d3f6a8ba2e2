//! What the machine is told, and what it decides.

use std::any::Any;

use super::record::{Operator, Record};
use crate::bus::Report;
use crate::cause::EndedBy;
use crate::definition::Definition;
use crate::message::{Answer, Bus, EventOf, ExchangeKey, Fate, RefusalOf, SagaId};
use crate::saga::Saga;

/// Chosen by who asks; comes back with the reply.
pub type Token = u64;

/// A saga that is to start.
pub enum NewSaga {
    /// By value.
    Typed {
        /// The saga's name.
        name: &'static str,
        /// A boxed [`Saga`].
        input: Box<dyn Any + Send>,
    },
    /// By name.
    Named {
        /// The saga's name.
        name: String,
        /// Its input as JSON.
        input: String,
    },
}

impl NewSaga {
    /// This saga.
    pub fn of<S: Saga>(saga: S) -> Self {
        Self::Typed { name: S::DEFINITION.name, input: Box::new(saga) }
    }

    /// The saga's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Typed { name, .. } => name,
            Self::Named { name, .. } => name,
        }
    }
}

/// What the machine is told.
pub enum Input<B: Bus> {
    /// Somebody starts a saga; replied to by [`Decision::Started`].
    Start {
        /// Which.
        saga: NewSaga,
        /// The same key is the same saga. That no ended saga had it is for the caller to know.
        key: Option<String>,
        /// For the reply.
        token: Token,
    },
    /// Somebody in the coordinator's process publishes an event; replied to by [`Decision::Published`].
    Publish {
        /// The event.
        event: EventOf<B>,
        /// For the reply.
        token: Token,
    },
    /// A participant said something.
    Report {
        /// Who.
        participant: &'static str,
        /// What.
        report: Report<B>,
    },
    /// A participant is there.
    Connected {
        /// Who.
        participant: &'static str,
        /// It goes on where it was: what is on its way to it will arrive.
        resumed: bool,
    },
    /// All that a participant had to say when it connected has been said.
    CaughtUp {
        /// Who.
        participant: &'static str,
    },
    /// A participant is away.
    Disconnected {
        /// Who.
        participant: &'static str,
    },
    /// Somebody cancels a saga; replied to by [`Decision::Cancelled`].
    Cancel {
        /// Which.
        saga: SagaId,
        /// Who, and why, if an operator does it.
        by: Option<EndedBy>,
        /// For the reply.
        token: Token,
    },
    /// An operator acts on a stuck saga; replied to by [`Decision::Operated`].
    Operate {
        /// Which.
        saga: SagaId,
        /// How.
        action: Operator,
        /// Who, and why.
        by: EndedBy,
        /// For the reply.
        token: Token,
    },
    /// Time has passed.
    Tick,
}

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReply {
    /// The saga is undone, or was on its way back already.
    Requested,
    /// There is no way back any more: its pivot took effect, or it has completed, and only the saga that ran it can still
    /// have it undone.
    PastPivot,
    /// It has ended: its terminal record is written.
    Ended,
}

/// What the machine decides. The order is that in which it is to be recorded and done.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<B: Bus> {
    /// To be made durable, then done.
    Record(Record<B>),
    /// A command that is on record already is to be delivered (again).
    Deliver {
        /// To whom.
        participant: &'static str,
        /// Its key.
        key: ExchangeKey,
        /// The saga's definition.
        definition: &'static Definition,
        /// The attempt.
        attempt: u32,
        /// The number of the record that holds its bytes.
        recorded_in: u32,
    },
    /// The fate of a key, asked already, is to be asked (again).
    Ask {
        /// Whom.
        participant: &'static str,
        /// The key.
        key: ExchangeKey,
    },
    /// Something was said that nobody waits for: to be recorded and shown.
    Late {
        /// To which exchange.
        key: ExchangeKey,
        /// The saga's definition, while it is in flight.
        definition: Option<&'static Definition>,
        /// By whom.
        participant: &'static str,
        /// What.
        what: Late<B>,
    },
    /// Something was said to a saga that this log never held.
    Stray {
        /// The key.
        key: ExchangeKey,
        /// By whom.
        participant: &'static str,
    },
    /// An event matched a trigger, but the saga could not be started.
    TriggerFailed {
        /// The saga's name.
        name: &'static str,
        /// The event.
        event: &'static str,
        /// Why.
        reason: String,
    },
    /// The reply to [`Input::Start`]; the error says why it was not accepted.
    Started {
        /// From the input.
        token: Token,
        /// The saga, which is on record before this.
        result: Result<SagaId, String>,
    },
    /// The reply to [`Input::Publish`].
    Published {
        /// From the input.
        token: Token,
    },
    /// The reply to [`Input::Cancel`].
    Cancelled {
        /// From the input.
        token: Token,
        /// What became of it, or why it makes no sense.
        reply: Result<CancelReply, String>,
    },
    /// The reply to [`Input::Operate`].
    Operated {
        /// From the input.
        token: Token,
        /// The error says why it makes no sense.
        result: Result<(), String>,
    },
}

/// What was said when nobody waited for it any more.
#[derive(Debug, Clone, PartialEq)]
pub enum Late<B: Bus> {
    /// An answer.
    Answer {
        /// The attempt that it names.
        attempt: u32,
        /// The answer.
        answer: Answer<EventOf<B>, RefusalOf<B>>,
    },
    /// A fate.
    Fate(Fate<EventOf<B>>),
}
