//! The pivot: when it takes effect there is no way back, and until that is known the saga goes neither way.

use std::time::Duration;

use super::super::control::{Open, Phase, Point};
use super::super::record::Change;
use super::Turn;
use crate::definition::StepKind;
use crate::message::{At, Bus, Mode};
use crate::planted::{self, Bug};
use crate::saga::RetryPlan;

/// The attempts behind the pivot, without end.
const ENDURING_RETRY: RetryPlan =
    RetryPlan { times: u32::MAX, every: Duration::from_millis(100), at_most: Duration::from_secs(30) };

/// After so many attempts an operator is told.
const SHOWN_AFTER: u32 = 10;

impl<B: Bus> Turn<'_, B> {
    pub(super) fn is_pivot(&self, at: At) -> bool {
        at.mode == Mode::Forward && self.step(at).kind == StepKind::Pivot
    }

    /// Whether the exchange is tried until it is handled: behind the pivot.
    pub(super) fn endures(&self, at: At) -> bool {
        at.mode == Mode::Forward && self.control.past_pivot
    }

    /// Whether the exchange goes on by itself after a failure.
    pub(super) fn perseveres(&self, at: At) -> bool {
        at.mode.perseveres() || self.endures(at)
    }

    /// The attempts behind the pivot: as far apart as the author says, and without end.
    pub(super) fn enduring(plan: Option<RetryPlan>) -> RetryPlan {
        plan.map_or(ENDURING_RETRY, |plan| RetryPlan { times: u32::MAX, ..plan })
    }

    /// These steps have ended, and the saga goes on behind them. If one was the pivot there is no way back, whatever ended
    /// it: what comes behind it cannot be undone.
    pub(super) fn leave_pivot(&mut self, steps: &[u16]) {
        if !self.control.past_pivot && steps.iter().any(|step| self.is_pivot(At::step(*step))) {
            self.pass_pivot();
        }
    }

    /// There is no way back from here.
    pub(super) fn pass_pivot(&mut self) {
        let control = &mut *self.control;
        control.past_pivot = !planted::is(Bug::ForgetPivot);
        control.deadline = control.deadline.filter(|_| planted::is(Bug::KeepDeadline));
        self.forget_kept();
    }

    /// The pivot turned out to have taken effect: whatever was to be undone, the saga goes on.
    pub(super) fn go_on_behind_pivot(&mut self) {
        let control = &mut *self.control;
        control.phase = Phase::Forward;
        control.rare.cause = None;
        self.pass_pivot();
        let left_behind = self.leave_behind();
        self.advance();
        for at in left_behind {
            self.open_undo_of_aside(at);
        }
    }

    /// The pivot turned out to have done nothing: the saga is undone, for the reason that it had.
    pub(super) fn go_back_before_pivot(&mut self) {
        let cause = self.control.rare.cause.as_deref().cloned();
        self.changes.extend(cause.map(Change::Failed));
    }

    /// After many attempts this is shown, and goes on.
    pub(super) fn show_endurance(&mut self, at: At, why: &str) {
        let attempts = self.open_ref(at).map_or(0, |open: &Open| open.attempt - open.attempts_before);
        if attempts >= SHOWN_AFTER && !self.control.is_stuck_at(Point::Enduring(at)) {
            let reason = format!("{} has failed {attempts} times, and is tried again: {why}", self.command(at).name);
            self.stick(Point::Enduring(at), reason);
        }
    }
}
