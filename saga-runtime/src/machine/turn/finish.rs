//! The way out: what is done however the saga ends, and its end.

use super::super::control::{Phase, Point, Starting};
use super::super::record::Change;
use super::Turn;
use crate::cause::{Cause, CauseKind, EndedBy, Outcome};
use crate::message::Bus;
use crate::planted::{self, Bug};
use crate::saga::Position;

impl<B: Bus> Turn<'_, B> {
    /// Nothing is left but what is done on every way out.
    pub(super) fn finish(&mut self) {
        if self.control.finished || planted::is(Bug::SkipFinally) {
            return self.end();
        }
        let finally = !self.definition.finally.is_empty();
        if finally && self.control.rare.output.is_some() && self.may_be_unwound() {
            self.body.set_aside();
        }
        self.control.phase = Phase::Finishing;
        self.advance_to_the_end();
    }

    /// Goes on when the step on the way out at which the saga is has ended.
    pub(super) fn advance_to_the_end(&mut self) {
        let next = match self.body.position() {
            Position::Finally(_) if self.is_beginning() || !self.control.open.is_empty() => return,
            Position::Finally(index) => index + 1,
            Position::Forward(_) | Position::Compensating(_) if self.has_asides() => return,
            Position::Forward(_) | Position::Compensating(_) => 0,
        };
        let Some(&step) = self.definition.finally.get(usize::from(next)) else { return self.end() };
        match self.body.finish(next) {
            Ok(()) => {
                self.control.starting = vec![Starting { step, next: 0, count: None }];
                self.advance();
            }
            Err(panicked) => self.stick_panicked(Point::Moving, &panicked),
        }
    }

    /// An operator ends it: nothing more is undone.
    pub(super) fn end_by(&mut self, by: EndedBy) {
        let at_finally = matches!(self.body.position(), Position::Finally(_));
        let finishes = !at_finally && !self.definition.finally.is_empty();
        if finishes {
            self.unstick();
        }
        let control = &mut *self.control;
        control.starting.clear();
        control.effects.clear();
        control.rare.asides.clear();
        control.rare.ended_by = Some(Box::new(by));
        if finishes { self.finish() } else { self.end() }
    }

    fn end(&mut self) {
        if self.control.rare.ended_by.is_none()
            && let Some(output) = self.control.rare.output.clone()
            && self.may_be_unwound()
        {
            let control = &mut *self.control;
            (control.phase, control.finished) = (Phase::Kept, !planted::is(Bug::FinishTwice));
            return self.changes.push(Change::Complete { output });
        }
        let control = &mut *self.control;
        let (by, output) = (control.rare.ended_by.take(), control.rare.output.take());
        let outcome = match (by, output) {
            (Some(by), _) => Outcome::Ended(*by),
            (None, Some(output)) => Outcome::Completed(output),
            (None, None) => Outcome::Compensated(self.cause()),
        };
        self.changes.push(Change::Ended(outcome));
    }

    fn cause(&self) -> Cause {
        let unknown = || Cause::new("", CauseKind::Failed, "the saga failed");
        self.control.rare.cause.as_deref().cloned().unwrap_or_else(unknown)
    }
}
