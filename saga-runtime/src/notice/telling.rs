//! What there is to tell of a record, as it is decided. What the log tells of it afterwards is in `recorded`: both must say
//! the same.

use std::borrow::Cow;

use super::{Name, Notice};
use crate::cause::Outcome;
use crate::definition::Definition;
use crate::machine::{Change, Happened, Record};
use crate::message::{At, Bus, SagaId};
use crate::time::Timestamp;

impl Notice {
    /// That a saga moved and nothing else is to be told of its record.
    pub(crate) fn moved<B: Bus>(record: &Record<B>) -> Self {
        let Record { time, saga, definition, .. } = record;
        Teller { time: *time, saga: *saga, definition: *definition }.moved()
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

    fn moved(&self) -> Notice {
        Notice::SagaMoved { time: self.time, saga: self.saga, name: self.name() }
    }

    fn step(&self, at: At) -> Name {
        Cow::Borrowed(self.definition.map_or("", |definition| definition.steps[usize::from(at.step)].name))
    }

    fn item(&self, at: At) -> Option<u32> {
        self.definition.and_then(|definition| definition.item(at))
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
                let (step, item, mode) = (self.step(*at), self.item(*at), at.mode);
                let participant = Cow::Borrowed(*participant);
                Notice::StepStarted { time, saga, name, step, item, mode, attempt: *attempt, participant }
            }
            Change::Ran { at, child, .. } | Change::Unwinding { at, child } => {
                let (step, item, mode) = (self.step(*at), self.item(*at), at.mode);
                Notice::StepRuns { time, saga, name, step, item, mode, child: *child }
            }
            Change::Complete { .. } => Notice::SagaKept { time, saga, name },
            Change::Sleeping { at, until } => {
                let (step, item) = (self.step(*at), self.item(*at));
                Notice::StepSleeping { time, saga, name, step, item, until: *until }
            }
            Change::Waiting { at, until } => {
                let (step, item, mode) = (self.step(*at), self.item(*at), at.mode);
                Notice::StepWaiting { time, saga, name, step, item, mode, until: *until }
            }
            Change::Done { at } => {
                let (step, item, mode) = (self.step(*at), self.item(*at), at.mode);
                Notice::StepEnded { time, saga, name, step, item, mode }
            }
            Change::Abandoned { at } => {
                Notice::StepAbandoned { time, saga, name, step: self.step(*at), item: self.item(*at) }
            }
            Change::Assumed { at } => {
                Notice::StepUnknown { time, saga, name, step: self.step(*at), item: self.item(*at) }
            }
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
