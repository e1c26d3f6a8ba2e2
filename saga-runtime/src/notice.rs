//! What is told to whoever watches: brackets (a saga's start, its steps, its end) and everything that would otherwise
//! be silent.
//!
//! The notices about a saga are read off its records, so only the machine can make one, and it is told only once the
//! record is durable.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, EndedBy, Outcome};
use crate::definition::Definition;
use crate::machine::{Change, Happened, Operator, Record, StartedBy};
use crate::message::{At, Bus, Mode, SagaId};
use crate::time::Timestamp;

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

impl Notice {
    /// The saga that it is about.
    pub fn saga(&self) -> Option<SagaId> {
        match self {
            Self::SagaStarted { saga, .. }
            | Self::SagaQueued { saga, .. }
            | Self::StepStarted { saga, .. }
            | Self::StepWaiting { saga, .. }
            | Self::StepSleeping { saga, .. }
            | Self::StepRuns { saga, .. }
            | Self::SagaKept { saga, .. }
            | Self::StepEnded { saga, .. }
            | Self::StepAbandoned { saga, .. }
            | Self::StepUnknown { saga, .. }
            | Self::SagaCompensating { saga, .. }
            | Self::SagaStuck { saga, .. }
            | Self::SagaUnstuck { saga, .. }
            | Self::OperatorActed { saga, .. }
            | Self::SagaCompleted { saga, .. }
            | Self::SagaCompensated { saga, .. }
            | Self::SagaEnded { saga, .. }
            | Self::AnswerLate { saga, .. } => Some(*saga),
            Self::AnswerStray { .. }
            | Self::StartRefused { .. }
            | Self::ParticipantConnected { .. }
            | Self::ParticipantDisconnected { .. }
            | Self::ConnectionRefused { .. }
            | Self::Lagged { .. } => None,
        }
    }

    /// When it happened.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::SagaStarted { time, .. }
            | Self::SagaQueued { time, .. }
            | Self::StepStarted { time, .. }
            | Self::StepWaiting { time, .. }
            | Self::StepSleeping { time, .. }
            | Self::StepRuns { time, .. }
            | Self::SagaKept { time, .. }
            | Self::StepEnded { time, .. }
            | Self::StepAbandoned { time, .. }
            | Self::StepUnknown { time, .. }
            | Self::SagaCompensating { time, .. }
            | Self::SagaStuck { time, .. }
            | Self::SagaUnstuck { time, .. }
            | Self::OperatorActed { time, .. }
            | Self::SagaCompleted { time, .. }
            | Self::SagaCompensated { time, .. }
            | Self::SagaEnded { time, .. }
            | Self::AnswerLate { time, .. }
            | Self::AnswerStray { time, .. }
            | Self::StartRefused { time, .. }
            | Self::ParticipantConnected { time, .. }
            | Self::ParticipantDisconnected { time, .. }
            | Self::ConnectionRefused { time, .. } => Some(*time),
            Self::Lagged { .. } => None,
        }
    }

    /// Whether it closes a saga's bracket.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::SagaCompleted { .. } | Self::SagaCompensated { .. } | Self::SagaEnded { .. })
    }

    /// What there is to tell of a record, in order.
    pub fn of<B: Bus>(record: &Record<B>) -> Vec<Self> {
        let teller = Teller { time: record.time, saga: record.saga, definition: record.definition };
        let mut notices = Vec::with_capacity(record.then.len() + 1);
        notices.extend(teller.happened(&record.happened));
        notices.extend(record.then.iter().filter_map(|change| teller.change(change)));
        notices
    }
}

/// Tells what a record says.
struct Teller {
    time: Timestamp,
    saga: SagaId,
    definition: Option<&'static Definition>,
}

impl Teller {
    fn name(&self) -> Name {
        Cow::Borrowed(self.definition.map_or("", |definition| definition.name))
    }

    fn step(&self, at: At) -> Name {
        Cow::Borrowed(self.definition.map_or("", |definition| definition.steps[usize::from(at.step)].name))
    }

    fn happened<B: Bus>(&self, happened: &Happened<B>) -> Option<Notice> {
        let (time, saga, name) = (self.time, self.saga, self.name());
        match happened {
            Happened::Started { input, by, .. } => {
                let input = self.definition.map(|definition| definition.shown_input(input)).unwrap_or_default();
                Some(Notice::SagaStarted { time, saga, name, input, by: by.clone() })
            }
            Happened::Operator { action, who, why } => {
                let (action, who, why) = (*action, who.clone(), why.clone());
                Some(Notice::OperatorActed { time, saga, name, action, who, why })
            }
            _ => None,
        }
    }

    fn change<B: Bus>(&self, change: &Change<B>) -> Option<Notice> {
        let (time, saga, name) = (self.time, self.saga, self.name());
        Some(match change {
            Change::Queued { behind } => Notice::SagaQueued { time, saga, name, behind: *behind },
            Change::Sent { at, attempt, participant, .. } => {
                let (step, mode) = (self.step(*at), at.mode);
                let participant = Cow::Borrowed(*participant);
                Notice::StepStarted { time, saga, name, step, mode, attempt: *attempt, participant }
            }
            Change::Ran { at, child, .. } | Change::Unwinding { at, child } => {
                Notice::StepRuns { time, saga, name, step: self.step(*at), mode: at.mode, child: *child }
            }
            Change::Complete { .. } => Notice::SagaKept { time, saga, name },
            Change::Sleeping { at, until } => {
                Notice::StepSleeping { time, saga, name, step: self.step(*at), until: *until }
            }
            Change::Waiting { at, until } => {
                Notice::StepWaiting { time, saga, name, step: self.step(*at), mode: at.mode, until: *until }
            }
            Change::Done { at } => Notice::StepEnded { time, saga, name, step: self.step(*at), mode: at.mode },
            Change::Abandoned { at } => Notice::StepAbandoned { time, saga, name, step: self.step(*at) },
            Change::Assumed { at } => Notice::StepUnknown { time, saga, name, step: self.step(*at) },
            Change::Failed(cause) => Notice::SagaCompensating { time, saga, name, cause: cause.clone() },
            Change::Stuck { reason } => Notice::SagaStuck { time, saga, name, reason: reason.clone() },
            Change::Unstuck => Notice::SagaUnstuck { time, saga, name },
            Change::Ended(Outcome::Completed(output)) => {
                let output = self.definition.map(|definition| definition.shown_output(output)).unwrap_or_default();
                Notice::SagaCompleted { time, saga, name, output }
            }
            Change::Ended(Outcome::Compensated(cause)) => {
                Notice::SagaCompensated { time, saga, name, cause: cause.clone() }
            }
            Change::Ended(Outcome::Ended(by)) => Notice::SagaEnded { time, saga, name, by: by.clone() },
            Change::Asked { .. }
            | Change::Kept { .. }
            | Change::DoneLate { .. }
            | Change::Undone { .. }
            | Change::Withdrawn { .. }
            | Change::Skipped { .. } => {
                return None;
            }
        })
    }
}
