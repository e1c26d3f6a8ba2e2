//! What the machine decided about one saga: what happened, and what follows. All that leaves the coordinator on behalf
//! of a saga is in a record, so nothing can leave before it is recorded.

use crate::cause::{Cause, EndedBy, Outcome};
use crate::definition::Definition;
use crate::log::Status;
use crate::message::{Answer, At, Bus, CommandOf, EventOf, Fate, RefusalOf, SagaId};
use crate::time::Timestamp;

/// One transition of one saga.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<B: Bus> {
    /// The saga.
    pub saga: SagaId,
    /// What it is; none for a saga of which this program knows no definition.
    pub definition: Option<&'static Definition>,
    /// From 1, without holes.
    pub number: u32,
    /// When.
    pub time: Timestamp,
    /// What moved it.
    pub happened: Happened<B>,
    /// What followed at once, in order.
    pub then: Vec<Change<B>>,
}

impl<B: Bus> Record<B> {
    /// Whether it is kept in memory only.
    pub fn is_ephemeral(&self) -> bool {
        self.definition.is_some_and(|definition| definition.ephemeral)
    }
}

/// What moved a saga.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened<B: Bus> {
    /// It was started.
    Started {
        /// Its input as JSON.
        input: String,
        /// By what.
        by: StartedBy,
        /// The key that it was started with.
        key: Option<String>,
    },
    /// Its keys are free: it leaves the queue.
    Admitted,
    /// Another saga took its key.
    Superseded {
        /// Which.
        by: SagaId,
    },
    /// A participant answered.
    Answered {
        /// The exchange.
        at: At,
        /// The attempt that the answer names.
        attempt: u32,
        /// The answer.
        answer: Answer<EventOf<B>, RefusalOf<B>>,
    },
    /// Anyone said an event that it awaits.
    Seen {
        /// The exchange.
        at: At,
        /// The event.
        event: EventOf<B>,
    },
    /// An attempt took too long.
    TimedOut {
        /// The exchange.
        at: At,
        /// The attempt.
        attempt: u32,
    },
    /// The participant of an exchange that cares is away.
    Disconnected {
        /// The exchange.
        at: At,
        /// The attempt.
        attempt: u32,
    },
    /// The wait before the next attempt is over.
    Waited {
        /// The exchange.
        at: At,
    },
    /// A saga that it ran has ended, or is complete and can be unwound.
    ChildEnded {
        /// The exchange that ran or unwound it.
        at: At,
        /// Which.
        child: SagaId,
        /// How.
        how: Status,
    },
    /// The saga that ran it is undone, and this one with it.
    Unwound {
        /// Which ran it.
        by: SagaId,
    },
    /// The saga that ran it has ended: nobody can unwind it any more.
    Released,
    /// A participant told the fate of an exchange.
    Fate {
        /// The exchange.
        at: At,
        /// Its fate.
        fate: Fate<EventOf<B>>,
    },
    /// A participant has not told the fate of an exchange for a minute.
    FateOverdue {
        /// The exchange.
        at: At,
    },
    /// The deadline passed.
    Deadline,
    /// It was cancelled.
    Cancelled {
        /// Who, and why, if an operator did it.
        by: Option<EndedBy>,
    },
    /// An operator acted.
    Operator {
        /// What the operator said.
        action: Operator,
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// Its process was started again, which makes a difference to it.
    Restarted,
    /// It goes on in another version.
    Migrated {
        /// The version in which it was.
        from: u32,
        /// The version in which it is.
        to: u32,
    },
    /// It could not be loaded, and waits for a program that can.
    Parked {
        /// Why.
        reason: String,
    },
}

/// What started a saga.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// A call.
    Call,
    /// An event with this name.
    Trigger(String),
    /// Another saga, of which it is a step.
    Parent {
        /// Which.
        saga: SagaId,
        /// The name of the step.
        step: String,
        /// The item, of a step with `for`.
        item: u32,
    },
}

/// What an operator may say about a saga that is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Do what is stuck again, with new attempts.
    Retry,
    /// Pass over a compensation; take an unknown fate as *never*.
    Skip,
    /// Stop, and undo no more.
    End,
}

/// What followed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<B: Bus> {
    /// It waits for its keys.
    Queued {
        /// The last one of those for whom it waits.
        behind: Option<SagaId>,
    },
    /// A command goes out.
    Sent {
        /// The exchange.
        at: At,
        /// The attempt.
        attempt: u32,
        /// To whom.
        participant: &'static str,
        /// The number of the record that holds its bytes: this one's, if `command` is there.
        recorded_in: u32,
        /// The command, when it goes out for the first time.
        command: Option<CommandOf<B>>,
    },
    /// It will go out again at this time.
    Waiting {
        /// The exchange.
        at: At,
        /// When.
        until: Timestamp,
    },
    /// Another saga is started as a step, in a record of its own. If that is not accepted, the saga hears so at once.
    Ran {
        /// The exchange.
        at: At,
        /// The attempt.
        attempt: u32,
        /// Its id.
        child: SagaId,
        /// Its name.
        name: &'static str,
    },
    /// A saga that was a step is undone by its own compensations.
    Unwinding {
        /// The exchange.
        at: At,
        /// Which.
        child: SagaId,
    },
    /// It has completed, and ends when the saga that ran it has: until then that may unwind it. The output is encoded
    /// exactly.
    Complete {
        /// What it returns.
        output: String,
    },
    /// A `sleep` begins, and is over at this time.
    Sleeping {
        /// The exchange.
        at: At,
        /// When.
        until: Timestamp,
    },
    /// The fate of an exchange is asked.
    Asked {
        /// The exchange.
        at: At,
        /// Whom.
        participant: &'static str,
    },
    /// The exchange is over, as it was meant to be.
    Done {
        /// The exchange.
        at: At,
    },
    /// The event came before the exchange that awaits it, and is kept until that begins.
    Kept {
        /// The exchange.
        at: At,
    },
    /// The saga goes on without the answer of this exchange.
    Abandoned {
        /// The exchange.
        at: At,
    },
    /// Nobody knows whether this exchange took effect. What undoes it is safe in any case, and is done.
    Assumed {
        /// The exchange.
        at: At,
    },
    /// The saga went on without the answer of this exchange, which took effect after all, and is undone.
    DoneLate {
        /// The exchange.
        at: At,
    },
    /// The exchange is over, and nothing was done.
    Undone {
        /// The exchange.
        at: At,
    },
    /// Nobody waits for the answer any more.
    Withdrawn {
        /// The exchange.
        at: At,
        /// Whose answer.
        participant: &'static str,
    },
    /// An operator passed over it.
    Skipped {
        /// The exchange.
        at: At,
    },
    /// The saga failed, and compensates.
    Failed(Cause),
    /// It does not go on by itself.
    Stuck {
        /// Why.
        reason: String,
    },
    /// It goes on.
    Unstuck,
    /// It ended; the output is encoded exactly (see [`codec`](crate::codec)).
    Ended(Outcome<String>),
}
