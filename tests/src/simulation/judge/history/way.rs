//! The way forward, and the steps on every way out: which exchanges may begin, and which must have ended.

use std::collections::BTreeSet;

use saga_runtime::definition::{Action, Arm, ArmOutcome, AtOnce, Definition, Disposition};
use saga_runtime::message::{At, Mode};

use super::super::super::clauses;
use super::{Objection, objection};

/// How far one saga has come.
#[derive(Debug)]
pub(super) struct Way {
    definition: &'static Definition,
    order: u64,
    begun: BTreeSet<At>,
    ended: BTreeSet<At>,
    /// Of which a participant said that it did it.
    said: BTreeSet<At>,
}

impl Way {
    pub(super) fn new(definition: &'static Definition, order: u64) -> Self {
        let (begun, ended, said) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { definition, order, begun, ended, said }
    }

    pub(super) fn has_begun(&self, at: At) -> bool {
        self.begun.contains(&at)
    }

    pub(super) fn has_ended(&self, at: At) -> bool {
        self.ended.contains(&at)
    }

    pub(super) fn was_said_done(&mut self, at: At) {
        self.said.insert(at);
    }

    pub(super) fn is_said_done(&self, at: At) -> bool {
        self.said.contains(&at)
    }

    /// The exchanges with an effect that ended because a participant said that it did it.
    pub(super) fn said_done(&self) -> impl Iterator<Item = At> {
        self.ended.intersection(&self.said).copied().filter(|at| self.has_effect(*at))
    }

    fn has_effect(&self, at: At) -> bool {
        matches!(self.definition.steps[usize::from(at.step)].exchange.action, Action::Send(_))
    }

    /// An exchange of the way forward begins.
    pub(super) fn begin(&mut self, at: At, failed: bool) -> Result<(), Objection> {
        let places = self.definition.places;
        let place = places.iter().position(|place| place.steps.contains(&at.step)).unwrap_or(places.len());
        let mut before = places.iter().take(place).flat_map(|place| place.steps);
        if failed || !before.all(|step| self.is_step_over(*step, Mode::Forward)) {
            return objection(3, format!("{at:?} is out of order"));
        }
        self.opens(at)
    }

    /// An exchange of a step on every way out begins.
    pub(super) fn begin_at_last(&mut self, at: At) -> Result<(), Objection> {
        let mut before = self.definition.finally.iter().take_while(|step| **step != at.step);
        if !before.all(|step| self.is_step_over(*step, Mode::Finally)) {
            return objection(3, format!("{at:?} is out of order"));
        }
        self.opens(at)
    }

    fn opens(&mut self, at: At) -> Result<(), Objection> {
        let step = &self.definition.steps[usize::from(at.step)];
        let most = match step.each.map(|each| each.at_once) {
            Some(AtOnce::AtMost(most)) => most as usize,
            Some(AtOnce::All) | None => usize::MAX,
        };
        let open = self.begun.difference(&self.ended).filter(|other| (other.step, other.mode) == (at.step, at.mode));
        if open.count() >= most || at.item >= self.exchanges(at.step) {
            return objection(3, format!("{at:?} is one too many"));
        }
        if !self.begun.insert(at) {
            return objection(3, format!("{at:?} begins a second time"));
        }
        Ok(())
    }

    /// An exchange has ended as it was meant to.
    pub(super) fn done(&mut self, at: At, failed: bool) -> Result<(), Objection> {
        if !self.begun.contains(&at) {
            self.begin(at, failed)?;
        }
        if !self.ended.insert(at) {
            return objection(3, format!("{at:?} ended twice"));
        }
        let goes_without = self.definition.steps[usize::from(at.step)].exchange.arms.iter().any(ends_without_answer);
        if self.has_effect(at) && !goes_without && !self.said.contains(&at) {
            return objection(3, format!("{at:?} ended, and nobody said that it was done"));
        }
        Ok(())
    }

    /// An operator passed over it.
    pub(super) fn skipped(&mut self, at: At) {
        self.ended.insert(at);
    }

    /// Whether all steps of the way forward have ended.
    pub(super) fn is_over(&self) -> bool {
        let mut steps = self.definition.places.iter().flat_map(|place| place.steps);
        steps.all(|step| self.is_step_over(*step, Mode::Forward))
    }

    /// Whether what is done on every way out was.
    pub(super) fn has_finished(&self) -> Result<(), Objection> {
        let missing = self.definition.finally.iter().find(|step| !self.is_step_over(**step, Mode::Finally));
        missing.map_or(Ok(()), |step| objection(3, format!("it ended without step {step}, which is for every way out")))
    }

    fn is_step_over(&self, step: u16, mode: Mode) -> bool {
        (0..self.exchanges(step)).all(|item| self.ended.contains(&At { mode, step, item }))
    }

    fn exchanges(&self, step: u16) -> u32 {
        clauses::exchanges(self.definition.name, self.definition.steps[usize::from(step)].name, self.order)
    }
}

/// Whether an arm gives a value without the participant's word.
fn ends_without_answer(arm: &Arm) -> bool {
    let gives = matches!(arm.disposition, Disposition::Value(_));
    gives && (!arm.correlations.is_empty() || matches!(arm.outcome, ArmOutcome::Timeout | ArmOutcome::Disconnected))
}
