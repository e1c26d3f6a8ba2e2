//! What an operator may do with a saga that is stuck.

use super::super::control::{Phase, Point};
use super::super::record::{Change, Operator};
use super::Turn;
use crate::cause::EndedBy;
use crate::definition::Action;
use crate::message::{At, Bus, Mode};

impl<B: Bus> Turn<'_, B> {
    /// Whether the operator's word makes sense here.
    ///
    /// # Errors
    /// Why not.
    pub(in super::super) fn permits(&self, action: Operator) -> Result<(), String> {
        let Some(stuck) = &self.control.rare.stuck else {
            return Err("it is not stuck: a saga that goes on by itself can only be cancelled".to_owned());
        };
        let skippable = match stuck.point {
            Point::Opening(at) | Point::Answer(at) => at.mode != Mode::Forward,
            Point::Fate { late, .. } => !late,
            Point::Beginning | Point::Moving if self.phase() == Phase::Finishing => true,
            Point::Admitting
            | Point::Entering
            | Point::Beginning
            | Point::Moving
            | Point::Returning
            | Point::Outcome(_)
            | Point::Enduring(_)
            | Point::Resting => false,
        };
        if action == Operator::Skip && !skippable {
            return Err("only a compensation, a `finally` step or an unknown fate can be skipped: retry it, or cancel the saga to have it undone, or end it".to_owned());
        }
        Ok(())
    }

    /// Does what the operator said.
    pub(in super::super) fn operate(&mut self, action: Operator, by: EndedBy) {
        let Some(point) = self.control.rare.stuck.as_ref().map(|stuck| stuck.point) else { return };
        if action == Operator::End {
            self.withdraw_all();
            return self.end_by(by);
        }
        if action == Operator::Skip {
            self.unstick_at(|stuck| stuck == point);
            return self.skip(point);
        }
        let phase = self.phase();
        for point in self.unstick() {
            if self.phase() == phase && !self.control.is_stuck_at(point) {
                self.retry(point);
            }
        }
    }

    fn retry(&mut self, point: Point) {
        match point {
            Point::Admitting => self.admit(),
            Point::Entering => self.enter(),
            Point::Beginning => self.advance(),
            Point::Opening(at) => {
                self.open(at);
                if self.open_ref(at).is_some() {
                    self.advance();
                }
            }
            Point::Answer(at) if matches!(self.block(at).action, Action::Sleep(_)) => self.slept(at),
            Point::Answer(at) | Point::Enduring(at) => {
                if let Some(open) = self.open_mut(at) {
                    open.attempts_before = open.attempt;
                }
                self.attempt(at, None);
            }
            Point::Outcome(at) if matches!(self.block(at).action, Action::Run(_)) => self.hear_children(),
            Point::Fate { at, .. } | Point::Outcome(at) => self.ask_anew(at),
            Point::Moving if matches!(self.phase(), Phase::Forward | Phase::Finishing) => self.advance(),
            Point::Moving => self.compensate_next(),
            Point::Returning => self.complete(),
            Point::Resting => self.wake(),
        }
    }

    fn skip(&mut self, point: Point) {
        match point {
            Point::Fate { at, .. } => {
                self.withdraw(at);
                self.settled_never(at);
            }
            Point::Opening(at) | Point::Answer(at) => {
                self.withdraw(at);
                self.changes.push(Change::Skipped { at });
                self.forget_kept();
                self.go_on(at);
            }
            Point::Beginning | Point::Moving if self.phase() == Phase::Finishing => {
                self.control.starting.clear();
                self.advance();
            }
            Point::Admitting
            | Point::Entering
            | Point::Beginning
            | Point::Moving
            | Point::Returning
            | Point::Outcome(_)
            | Point::Enduring(_)
            | Point::Resting => {}
        }
    }

    /// Nobody waits for any answer any more.
    fn withdraw_all(&mut self) {
        let open: Vec<_> = self.control.open.iter().map(|open| open.at).collect();
        open.into_iter().for_each(|at| self.withdraw(at));
    }

    fn withdraw(&mut self, at: At) {
        if self.control.close(at).is_some_and(|open| open.in_doubt()) {
            self.changes.push(Change::Withdrawn { at, participant: self.command(at).to });
        }
    }
}
