//! What the machine keeps beside the typed state of a saga: everything that is common to all sagas.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, EndedBy, Outcome};
use crate::definition::{Definition, StepKind};
use crate::message::{At, Mode, SagaId};
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
    /// panicked with. Nothing any more once it has left the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allowed: Option<Box<Result<Duration, String>>>,
    /// When it fails by itself. Counts in [`Phase::Forward`] only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Timestamp>,
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
    /// Whether what is done on every way out was done.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) finished: bool,
    /// What most sagas never need.
    #[serde(default, skip_serializing_if = "Rarely::is_empty")]
    pub(crate) rare: Rarely,
    /// When it last moved.
    pub(crate) since: Timestamp,
    /// The earliest entry for it in the queue of timers.
    #[serde(skip, default = "never")]
    pub(crate) timer: Timestamp,
}

/// What most sagas never need, and so takes no memory until it is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rare {
    /// The version to which it was migrated, if it was: the log has the one with which it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
    /// What it returns, encoded, from when it is known until it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// Who ended it, while it does what is done on every way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_by: Option<Box<EndedBy>>,
    /// The exchanges that it went on without, as long as they are settled or undone beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) asides: Vec<At>,
    /// Events of anyone that came before the exchanges that await them: for each the first, until it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kept: Vec<Kept>,
    /// The saga that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Parent>,
    /// The sagas that it runs, or ran and may still have to unwind, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<Ran>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Box<Cause>>,
    /// Why it does not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stuck: Option<Box<Stuck>>,
    /// What else does not go on: of several exchanges that are open at one time more than one may be stuck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also_stuck: Vec<Stuck>,
}

/// A [`Rare`], or nothing, which reads as an empty one. To write to it makes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Rarely(Option<Box<Rare>>);

impl Rarely {
    fn is_empty(&self) -> bool {
        self.0.as_deref().is_none_or(|rare| *rare == Rare::default())
    }
}

impl Deref for Rarely {
    type Target = Rare;

    fn deref(&self) -> &Rare {
        static NOTHING: Rare = Rare {
            version: None,
            output: None,
            ended_by: None,
            asides: Vec::new(),
            kept: Vec::new(),
            parent: None,
            children: Vec::new(),
            cause: None,
            stuck: None,
            also_stuck: Vec::new(),
        };
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Rarely {
    fn deref_mut(&mut self) -> &mut Rare {
        self.0.get_or_insert_default()
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
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
    /// It has completed, and ends when the saga that ran it has: until then that may unwind it.
    Kept,
}

/// An event of anyone, for an exchange that has not begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) at: At,
    /// The event, encoded exactly.
    pub(crate) event: String,
}

/// The saga that runs another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parent {
    pub(crate) saga: SagaId,
    /// Whether it says `compensate unwind`.
    pub(crate) unwinds: bool,
}

/// A saga that this one runs, or ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) saga: SagaId,
    /// The exchange that runs it.
    pub(crate) at: At,
    /// It has completed, and can be unwound.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) kept: bool,
    /// How it ended, while nothing could be made of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Outcome<String>>,
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
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) attempts_before: u32,
    /// The number of the record that holds the bytes of its command; none while it has never been sent.
    pub(crate) recorded_in: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<Box<RetryPlan>>,
    pub(crate) waits: Waits,
    /// The events of its answer were offered to triggers; the same answer may come again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) offered: bool,
    /// Its command was handled, and what ends it is an event of anyone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) handled: bool,
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
    /// That the time of a `sleep` has passed.
    Asleep,
    /// The end of the saga that it runs, or unwinds.
    Child,
}

impl Open {
    /// Whether the participant may have done it, or may still.
    pub(crate) fn in_doubt(&self) -> bool {
        self.recorded_in.is_some() && !self.handled && !matches!(self.waits, Waits::Backoff { in_doubt: false })
    }

