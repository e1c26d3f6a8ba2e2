//! The records of one saga as they were committed, and whether each may follow the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use saga_runtime::cause::Outcome;
use saga_runtime::definition::{Deadline, Definition, Span};
use saga_runtime::machine::{Change, Happened, Operator, Record, StartedBy};
use saga_runtime::message::{At, Fate, Mode};
use saga_runtime::time::Timestamp;

use super::super::sagas::Shop;
use super::Objection;

/// The bound of an attempt to undo, unless it says otherwise.
const PERSEVERING_WITHIN: Duration = Duration::from_secs(30);

/// How long a fate is awaited before that is shown.
const OVERDUE: Duration = Duration::from_secs(60);

/// The first wait before a fate is asked again.
const FATE_AGAIN: Duration = Duration::from_secs(1);

/// One saga in the log.
#[derive(Debug)]
pub(super) struct History {
    definition: &'static Definition,
    order: u64,
    triggered: bool,
    number: u32,
    /// When it began, or left the queue: from then its deadline counts.
    started: Timestamp,
    deadline_passed: bool,
    failed: bool,
    /// An operator decided what is not known.
    skipped: bool,
    ended: Option<End>,
    /// How many steps of the way forward are over.
    forward: u16,
    /// What took effect and is not undone yet, in the order of completion.
    effects: Vec<At>,
    undoing: Option<At>,
    /// The last attempt of each exchange, and when it left.
    sent: BTreeMap<At, (u32, Timestamp)>,
    timed_out: BTreeSet<(At, u32)>,
    /// Until when an exchange waits at least.
    waits: BTreeMap<At, Timestamp>,
    /// Since when a fate is asked.
    asked: BTreeMap<At, Timestamp>,
    settling: BTreeSet<At>,
    barred: BTreeSet<At>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Completed,
    Compensated,
    ByOperator,
}

fn objection<T>(invariant: u8, what: impl Into<String>) -> Result<T, Objection> {
    Err((invariant, what.into()))
}

