//! One transition of one saga: what it hears, and everything that follows at once.
//!
//! The rules of the language stand here and in the submodules, by what they are about: [`exchange`] (attempts and
//! answers), [`pivot`], [`undo`] (doubt and compensation), [`finish`] (the way out), [`operator`] (what is stuck).

mod ahead;
mod aside;
mod begin;
mod child;
mod exchange;
mod finish;
mod operator;
mod pivot;
mod restart;
mod seen;
mod sleep;
mod stuck;
mod undo;

pub(super) use self::ahead::ahead;
pub(super) use self::child::Wish;

use super::control::{Control, Open, Phase, Point};
use super::kind::{Body, Panicked};
use super::presence::Presence;
use super::record::Change;
use crate::cause::{Cause, CauseKind};
use crate::definition::{Definition, Exchange, Step};
use crate::message::{At, Bus, CommandInfo, Mode, SagaId};
use crate::saga::Position;
use crate::time::Timestamp;

/// One saga while it moves.
pub(super) struct Turn<'a, B: Bus> {
    pub(super) definition: &'static Definition,
    pub(super) control: &'a mut Control,
    pub(super) body: &'a mut dyn Body<B>,
    pub(super) saga: SagaId,
    pub(super) now: Timestamp,
    pub(super) presence: &'a Presence,
    pub(super) seed: u64,
    /// The id of the next saga that is started.
    pub(super) next: &'a mut SagaId,
    /// What is to be done to other sagas, once this transition is recorded.
    pub(super) wishes: Vec<Wish<B>>,
    /// What has followed so far.
    pub(super) changes: Vec<Change<B>>,
}

impl<B: Bus> Turn<'_, B> {
    fn open_ref(&self, at: At) -> Option<&Open> {
        self.control.open.iter().find(|open| open.at == at)
    }

    fn open_mut(&mut self, at: At) -> Option<&mut Open> {
        self.control.open.iter_mut().find(|open| open.at == at)
    }

    fn step(&self, at: At) -> &'static Step {
        &self.definition.steps[usize::from(at.step)]
    }

    /// The block of the step or of its compensation.
    fn block(&self, at: At) -> &'static Exchange {
        let step = self.step(at);
        match at.mode {
            Mode::Compensation => step.compensation.exchange().expect("only what has a compensation is undone"),
            Mode::Forward | Mode::Finally => &step.exchange,
        }
    }

    fn command(&self, at: At) -> &'static CommandInfo {
        self.block(at).action.command().expect("only a command is sent")
    }

    /// The number of the record that this turn becomes.
    fn number(&self) -> u32 {
        self.control.number + 1
    }

    /// The name of the step at which the saga stands.
    fn standing_step(&self) -> &'static str {
        let definition = self.definition;
        let position = self.body.position();
        let step = self.control.standing_at().map(|open| open.at.step).or_else(|| definition.first_step(position));
        step.map_or("", |step| definition.steps[usize::from(step)].name)
    }

    /// Its keys are free: its time begins.
    pub(super) fn admit(&mut self) {
        let now = self.now;
        let control = &mut *self.control;
        control.phase = Phase::Forward;
        match control.allowed.as_deref() {
            Some(Err(message)) => {
                let panicked = Panicked(message.clone());
                self.stick_panicked(Point::Admitting, &panicked);
            }
            Some(Ok(allowed)) => {
                control.deadline = Some(now.after(*allowed));
                control.allowed = None;
                self.enter();
            }
            None => self.enter(),
        }
    }

    /// It waits for its keys.
    pub(super) fn queue(&mut self, behind: Option<SagaId>) {
        self.changes.push(Change::Queued { behind });
    }

    /// Goes on when everything at the current place has ended.
    fn advance(&mut self) {
        if !matches!(self.phase(), Phase::Forward | Phase::Finishing) || !self.begin() {
            return;
        }
        if self.phase() == Phase::Finishing {
            return self.advance_to_the_end();
        }
        let Position::Forward(place) = self.body.position() else { return };
        let steps = self.definition.places[usize::from(place)].steps;
        if self.is_beginning() || self.control.on_its_way().any(|open| steps.contains(&open.at.step)) {
            return;
        }
        self.leave_pivot(steps);
        if usize::from(place) + 1 == self.definition.places.len() {
            return self.complete();
        }
        self.forget_kept();
        match self.body.forward() {
            Ok(()) => self.enter(),
            Err(panicked) => self.stick_panicked(Point::Moving, &panicked),
        }
    }

    fn complete(&mut self) {
        if !self.holds(self.definition.places.len(), Point::Returning) {
            return;
        }
        match self.body.output() {
            Ok(output) => {
                self.control.rare.output = Some(output);
                self.finish();
            }
            Err(reason) => self.stick(Point::Returning, reason),
        }
    }

    /// The deadline has passed.
    pub(super) fn deadline(&mut self) {
        let cause = Cause::new(self.standing_step(), CauseKind::Deadline, "the deadline passed");
        self.fail(cause);
    }

    /// It is to be undone, if it still goes forward. A saga that is being undone anyway has nothing more to do.
    pub(super) fn cancel(&mut self) {
        let cause = Cause::new(self.standing_step(), CauseKind::Cancelled, "the saga was cancelled");
        self.fail(cause);
    }

    /// Another saga takes its key.
    pub(super) fn supersede(&mut self, by: SagaId) {
        let cause = Cause::superseded(self.standing_step(), by);
        self.fail(cause);
    }

    /// The direction it goes in.
    fn phase(&self) -> Phase {
        self.control.phase
    }
}
