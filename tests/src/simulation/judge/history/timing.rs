//! Whether timers of one saga fire when they may, and once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use saga_runtime::definition::{Action, Deadline, Definition, Span};
use saga_runtime::machine::{Change, Happened};
use saga_runtime::message::{At, Fate, Mode};
use saga_runtime::time::Timestamp;

use super::super::super::sagas::Shop;
use super::{Objection, objection};

/// The bound of an attempt that must succeed in the end, unless it says otherwise.
const PERSEVERING_WITHIN: Duration = Duration::from_secs(30);

/// How long a fate is awaited before that is shown.
const OVERDUE: Duration = Duration::from_secs(60);

/// The first wait before a fate is asked again.
const FATE_AGAIN: Duration = Duration::from_secs(1);

/// The timers of one saga.
#[derive(Debug)]
pub(super) struct Timing {
    definition: &'static Definition,
    /// When it began, or left the queue: from then its deadline counts.
    started: Timestamp,
    /// When the last exchange of its way forward ended, or it started: what only waits begins then.
    turned: Timestamp,
    deadline_passed: bool,
    /// The last attempt of each exchange, and when it left.
    sent: BTreeMap<At, (u32, Timestamp)>,
    timed_out: BTreeSet<(At, u32)>,
    /// Until when an exchange waits at least.
    waits: BTreeMap<At, Timestamp>,
    /// Since when a fate is asked.
    asked: BTreeMap<At, Timestamp>,
}

impl Timing {
    pub(super) fn new(definition: &'static Definition, started: Timestamp) -> Self {
        Self {
            definition,
            started,
            turned: started,
            deadline_passed: false,
            sent: BTreeMap::new(),
            timed_out: BTreeSet::new(),
            waits: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// What moved the saga.
    pub(super) fn happened(
        &mut self,
        happened: &Happened<Shop>,
        now: Timestamp,
        past_pivot: bool,
    ) -> Result<(), Objection> {
        match happened {
            Happened::Admitted => {
                self.started = now;
                self.turned = now;
                Ok(())
            }
            Happened::TimedOut { at, attempt } => self.timed_out(*at, *attempt, now, past_pivot),
            Happened::Deadline if past_pivot => objection(13, "its deadline passed, and does not count any more"),
            Happened::Deadline => self.deadline(now),
            Happened::Waited { at } => match self.waits.remove(at) {
                Some(until) if until <= now => Ok(()),
                Some(until) => objection(13, format!("{at:?} waited until {until}, and it is {now}")),
                None => objection(13, format!("{at:?} did not wait")),
            },
            Happened::FateOverdue { at } => match self.asked.get(at) {
                Some(asked) if asked.after(OVERDUE) <= now => Ok(()),
                asked => objection(13, format!("the fate of {at:?} was asked at {asked:?}, and is not overdue")),
            },
            Happened::Fate { at, fate: Fate::Running } => {
                self.waits.entry(*at).or_insert(now.after(FATE_AGAIN));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What followed.
    pub(super) fn changed(&mut self, change: &Change<Shop>, now: Timestamp) {
        match change {
            Change::Sent { at, attempt, .. } | Change::Ran { at, attempt, .. } => {
                self.sent.insert(*at, (*attempt, now));
            }
            Change::Waiting { at, until } | Change::Sleeping { at, until } => drop(self.waits.insert(*at, *until)),
            Change::Asked { at, .. } => {
                self.asked.entry(*at).or_insert(now);
                self.waits.remove(at);
            }
            Change::Done { at } | Change::Abandoned { at } if at.mode == Mode::Forward => self.turned = now,
            _ => {}
        }
    }

    fn timed_out(&mut self, at: At, attempt: u32, now: Timestamp, past_pivot: bool) -> Result<(), Objection> {
        if !self.timed_out.insert((at, attempt)) {
            return objection(13, format!("attempt {attempt} of {at:?} timed out twice"));
        }
        let only_waits = self.definition.steps[usize::from(at.step)].exchange.action == Action::Wait;
        let sent = self.sent.get(&at).copied().or(only_waits.then_some((1, self.turned)));
        match (sent, self.bound(at, past_pivot)) {
            (Some((sent, when)), Some(within)) if sent == attempt && when.after(within) <= now => Ok(()),
            (sent, within) => objection(13, format!("{at:?} timed out at {now}; it was sent {sent:?}, {within:?}")),
        }
    }

    fn deadline(&mut self, now: Timestamp) -> Result<(), Objection> {
        let Deadline::After(Span::Fixed(deadline)) = self.definition.deadline else {
            return objection(13, "it has no deadline");
        };
        if std::mem::replace(&mut self.deadline_passed, true) || self.started.after(deadline) > now {
            return objection(13, format!("its deadline passed at {now}, and it started at {}", self.started));
        }
        Ok(())
    }

    /// How long one attempt of an exchange may take.
    fn bound(&self, at: At, past_pivot: bool) -> Option<Duration> {
        let step = &self.definition.steps[usize::from(at.step)];
        let undoing = at.mode == Mode::Compensation;
        let block = if undoing { step.compensation.exchange()? } else { &step.exchange };
        match block.within {
            Some(Span::Fixed(within)) => Some(within),
            _ => (past_pivot || at.mode != Mode::Forward).then_some(PERSEVERING_WITHIN),
        }
    }
}
