//! Abandoned exchanges: the saga has gone on without the answer. Meanwhile the command is settled, and undone if it took
//! effect, beside the saga; when that fails, what is not yet settled joins what it settles itself.

use super::super::control::{Open, Phase, Point, Waits};
use super::super::kind::Panicked;
use super::super::record::Change;
use super::Turn;
use crate::definition::Compensation;
use crate::message::{At, Bus, Mode};
use crate::planted::{self, Bug};
use crate::saga::{Heard, Verdict};

impl<B: Bus> Turn<'_, B> {
    /// Whether something that the saga went on without is not yet settled or undone: until then it does not end, and
    /// no step that runs on every way out begins.
    pub(super) fn has_asides(&self) -> bool {
        !self.control.rare.asides.is_empty() && !planted::is(Bug::LeaveAbandoned)
    }

    /// What the arms say to something other than an answer. Should they end an exchange that is in doubt and can be
    /// undone, or one that runs a saga, then the state from before is kept for it.
    pub(super) fn ask_without_answer(&mut self, at: At, heard: Heard<'_, B>) -> Result<Verdict, Panicked> {
        let in_doubt = self.open_ref(at).is_some_and(Open::in_doubt) && self.is_undone(at);
        if at.mode == Mode::Forward && (in_doubt || self.has_child(at)) {
            self.body.abandon(at, self.control.rare.cause.as_deref(), heard)
        } else {
            self.body.answer(at, self.control.rare.cause.as_deref(), heard)
        }
    }

    /// Whether it matters what became of this exchange when it is in doubt and the saga fails: it has an effect that is
    /// undone, or that decides whether there is a way back, or an output that is seen at last.
    pub(super) fn settles(&self, at: At) -> bool {
        let step = self.step(at);
        let is_query = step.exchange.action.command().is_none_or(|command| command.query);
        !is_query && (step.compensation.undoes() || step.seen_at_last || self.is_pivot(at))
    }

    /// Whether something undoes this exchange, should it have taken effect.
    fn is_undone(&self, at: At) -> bool {
        self.settles(at) && self.step(at).compensation.undoes()
    }

    /// Whether the saga goes on to its end, and is not being undone.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self.phase(), Phase::Forward | Phase::Finishing)
    }

    /// The exchange has ended with a value. If its command is unanswered, that is withdrawn, or settled beside the saga;
    /// a saga that it runs is cancelled, and its end awaited beside the saga.
    pub(super) fn ended_without_answer(&mut self, at: At) {
        if self.open_ref(at).is_some_and(|open| open.handled) {
            return self.took_effect(at);
        }
        let in_doubt = self.open_ref(at).is_some_and(Open::in_doubt);
        self.unstick_at(|point| point == Point::Answer(at));
        if self.body.has_aside(at) && at.mode == Mode::Forward {
            self.changes.push(Change::Abandoned { at });
            self.control.rare.asides.push(at);
            if self.has_child(at) {
                self.leave_child(at);
            } else {
                self.ask_fate_of(at);
            }
        } else {
            let is_abandoned = in_doubt && at.mode == Mode::Forward;
            self.over(at, if is_abandoned { Change::Abandoned { at } } else { Change::Done { at } });
            if in_doubt {
                self.changes.push(Change::Withdrawn { at, participant: self.command(at).to });
            }
        }
        self.go_on(at);
        if self.control.is_aside(at) {
            self.hear_child_of(at);
        }
    }

    /// What was abandoned took effect: it is undone in the state from before its step ended; false if there is none.
    pub(super) fn open_undo_of_aside(&mut self, at: At) -> bool {
        if self.step(at).compensation == Compensation::Unwind {
            self.unwind_child(at);
            return true;
        }
        let place = self.definition.places.iter().position(|place| place.steps.contains(&at.step)).unwrap_or_default();
        match self.body.back_aside(at, u16::try_from(place).unwrap_or(u16::MAX)) {
            Ok(false) => return false,
            Ok(true) => self.open(at.undo()),
            Err(panicked) => self.stick_panicked(Point::Opening(at.undo()), &panicked),
        }
        true
    }

    /// The saga goes forward after all. What it had abandoned, and meanwhile turned out to have taken effect, waited to be
    /// undone with all the rest: it is to be undone beside the saga.
    pub(super) fn leave_behind(&mut self) -> Vec<At> {
        let (body, effects) = (&self.body, &mut self.control.effects);
        let left: Vec<_> = effects.extract_if(.., |at| body.has_aside(*at)).collect();
        if !left.is_empty() {
            self.control.rare.asides.extend(&left);
        }
        left
    }

    /// Nothing more is to be done about what was abandoned.
    pub(super) fn aside_over(&mut self, at: At) {
        let at = At { mode: Mode::Forward, ..at };
        self.control.rare.asides.retain(|aside| *aside != at);
        self.body.forget_aside(at);
        match self.phase() {
            Phase::Forward | Phase::Finishing if !self.control.is_halted() => self.advance(),
            Phase::Settling => self.compensate_when_settled(),
            Phase::Queued | Phase::Forward | Phase::Finishing | Phase::Compensating | Phase::Kept => {}
        }
    }

    /// Asks what became of an open exchange.
    fn ask_fate_of(&mut self, at: At) {
        let (now, due) = (self.now, self.now.after(super::undo::FATE_OVERDUE));
        let participant = self.command(at).to;
        if let Some(open) = self.open_mut(at) {
            open.waits = Waits::Fate { running: 0 };
            open.since = now;
            open.due = Some(due);
        }
        self.changes.push(Change::Asked { at, participant });
    }
}
