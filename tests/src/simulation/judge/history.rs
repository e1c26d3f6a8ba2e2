//! The records of one saga as they were committed, and whether each may follow the one before.

mod kin;
mod timing;
mod undoing;
mod way;

use std::collections::{BTreeMap, BTreeSet};

use saga_runtime::cause::Outcome;
use saga_runtime::definition::{Compensation, Definition, StepKind};
use saga_runtime::machine::{Change, Happened, Operator, Record, StartedBy};
use saga_runtime::message::{Answer, At, Fate, Mode, SagaId};

use self::kin::Kin;
use self::timing::Timing;
use self::undoing::Undoing;
use self::way::Way;
use super::super::clauses;
use super::super::sagas::Shop;
use super::Objection;
use super::live::ends_hope;

/// One saga in the log.
#[derive(Debug)]
pub(super) struct History {
    definition: &'static Definition,
    order: u64,
    parent: Option<SagaId>,
    hopes: bool,
    triggered: bool,
    number: u32,
    is_queued: bool,
    /// Somebody wanted it undone.
    cancelled: bool,
    failed: bool,
    past_pivot: bool,
    /// An operator decided what is not known.
    skipped: bool,
    /// An operator has it undone no more.
    given_up: bool,
    ended: Option<End>,
    way: Way,
    undoing: Undoing,
    kin: Kin,
    timing: Timing,
    /// Events that came before their steps.
    kept: BTreeSet<At>,
    /// The last attempt of each exchange.
    sent: BTreeMap<At, u32>,
    asked: BTreeSet<At>,
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
        let definition = record.definition.ok_or((3, "it has no definition".to_owned()))?;
        let order = input["order"].as_u64().unwrap_or_default();
        Ok(Self {
            definition,
            order,
            parent: match by {
                StartedBy::Parent { saga, .. } => Some(*saga),
                StartedBy::Call | StartedBy::Trigger(_) => None,
            },
            hopes: clauses::awaits_approval(definition.name),
            triggered: matches!(by, StartedBy::Trigger(_)),
            number: 0,
            is_queued: false,
            cancelled: false,
            failed: false,
            past_pivot: false,
            skipped: false,
            given_up: false,
            ended: None,
            way: Way::new(definition, order),
            undoing: Undoing::default(),
            kin: Kin::default(),
            timing: Timing::new(definition, record.time),
            kept: BTreeSet::new(),
            sent: BTreeMap::new(),
            asked: BTreeSet::new(),
            barred: BTreeSet::new(),
        })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn name(&self) -> &'static str {
        self.definition.name
    }

    pub(super) fn order(&self) -> u64 {
        self.order
    }

    pub(super) fn parent(&self) -> Option<SagaId> {
        self.parent
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

    /// Whether it holds its keys.
    pub(super) fn holds_keys(&self) -> bool {
        !self.is_queued && !self.is_ended()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether it is undone, or will be unless it turns out that there is no way back.
    pub(super) fn turns_back(&self) -> bool {
        self.failed || self.cancelled || self.undoing.is_settling()
    }

    /// Whether it goes to its good end, whatever is asked of it.
    pub(super) fn must_complete(&self) -> bool {
        self.past_pivot || (!self.failed && self.way.is_over())
    }

    /// Whether nothing that took effect and can be undone may stand.
    pub(super) fn is_undone(&self) -> bool {
        self.ended == Some(End::Compensated) && !self.skipped
    }

    /// Whether all that it went on without is settled, and undone if that took effect.
    pub(super) fn has_tidied_up(&self) -> bool {
        self.ended == Some(End::Completed) && !self.skipped
    }

    /// Whether it went on without the answer of this exchange.
    pub(super) fn went_on_without(&self, at: At) -> bool {
        self.undoing.went_on_without(at)
    }

    /// The exchanges that must have taken effect, as the saga has completed.
    pub(super) fn completed_steps(&self) -> impl Iterator<Item = At> {
        let completed = self.ended == Some(End::Completed);
        self.way.said_done().filter(move |_| completed)
    }

    pub(super) fn can_undo(&self, at: At) -> bool {
        self.definition.steps[usize::from(at.step)].compensation.exchange().is_some()
    }

    pub(super) fn is_barred(&self, at: At) -> bool {
        self.barred.contains(&at)
    }

    pub(super) fn has_sent(&self, at: At, attempt: u32) -> bool {
        self.sent.get(&at).is_some_and(|sent| *sent >= attempt)
    }

    pub(super) fn has_asked(&self, at: At) -> bool {
        self.asked.contains(&at)
    }

    /// Whether an approval of its order makes a difference to it.
    pub(super) fn hopes(&self) -> bool {
        self.hopes
    }

    /// Whether it ran this saga.
    pub(super) fn has_run(&self, child: SagaId) -> bool {
        self.kin.knows(child)
    }

    /// The sagas that it ran; none of one that an operator gave up.
    pub(super) fn children(&self) -> impl Iterator<Item = SagaId> {
        self.kin.all().filter(|_| !self.given_up)
    }

    /// Whether it is complete, and can still be unwound.
    pub(super) fn is_kept(&self) -> bool {
        self.kin.is_kept()
    }

    /// A saga that it ran can be unwound.
    pub(super) fn can_unwind(&mut self, child: SagaId) {
        self.kin.can_unwind(child);
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
        self.hopes &= !ends_hope(record);
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
        self.timing.happened(&record.happened, record.time, self.past_pivot)?;
        match &record.happened {
            Happened::Started { .. } if record.number > 1 => return objection(3, "it started twice"),
            Happened::Admitted if !std::mem::take(&mut self.is_queued) => return objection(3, "it did not wait"),
            Happened::Answered { at, answer: Answer::Handled(_), .. } | Happened::Fate { at, fate: Fate::Done(_) } => {
                self.way.was_said_done(*at);
            }
            Happened::Fate { at, fate: Fate::Never } => drop(self.barred.insert(*at)),
            Happened::Cancelled { .. } => self.cancelled = true,
            Happened::Operator { action, .. } => {
                self.skipped |= *action == Operator::Skip;
                self.given_up |= *action == Operator::End;
            }
            Happened::TimedOut { at, .. } if self.kept.contains(at) => {
                return objection(11, format!("{at:?} timed out, and its event had come"));
            }
            Happened::ChildEnded { child, .. } => self.kin.ended(*child)?,
            Happened::Parked { reason } => return objection(15, format!("it was parked: {reason}")),
            _ => {}
        }
        Ok(())
    }

    fn change(&mut self, record: &Record<Shop>, change: &Change<Shop>) -> Result<(), Objection> {
        self.timing.changed(change, record.time);
        match change {
            Change::Queued { .. } => self.is_queued = true,
            Change::Sent { at, attempt, command, .. } => self.sends(*at, *attempt, command.is_some())?,
            Change::Sleeping { at, .. } => self.way.begin(*at, self.failed)?,
            Change::Ran { at, child, .. } => {
                if !self.way.has_begun(*at) {
                    self.way.begin(*at, self.failed)?;
                }
                self.kin.runs(*at, *child)?;
            }
            Change::Unwinding { at, child } => {
                self.begins_to_undo(*at)?;
                self.kin.unwinds(*child)?;
            }
            Change::Kept { at } => drop(self.kept.insert(*at)),
            Change::Asked { at, .. } => {
                self.asked.insert(*at);
                self.undoing.settles(*at, self.way.has_ended(*at));
            }
            Change::Done { at } | Change::Abandoned { at } => self.done(*at)?,
            Change::DoneLate { at } => {
                let goes_on = !self.failed && !self.undoing.settles_any(|at| self.is_pivot(at));
                self.undoing.done_late(*at, goes_on, self.can_undo(*at));
            }
            Change::Undone { at } => self.undoing.settled_never(*at),
            Change::Skipped { at } => {
                self.way.skipped(*at);
                self.undoing.skipped(*at);
            }
            Change::Failed(_) if self.failed => return objection(3, "it failed twice"),
            Change::Failed(_) if self.past_pivot => return objection(10, "it failed, and there was no way back"),
            Change::Failed(_) => self.failed = true,
            Change::Complete { .. } => {
                self.kin.completes();
                self.has_completed()?;
            }
            Change::Ended(outcome) => self.end(outcome)?,
            Change::Assumed { at } => return objection(9, format!("{at:?} was assumed, and nothing here is harmless")),
            Change::Stuck { reason } if reason.contains("panicked") => return objection(20, reason.clone()),
            Change::Waiting { .. } | Change::Withdrawn { .. } | Change::Stuck { .. } | Change::Unstuck => {}
        }
        Ok(())
    }

    fn sends(&mut self, at: At, attempt: u32, is_first: bool) -> Result<(), Objection> {
        if self.sent.get(&at).is_some_and(|before| is_first || *before >= attempt) {
            return objection(3, format!("attempt {attempt} of {at:?} was sent before"));
        }
        self.sent.insert(at, attempt);
        match at.mode {
            _ if !is_first => Ok(()),
            Mode::Forward if self.kept.contains(&at) => {
                objection(11, format!("{at:?} was sent, and its event had come"))
            }
            Mode::Forward => self.way.begin(at, self.failed),
            Mode::Compensation => self.begins_to_undo(at),
            Mode::Finally => {
                self.may_finish()?;
                self.way.begin_at_last(at)
            }
        }
    }

    fn begins_to_undo(&mut self, at: At) -> Result<(), Objection> {
        if self.kin.runs_one() && !self.undoing.is_beside(at) {
            return objection(10, format!("{at:?} is undone before a saga that it ran has ended"));
        }
        self.undoing.begin(at, self.failed)
    }

    fn done(&mut self, at: At) -> Result<(), Objection> {
        self.kept.remove(&at);
        if at.mode == Mode::Compensation {
            return self.undoing.ended(at);
        }
        self.way.done(at, self.failed)?;
        self.undoing.settled_done(at);
        let step = &self.definition.steps[usize::from(at.step)];
        let undoes = match step.compensation {
            Compensation::Exchange(_) => self.way.is_said_done(at),
            Compensation::Unwind => self.kin.can_be_unwound(at),
            _ => false,
        };
        if undoes {
            self.undoing.took_effect(at);
        }
        if self.is_pivot(at) {
            self.past_pivot = true;
            self.undoing.goes_on();
        }
        Ok(())
    }

    fn is_pivot(&self, at: At) -> bool {
        self.definition.steps[usize::from(at.step)].kind == StepKind::Pivot
    }

    /// Whether nothing is left but what is done on every way out.
    fn may_finish(&self) -> Result<(), Objection> {
        if self.given_up {
            return Ok(());
        }
        self.undoing.may_finish(self.failed)?;
        if self.failed || self.way.is_over() { Ok(()) } else { objection(3, "it ends, and not all steps are done") }
    }

    fn has_completed(&self) -> Result<(), Objection> {
        if self.failed || !self.way.is_over() {
            return objection(3, "it completed, and not all steps are done");
        }
        self.may_finish()
    }

    fn end(&mut self, outcome: &Outcome<String>) -> Result<(), Objection> {
        let end = match outcome {
            Outcome::Completed(_) => End::Completed,
            Outcome::Compensated(_) => End::Compensated,
            Outcome::Ended(_) => End::ByOperator,
        };
        self.ended = Some(end);
        match end {
            End::Completed => self.has_completed()?,
            End::Compensated if !self.failed => return objection(3, "it was undone, and had not failed"),
            End::Compensated => self.may_finish()?,
            End::ByOperator if self.given_up => return Ok(()),
            End::ByOperator => return objection(19, "it was ended by an operator, of whom there is no record"),
        }
        if self.skipped { Ok(()) } else { self.way.has_finished() }
    }
}