    /// Whether its answer is still to come, as far as the participant is there to give one.
    pub(crate) fn is_unanswered(&self) -> bool {
        let waits = matches!(
            self.waits,
            Waits::Answer | Waits::Backoff { in_doubt: true } | Waits::Operator { unanswered: true }
        );
        waits && !self.handled
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
    /// It was done, and nothing can be made of what came of it.
    Outcome(At),
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

    /// The exchange that is stuck, if it is one.
    pub(crate) fn at(self) -> Option<At> {
        match self {
            Self::Opening(at) | Self::Answer(at) | Self::Fate { at, .. } | Self::Outcome(at) | Self::Enduring(at) => {
                Some(at)
            }
            Self::Admitting | Self::Entering | Self::Beginning | Self::Moving | Self::Returning | Self::Resting => None,
        }
    }
}

impl Control {
    /// Of a saga that is about to start.
    pub(crate) fn new(now: Timestamp, allowed: Result<Option<Duration>, String>, keys: Vec<Key>) -> Self {
        Self {
            number: 0,
            phase: Phase::Queued,
            allowed: allowed.transpose().map(Box::new),
            deadline: None,
            keys,
            open: Vec::new(),
            starting: Vec::new(),
            effects: Vec::new(),
            past_pivot: false,
            finished: false,
            rare: Rarely::default(),
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

    /// The saga that an exchange runs, or unwinds.
    pub(crate) fn child_at(&self, at: At) -> Option<&Ran> {
        let unwound = at.mode == Mode::Compensation;
        let matches = |ran: &&Ran| ran.at.step == at.step && ran.at.item == at.item && ran.kept == unwound;
        self.rare.children.iter().rev().find(matches)
    }

    /// Whether this is what does not go on, or part of it.
    pub(crate) fn is_stuck_at(&self, point: Point) -> bool {
        self.stuck_points().any(|stuck| stuck == point)
    }

    /// All that does not go on.
    pub(crate) fn stuck_points(&self) -> impl Iterator<Item = Point> {
        self.rare.stuck.as_deref().into_iter().chain(&self.rare.also_stuck).map(|stuck| stuck.point)
    }

    /// Whether its own way waits for an operator; what is undone beside it does not hold it up.
    pub(crate) fn is_halted(&self) -> bool {
        self.stuck_points().any(|point| !point.unsticks_by_itself() && !point.at().is_some_and(|at| self.is_aside(at)))
    }

    /// Whether the saga went on without this exchange, which is settled or undone beside it.
    pub(crate) fn is_aside(&self, at: At) -> bool {
        at.mode != Mode::Finally && self.rare.asides.contains(&At { mode: Mode::Forward, ..at })
    }

    /// The open exchanges of its own way.
    pub(crate) fn on_its_way(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().filter(|open| !self.is_aside(open.at))
    }

    /// Whether it waits since its process was started again.
    pub(crate) fn is_resting(&self) -> bool {
        self.rare.stuck.as_ref().is_some_and(|stuck| stuck.point == Point::Resting)
    }

    /// Whether it can still be undone: by a cancel, its deadline, or another saga that takes its key.
    pub(crate) fn can_turn_back(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Forward) && !self.past_pivot
    }

    /// Whether it depends on what became of its pivot whether it goes forward or back.
    pub(crate) fn awaits_pivot(&self, definition: &Definition) -> bool {
        let is_pivot = |at: At| definition.steps[usize::from(at.step)].kind == StepKind::Pivot;
        self.phase == Phase::Settling && self.open.iter().any(|open| is_pivot(open.at))
    }

    /// Whether it will complete, whatever is asked of it.
    pub(crate) fn must_complete(&self) -> bool {
        self.past_pivot || self.rare.output.is_some()
    }

    /// Whether all that is still to be known of this exchange is what became of it.
    pub(crate) fn is_settling(&self, at: At) -> bool {
        at.mode == Mode::Forward && (self.phase == Phase::Settling || self.is_aside(at))
    }

    /// When the deadline strikes: only going forward, and not while it waits for an operator.
    pub(crate) fn live_deadline(&self) -> Option<Timestamp> {
        self.deadline.filter(|_| self.phase == Phase::Forward && !self.is_halted())
    }

    /// The earliest time at which something happens by itself.
    pub(crate) fn next_due(&self) -> Timestamp {
        self.next_due_unless(Timestamp::EPOCH)
    }

    /// The same without what [is held](Self::is_held).
    pub(crate) fn next_due_unless(&self, passed_before: Timestamp) -> Timestamp {
        let times = self.dues().filter(|due| !self.is_held(*due, passed_before)).map(|(time, _)| time);
        times.min().unwrap_or(Timestamp::NEVER)
    }

    /// The next thing that is due by itself at `now`, unless it [is held](Self::is_held). At the same time the deadline
    /// comes first.
    pub(crate) fn due(&self, now: Timestamp, passed_before: Timestamp) -> Option<Due> {
        let free = self.dues().filter(|due| !self.is_held(*due, passed_before));
        let first = free.min_by_key(|(time, _)| *time)?;
        (first.0 <= now).then_some(first.1)
    }

    /// Whether anything [is held](Self::is_held).
    pub(crate) fn holds(&self, passed_before: Timestamp) -> bool {
        self.dues().any(|due| self.is_held(due, passed_before))
    }

    /// What happens by itself, and when.
    fn dues(&self) -> impl Iterator<Item = (Timestamp, Due)> {
        let deadline = self.live_deadline().map(|time| (time, Due::Deadline));
        let exchanges = self.open.iter().filter_map(|open| Some((open.due?, Due::Exchange(open.at))));
        deadline.into_iter().chain(exchanges.filter(|_| !self.is_resting()))
    }

    /// Whether it passed before this time, when nobody ran, and an answer that was given meanwhile would come first. None
    /// does to a `sleep`, or to a deadline when nothing is awaited but that.
    fn is_held(&self, (time, due): (Timestamp, Due), passed_before: Timestamp) -> bool {
        let awaited = |open: &Open| open.waits != Waits::Asleep && open.since < passed_before;
        let may_be_answered = match due {
            Due::Deadline => self.open.iter().any(awaited),
            Due::Exchange(at) => self.open.iter().any(|open| open.at == at && open.waits != Waits::Asleep),
        };
        time < passed_before && may_be_answered
    }

    /// The exchange at which the saga stands, for whoever looks.
    pub(crate) fn standing_at(&self) -> Option<&Open> {
        self.on_its_way().next()
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
