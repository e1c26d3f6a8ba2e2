//! What is told to whoever watches: brackets (a saga's start, its steps, its end) and everything that would otherwise
//! be silent.
//!
//! The notices about a saga are read off its records, so only the machine can make one, and it is told only once the
//! record is durable.
//!
//! | module | what it is for |
//! |---|---|
//! | `told` | what a subscriber in another process gets: snapshots, and changes with their positions |
//! | `position` | where a subscriber stands, and how it goes on from there |
//! | `mirror` | a subscriber's own copy of the sagas in flight |
//! | `brackets` | a saga's notices as one unit, when its bracket closes |
//! | `telling` | what there is to tell of a record |
//! | `recorded` | the notices that a record of the log tells, for those who missed them |

mod about;
mod brackets;
mod mirror;
mod position;
mod recorded;
mod telling;
mod told;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, EndedBy};
use crate::machine::{Operator, StartedBy};
use crate::message::{Mode, SagaId};
use crate::time::Timestamp;

pub use self::brackets::{Bracket, BracketBuffer, Unit};
pub use self::mirror::Mirror;
pub use self::position::{Life, Position, PositionError};
pub(crate) use self::recorded::recorded;
pub use self::told::{Snapshot, Told};

/// A name: the program's own, or read from elsewhere.
pub type Name = Cow<'static, str>;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A bracket opens.
    SagaStarted {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// Its input.
        input: serde_json::Value,
        /// What started it.
        by: StartedBy,
    },
    /// It waits for a key that another saga holds.
    SagaQueued {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The saga that holds the key.
        behind: Option<SagaId>,
    },
    /// A command goes out.
    StepStarted {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Forward, or undoing it.
        mode: Mode,
        /// From 1.
        attempt: u32,
        /// To whom.
        participant: Name,
    },
    /// A step runs another saga; in mode *compensation*: has it undone.
    StepRuns {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Forward, or undoing it.
        mode: Mode,
        /// The other saga.
        child: SagaId,
    },
    /// A saga has completed, and ends when the saga that ran it has: until then that may undo it.
    SagaKept {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
    },
    /// A step lets time pass.
    StepSleeping {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// When it is over.
        until: Timestamp,
    },
    /// An attempt did not succeed; there will be another.
    StepWaiting {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Forward, or undoing it.
        mode: Mode,
        /// When the next one is made.
        until: Timestamp,
    },
    /// A step is over as it was meant to be; in mode *compensation*: it is undone.
    StepEnded {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Forward, or undoing it.
        mode: Mode,
    },
    /// A saga goes on without the answer of a step. What becomes of that is seen to beside the saga, if it can be undone.
    StepAbandoned {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
    },
    /// Nobody knows whether a step was done. What undoes it is safe in any case, and is sent.
    StepUnknown {
        /// When.
        time: Timestamp,
        /// Of which saga.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// The step.
        step: Name,
        /// Which item, from 0, of a step with `for`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
    },
    /// A saga failed, and is undone.
    SagaCompensating {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// Why.
        cause: Cause,
    },
    /// A saga does not go on by itself, or has not for long.
    SagaStuck {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name; empty if this program does not know it.
        name: Name,
        /// Why.
        reason: String,
    },
    /// It stands elsewhere, and there is nothing more to tell. Only subscribers in other processes are told so.
    SagaMoved {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name; empty if this program does not know it.
        name: Name,
    },
    /// A stuck saga goes on.
    SagaUnstuck {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
    },
    /// An operator acted.
    OperatorActed {
        /// When.
        time: Timestamp,
        /// On which saga.
        saga: SagaId,
        /// Its name; empty if this program does not know it.
        name: Name,
        /// How.
        action: Operator,
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// A bracket closes: it went all the way.
    SagaCompleted {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// Its output.
        output: serde_json::Value,
    },
    /// A bracket closes: everything that took effect was undone.
    SagaCompensated {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name.
        name: Name,
        /// Why.
        cause: Cause,
    },
    /// A bracket closes: an operator ended it.
    SagaEnded {
        /// When.
        time: Timestamp,
        /// Which.
        saga: SagaId,
        /// Its name; empty if this program does not know it.
        name: Name,
        /// Who, and why.
        by: EndedBy,
    },
    /// Something was said to a saga when nobody waited for it any more.
    AnswerLate {
        /// When.
        time: Timestamp,
        /// To which saga.
        saga: SagaId,
        /// By whom.
        participant: Name,
        /// What.
        what: serde_json::Value,
    },
    /// Something was said to a saga that this log never held.
    AnswerStray {
        /// When.
        time: Timestamp,
        /// By whom.
        participant: Name,
        /// The key that it names.
        key: String,
    },
    /// A start was not accepted, or an event matched a trigger and could not start its saga.
    StartRefused {
        /// When.
        time: Timestamp,
        /// The saga's name, as far as it is known.
        name: Name,
        /// The event, if one was to start it.
        event: Option<Name>,
        /// Why.
        reason: String,
    },
    /// A participant is there.
    ParticipantConnected {
        /// When.
        time: Timestamp,
        /// Who.
        participant: Name,
        /// It goes on where it was.
        resumed: bool,
    },
    /// A participant is away.
    ParticipantDisconnected {
        /// When.
        time: Timestamp,
        /// Who.
        participant: Name,
        /// Why.
        reason: String,
    },
    /// Somebody was not let in, or was sent away.
    ConnectionRefused {
        /// When.
        time: Timestamp,
        /// Who they said they are; empty if they did not.
        peer: String,
        /// Why.
        reason: String,
    },
    /// This watcher was too slow, and missed some.
    Lagged {
        /// How many.
        missed: u64,
    },
}
