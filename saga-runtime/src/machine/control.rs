//! What the machine keeps beside the typed state of a saga: everything that is common to all sagas.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, EndedBy};
use crate::message::{At, Mode};
use crate::saga::{Key, RetryPlan};
use crate::time::Timestamp;

/// The control of one saga. Serialised with its state: nothing else is needed to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Control {
    /// The number of its last record.
    pub(crate) number: u32,
    /// Whether it goes forward or back.
    pub(crate) phase: Phase,
    /// How long its forward part may take, counted from leaving the queue; or what the author's expression for that
    /// panicked with.
    pub(crate) allowed: Result<Option<Duration>, String>,
    /// When it fails by itself. Counts in [`Phase::Forward`] only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Timestamp>,
    /// The version to which it was migrated, if it was: the log has the one with which it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
    /// The keys of concurrency that it holds or awaits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<Key>,
    /// The exchanges that are not over, in the order in which they were opened.
    pub(crate) open: Vec<Open>,
    /// The steps of the current place of which exchanges are still to be opened, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) starting: Vec<Starting>,
    /// The exchanges that took effect and have a compensation, in the order in which they completed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) effects: Vec<At>,
    /// Whether its pivot took effect: there is no way back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) past_pivot: bool,
    /// What it returns, encoded, while it does what is done on every way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// Who ended it, while it does what is done on every way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_by: Option<Box<EndedBy>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Box<Cause>>,
    /// Why it does not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stuck: Option<Box<Stuck>>,
    /// What else does not go on: of several exchanges that are open at one time more than one may be stuck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also_stuck: Vec<Stuck>,
    /// When it last moved.
    pub(crate) since: Timestamp,
    /// The earliest entry for it in the queue of timers.
    #[serde(skip, default = "never")]
    pub(crate) timer: Timestamp,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn never() -> Timestamp {
    Timestamp::NEVER
}

/// The direction of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Waits for its keys.
    Queued,
    /// Through its places.
    Forward,
    /// It failed; what became of the exchanges in doubt is being asked.
    Settling,
    /// It undoes what took effect.
    Compensating,
    /// It does what is done on every way out.
    Finishing,
}

/// A step of which exchanges are still to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Starting {
    pub(crate) step: u16,
    /// The item whose exchange is opened next.
    pub(crate) next: u32,
    /// How many there are; none until the step has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u32>,
}

/// An exchange that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) at: At,
    /// The current attempt, from 1.
    pub(crate) attempt: u32,
    /// The attempt after which this run of attempts began: 0, or higher once an operator said *retry*.
    pub(crate) attempts_before: u32,
    /// The number of the record that holds the bytes of its command; none while it has never been sent.
    pub(crate) recorded_in: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<RetryPlan>,
    pub(crate) waits: Waits,
    /// The events of its answer were offered to triggers; the same answer may come again.
    pub(crate) offered: bool,
    /// Since when it waits for that.
    pub(crate) since: Timestamp,
    /// When that wait is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
}

/// What an exchange waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Waits {
    /// The answer to its current attempt.
    Answer,
    /// The next attempt. After a refusal nothing was done; after a time-out that is in doubt.
    Backoff { in_doubt: bool },
    /// The participant's word on its fate, asked first at `since`; it has said *running* so many times.
    Fate { running: u8 },
    /// To ask again, since the participant said *running*, so many times.
    FateAgain { running: u8 },
    /// An operator; whether its last attempt was never answered.
    Operator { unanswered: bool },
}

impl Open {
    /// Whether the participant may have done it, or may still.
    pub(crate) fn in_doubt(&self) -> bool {
        self.recorded_in.is_some() && !matches!(self.waits, Waits::Backoff { in_doubt: false })
    }

    /// Whether its answer is still to come, as far as the participant is there to give one.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.waits, Waits::Answer | Waits::Backoff { in_doubt: true } | Waits::Operator { unanswered: true })
    }

    /// Whether the participant owes a word on its fate.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.waits, Waits::Fate { .. } | Waits::FateAgain { .. })
    }

    /// How many attempts beyond the first of this run were made.
    pub(crate) fn retried(&self) -> u32 {
        (self.attempt - self.attempts_before).saturating_sub(1)
    }
}

/// Why a saga does not go on, and where an operator's word takes it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stuck {
    pub(crate) reason: String,
    pub(crate) point: Point,
}