impl History {
    /// Of a saga whose first record this is.
    pub(super) fn begin(record: &Record<Shop>) -> Result<Self, Objection> {
        let Happened::Started { input, by, .. } = &record.happened else { return objection(3, "it did not start") };
        let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
        Ok(Self {
            definition: record.definition.ok_or((3, "it has no definition".to_owned()))?,
            order: input["order"].as_u64().unwrap_or_default(),
            triggered: matches!(by, StartedBy::Trigger(_)),
            number: 0,
            started: record.time,
            deadline_passed: false,
            failed: false,
            skipped: false,
            ended: None,
            forward: 0,
            effects: Vec::new(),
            undoing: None,
            sent: BTreeMap::new(),
            timed_out: BTreeSet::new(),
            waits: BTreeMap::new(),
            asked: BTreeMap::new(),
            settling: BTreeSet::new(),
            barred: BTreeSet::new(),
        })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn is_of(&self, name: &str, order: u64) -> bool {
        self.definition.name == name && self.order == order
    }

    /// The order with which it began, if that was an event.
    pub(super) fn triggered_by(&self) -> Option<u64> {
        self.triggered.then_some(self.order)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether nothing that took effect and can be undone may stand.
    pub(super) fn is_undone(&self) -> bool {
        self.ended == Some(End::Compensated) && !self.skipped
    }

    /// The exchanges that must have taken effect, as the saga has completed.
    pub(super) fn completed_steps(&self) -> impl Iterator<Item = At> {
        let steps = if self.ended == Some(End::Completed) { self.definition.steps } else { &[] };
        let effects =
            (0..).zip(steps).filter(|(_, step)| step.exchange.action.command().is_some_and(|command| !command.query));
        effects.map(|(number, _)| At::step(number))
    }

    pub(super) fn can_undo(&self, at: At) -> bool {
        self.definition.steps[usize::from(at.step)].compensation.exchange().is_some()
    }

    pub(super) fn is_barred(&self, at: At) -> bool {
        self.barred.contains(&at)
    }

    pub(super) fn has_sent(&self, at: At, attempt: u32) -> bool {
        self.sent.get(&at).is_some_and(|(sent, _)| *sent >= attempt)
    }

    pub(super) fn has_asked(&self, at: At) -> bool {
        self.asked.contains_key(&at)
    }

    /// The next record.
    pub(super) fn follow(&mut self, record: &Record<Shop>) -> Result<(), Objection> {
        if self.ended.is_some() {
            return objection(1, format!("it had ended before {:?}", record.happened));
        }
        if record.number != self.number + 1 {
            return objection(5, format!("it follows record {}", self.number));
        }
        self.number = record.number;
        self.happened(record)?;
        let last = record.then.len().saturating_sub(1);
        for (index, change) in record.then.iter().enumerate() {
            if matches!(change, Change::Ended(_)) && index != last {
                return objection(1, "something follows its end");
            }
            self.change(record, change)?;
        }
        Ok(())
    }

    fn happened(&mut self, record: &Record<Shop>) -> Result<(), Objection> {
        match &record.happened {
            Happened::Started { .. } if record.number > 1 => objection(3, "it started twice"),
            Happened::Admitted => {
                self.started = record.time;
                Ok(())
            }
            Happened::TimedOut { at, attempt } => self.timed_out(*at, *attempt, record.time),
            Happened::Deadline => self.deadline(record.time),
            Happened::Waited { at } => match self.waits.remove(at) {
                Some(until) if until <= record.time => Ok(()),
                Some(until) => objection(13, format!("{at:?} waited until {until}, and it is {}", record.time)),
                None => objection(13, format!("{at:?} did not wait")),
            },
            Happened::FateOverdue { at } => match self.asked.get(at) {
                Some(asked) if asked.after(OVERDUE) <= record.time => Ok(()),
                asked => objection(13, format!("the fate of {at:?} was asked at {asked:?}, and is not overdue")),
            },
            Happened::Fate { at, fate: Fate::Running } => {
                self.waits.entry(*at).or_insert(record.time.after(FATE_AGAIN));
                Ok(())
            }
            Happened::Fate { at, fate: Fate::Never } => {
                self.barred.insert(*at);
                Ok(())
            }
            Happened::Operator { action, .. } => {
                self.skipped |= *action == Operator::Skip;
                Ok(())
            }
            Happened::Parked { reason } => objection(15, format!("it was parked: {reason}")),
            _ => Ok(()),
        }
    }

    fn timed_out(&mut self, at: At, attempt: u32, now: Timestamp) -> Result<(), Objection> {
        if !self.timed_out.insert((at, attempt)) {
            return objection(13, format!("attempt {attempt} of {at:?} timed out twice"));
        }
        match (self.sent.get(&at), self.bound(at)) {
            (Some((sent, when)), Some(within)) if *sent == attempt && when.after(within) <= now => Ok(()),
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
    fn bound(&self, at: At) -> Option<Duration> {
        let step = &self.definition.steps[usize::from(at.step)];
        let undoing = at.mode == Mode::Compensation;
        let block = if undoing { step.compensation.exchange()? } else { &step.exchange };
        match block.within {
            Some(Span::Fixed(within)) => Some(within),
            _ => undoing.then_some(PERSEVERING_WITHIN),
        }
    }

    fn change(&mut self, record: &Record<Shop>, change: &Change<Shop>) -> Result<(), Objection> {
        match change {
            Change::Sent { at, attempt, command, .. } => {
                self.sends(*at, *attempt, command.is_some())?;
                self.sent.insert(*at, (*attempt, record.time));
            }
            Change::Waiting { at, until } => drop(self.waits.insert(*at, *until)),
            Change::Asked { at, .. } => {
                self.asked.entry(*at).or_insert(record.time);
                self.waits.remove(at);
                self.settling.insert(*at);
            }
            Change::Done { at } | Change::DoneLate { at } | Change::Assumed { at } => self.done(*at)?,
            Change::Undone { at } => drop(self.settling.remove(at)),
            Change::Skipped { at } => self.undoing = self.undoing.filter(|undoing| undoing != at),
            Change::Failed(_) if self.failed => return objection(3, "it failed twice"),
            Change::Failed(_) => self.failed = true,
            Change::Ended(outcome) => self.end(outcome)?,
            Change::Queued { .. }
            | Change::Kept { .. }
            | Change::Abandoned { .. }
            | Change::Withdrawn { .. }
            | Change::Stuck { .. }
            | Change::Unstuck
            | Change::Sleeping { .. }
            | Change::Ran { .. }
            | Change::Unwinding { .. }
            | Change::Complete { .. } => {}
        }
        Ok(())
    }

    fn sends(&mut self, at: At, attempt: u32, is_first: bool) -> Result<(), Objection> {
        if self.sent.get(&at).is_some_and(|(before, _)| is_first || *before >= attempt) {
            return objection(3, format!("attempt {attempt} of {at:?} was sent before"));
        }
        if at.mode == Mode::Forward {
            let in_order = !self.failed && at.step == self.forward;
            return if in_order { Ok(()) } else { objection(3, format!("{at:?} is out of order")) };
        }
        if !is_first {
            return Ok(());
        }
        let undone = At { mode: Mode::Forward, ..at };
        if !self.failed || !self.settling.is_empty() || self.undoing.is_some() {
            return objection(10, format!("{undone:?} is undone too early"));
        }
        if self.effects.pop() != Some(undone) {
            return objection(10, format!("{undone:?} is undone, and is not what completed last"));
        }
        self.undoing = Some(at);
        Ok(())
    }

    fn done(&mut self, at: At) -> Result<(), Objection> {
        if at.mode == Mode::Compensation {
            let expected = self.undoing.take() == Some(at);
            return if expected { Ok(()) } else { objection(10, format!("{at:?} ended, and was not begun")) };
        }
        if !self.settling.remove(&at) {
            self.forward += 1;
        }
        if self.can_undo(at) {
            self.effects.push(at);
        }
        Ok(())
    }

    fn end(&mut self, outcome: &Outcome<String>) -> Result<(), Objection> {
        let end = match outcome {
            Outcome::Completed(_) => End::Completed,
            Outcome::Compensated(_) => End::Compensated,
            Outcome::Ended(_) => End::ByOperator,
        };
        self.ended = Some(end);
        let all_done = !self.failed && usize::from(self.forward) == self.definition.steps.len();
        let all_undone = self.failed && self.effects.is_empty() && self.undoing.is_none() && self.settling.is_empty();
        match end {
            End::Completed if !all_done => objection(3, "it completed, and not all steps are done"),
            End::Compensated if !all_undone => objection(9, format!("it was undone, but for {:?}", self.effects)),
            _ => Ok(()),
        }
    }
}