/// What is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Point {
    /// How long the saga may take could not be told.
    Admitting,
    /// A condition before the current place could not be told.
    Entering,
    /// How many exchanges the next step is could not be told.
    Beginning,
    /// The command of this exchange could not be made.
    Opening(At),
    /// The answer to this exchange makes no sense, or its attempts are spent.
    Answer(At),
    /// The participant does not know, or does not say, what became of this exchange. If it is only `late`, the saga
    /// goes on by itself when it says.
    Fate { at: At, late: bool },
    /// The next state could not be made.
    Moving,
    /// The output could not be made.
    Returning,
    /// Behind the pivot this exchange has not succeeded for long; it goes on trying.
    Enduring(At),
    /// Its process was started again, and `#[on_restart(park)]` has it wait: nothing is done or heard meanwhile.
    Resting,
}

impl Point {
    /// Whether the saga may go on without an operator.
    pub(crate) fn unsticks_by_itself(self) -> bool {
        matches!(self, Self::Fate { late: true, .. } | Self::Enduring(_))
    }
}

impl Control {
    /// Of a saga that is about to start.
    pub(crate) fn new(now: Timestamp, allowed: Result<Option<Duration>, String>, keys: Vec<Key>) -> Self {
        Self {
            number: 0,
            phase: Phase::Queued,
            allowed,
            deadline: None,
            version: None,
            keys,
            open: Vec::new(),
            starting: Vec::new(),
            effects: Vec::new(),
            past_pivot: false,
            output: None,
            ended_by: None,
            cause: None,
            stuck: None,
            also_stuck: Vec::new(),
            since: now,
            timer: Timestamp::NEVER,
        }
    }

    /// Adds an open exchange. Most sagas have one at a time, and so room for one.
    pub(crate) fn put(&mut self, open: Open) {
        if self.open.is_empty() {
            self.open.reserve_exact(1);
        }
        self.open.push(open);
    }

    /// Removes an open exchange.
    pub(crate) fn close(&mut self, at: At) -> Option<Open> {
        let position = self.open.iter().position(|open| open.at == at)?;
        Some(self.open.remove(position))
    }

    /// Whether this is what does not go on, or part of it.
    pub(crate) fn is_stuck_at(&self, point: Point) -> bool {
        self.stuck.as_deref().into_iter().chain(&self.also_stuck).any(|stuck| stuck.point == point)
    }

    /// Whether it waits for an operator and nothing else.
    pub(crate) fn is_halted(&self) -> bool {
        self.stuck.as_ref().is_some_and(|stuck| !stuck.point.unsticks_by_itself())
    }

    /// Whether it waits since its process was started again.
    pub(crate) fn is_resting(&self) -> bool {
        self.stuck.as_ref().is_some_and(|stuck| stuck.point == Point::Resting)
    }

    /// Whether it can still be undone: by a cancel, its deadline, or another saga that takes its key.
    pub(crate) fn can_turn_back(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Forward) && !self.past_pivot
    }

    /// Whether it will complete, whatever is asked of it.
    pub(crate) fn must_complete(&self) -> bool {
        self.past_pivot || self.output.is_some()
    }

    /// Whether the open exchanges are those in doubt, an unknown fate included.
    pub(crate) fn is_settling(&self) -> bool {
        self.phase == Phase::Settling
    }

    /// When the deadline strikes: only going forward, and not while it waits for an operator.
    pub(crate) fn live_deadline(&self) -> Option<Timestamp> {
        self.deadline.filter(|_| self.phase == Phase::Forward && !self.is_halted())
    }

    /// The earliest time at which something happens by itself.
    pub(crate) fn next_due(&self) -> Timestamp {
        let exchanges = self.open.iter().filter_map(|open| open.due).filter(|_| !self.is_resting());
        exchanges.chain(self.live_deadline()).min().unwrap_or(Timestamp::NEVER)
    }

    /// The next thing that is due by itself at `now`. At the same time the deadline comes first.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Due> {
        let deadline = self.live_deadline().map(|time| (time, Due::Deadline));
        let exchanges = self.open.iter().filter_map(|open| Some((open.due?, Due::Exchange(open.at))));
        let exchanges = exchanges.filter(|_| !self.is_resting());
        let first = deadline.into_iter().chain(exchanges).min_by_key(|(time, _)| *time)?;
        (first.0 <= now).then_some(first.1)
    }

    /// The exchange at which the saga stands, for whoever looks.
    pub(crate) fn standing_at(&self) -> Option<&Open> {
        self.open.first()
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Deadline,
    Exchange(At),
}

impl Mode {
    /// Whether exchanges of this mode go on by themselves until an operator must look.
    pub(crate) fn perseveres(self) -> bool {
        !matches!(self, Self::Forward)
    }
}
