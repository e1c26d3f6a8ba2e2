//! `run`: a saga as a step of another one, from the side of both. What is to be done to the other saga is a [`Wish`],
//! done when this transition is recorded.

use super::super::control::{Open, Point, Ran, Waits};
use super::super::kind::Panicked;
use super::super::record::Change;
use super::Turn;
use super::exchange::Failure;
use crate::cause::{Cause, CauseKind, Outcome};
use crate::definition::Compensation;
use crate::message::{At, Bus, Mode, SagaId};
use crate::planted::{self, Bug};
use crate::saga::{Act, Child, Heard, Verdict};

/// What is to be done to another saga, in the same batch.
#[derive(Debug)]
pub(in super::super) enum Wish<B: Bus> {
    /// Starts it under this id, as this exchange.
    Start { id: SagaId, at: At, child: Child<B> },
    /// Cancels it; its end is awaited.
    Cancel(SagaId),
    /// Undoes it, though it has completed.
    Unwind(SagaId),
}

/// The side of the saga that runs another one.
impl<B: Bus> Turn<'_, B> {
    /// Makes the next attempt of a `run`: another saga, unless one still runs.
    pub(super) fn attempt_run(&mut self, at: At, child: Option<Child<B>>) {
        if self.control.child_at(at).is_some_and(|ran| ran.ended.is_some()) {
            return self.hear_children();
        }
        let now = self.now;
        let Some(open) = self.open_mut(at) else { return };
        open.attempt += 1;
        open.waits = Waits::Child;
        open.since = now;
        open.due = open.within.map(|within| now.after(within));
        if self.control.child_at(at).is_some() {
            return;
        }
        let child = match child {
            Some(child) => child,
            None => match self.body.exchange(at, self.control.rare.cause.as_deref()).map(|plan| plan.act) {
                Ok(Act::Run(child)) => child,
                Ok(_) => return,
                Err(panicked) => return self.stick_panicked(Point::Answer(at), &panicked),
            },
        };
        let id = *self.next;
        *self.next = id.next();
        self.control.rare.children.push(Ran { saga: id, at, kept: false, ended: None });
        let attempt = self.open_ref(at).map_or(1, |open| open.attempt);
        self.changes.push(Change::Ran { at, attempt, child: id, name: child.name() });
        self.wishes.push(Wish::Start { id, at, child });
    }

    /// A saga that it ran has ended; or has completed and is kept, as it may have to be unwound.
    pub(in super::super) fn child_ended(&mut self, child: SagaId, outcome: Outcome<String>, kept: bool) {
        let resting = self.control.is_resting();
        let Some(at) = self.control.rare.children.iter().find(|ran| ran.saga == child).map(|ran| ran.at) else {
            return;
        };
        // A child that a test ends by hand is kept if it may be unwound.
        let kept = kept && matches!(self.step(at).compensation, Compensation::Unwind);
        let Some(ran) = self.control.rare.children.iter_mut().find(|ran| ran.saga == child) else { return };
        if ran.kept && !kept {
            self.forget_child(child);
            if self.open_ref(at.undo()).is_some() {
                self.took_effect(at.undo());
            }
            return;
        }
        ran.kept = kept;
        if resting {
            ran.ended = Some(outcome);
        } else if self.open_ref(at).is_some() {
            self.heard(at, child, outcome);
        } else if !kept {
            self.forget_child(child);
        }
    }

    /// Takes up the ends of which nothing could be made before.
    pub(super) fn hear_children(&mut self) {
        self.hear_those(|_| true);
    }

    /// The same of the one that this exchange ran.
    pub(super) fn hear_child_of(&mut self, at: At) {
        self.hear_those(|ran| ran.at == at);
    }

    fn hear_those(&mut self, those: impl Fn(&Ran) -> bool) {
        let ended = self.control.rare.children.iter_mut().filter(|ran| those(ran));
        let ended: Vec<_> = ended.filter_map(|ran| Some((ran.at, ran.saga, ran.ended.take()?))).collect();
        for (at, child, outcome) in ended {
            if self.open_ref(at).is_some() {
                self.heard(at, child, outcome);
            }
        }
    }

    fn heard(&mut self, at: At, child: SagaId, outcome: Outcome<String>) {
        let settling = self.control.is_settling(at);
        let verdict = match &outcome {
            Outcome::Completed(output) => {
                self.body.answer(at, self.control.rare.cause.as_deref(), Heard::Completed(output))
            }
            _ if settling => Ok(Verdict::NoArm),
            failed => self.body.answer(at, self.control.rare.cause.as_deref(), Heard::Failed(&cause_of(failed))),
        };
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(panicked) => return self.make_nothing_of(at, child, outcome, &panicked),
        };
        self.unstick_at(|point| matches!(point, Point::Answer(stuck) | Point::Outcome(stuck) if stuck == at));
        let completed = matches!(outcome, Outcome::Completed(_));
        match (completed, settling) {
            (true, true) => self.took_effect_late(at),
            (false, true) => self.settled_never(at),
            (true, false) => self.child_completed(at, verdict),
            (false, false) => {
                self.forget_child(child);
                let failure = Failure::new(CauseKind::Child, cause_of(&outcome).message().to_owned());
                match verdict {
                    Verdict::NoArm if self.perseveres(at) => self.again_if_allowed(at, failure),
                    verdict => self.without_effect(at, Ok(verdict), failure),
                }
            }
        }
        if !self.control.rare.children.iter().any(|ran| ran.saga == child && ran.kept) {
            self.forget_child(child);
        }
    }

    fn child_completed(&mut self, at: At, verdict: Verdict) {
        match verdict {
            Verdict::Fail(message) if at.mode.perseveres() => self.stick(Point::Answer(at), message),
            Verdict::Fail(message) => self.fail_when_done(at, message, self.step(at).compensation.undoes()),
            Verdict::Done | Verdict::NoArm | Verdict::Retry => self.took_effect(at),
        }
    }

    /// An expression panicked on the end of a child, which is kept for when an operator has it tried again.
    fn make_nothing_of(&mut self, at: At, child: SagaId, outcome: Outcome<String>, panicked: &Panicked) {
        if let Some(ran) = self.control.rare.children.iter_mut().find(|ran| ran.saga == child) {
            ran.ended = Some(outcome);
        }
        let settling = self.control.is_settling(at);
        let point = if settling { Point::Outcome(at) } else { Point::Answer(at) };
        self.stick_panicked(point, panicked);
    }

    fn forget_child(&mut self, child: SagaId) {
        self.control.rare.children.retain(|ran| ran.saga != child);
    }

    /// The saga fails while another one runs as its step: that is cancelled, and its end decides.
    pub(super) fn await_child(&mut self, open: &Open) {
        let awaited = Open { waits: Waits::Child, since: self.now, due: None, ..open.clone() };
        self.control.open.push(awaited);
        self.cancel_child(open.at);
    }

    /// Whether the saga that this exchange runs has not ended, or nothing could be made of its end.
    pub(super) fn has_child(&self, at: At) -> bool {
        at.mode == Mode::Forward && self.control.child_at(at).is_some()
    }

    /// The saga goes on without the one that this exchange runs: that is cancelled, and its end awaited.
    pub(super) fn leave_child(&mut self, at: At) {
        let now = self.now;
        if let Some(open) = self.open_mut(at) {
            open.waits = Waits::Child;
            open.since = now;
            open.due = None;
        }
        self.cancel_child(at);
    }

    /// What this exchange runs is to be undone.
    fn cancel_child(&mut self, at: At) {
        let running = self.control.child_at(at).filter(|ran| ran.ended.is_none()).map(|ran| ran.saga);
        self.wishes.extend(running.map(Wish::Cancel));
    }

    /// Undoes the saga that this exchange ran, by its own compensations.
    pub(super) fn unwind_child(&mut self, at: At) {
        let at = at.undo();
        let child = self.control.child_at(at).filter(|_| !planted::is(Bug::LeaveChildren)).map(|ran| ran.saga);
        let Some(child) = child else { return self.compensate_next() };
        let open = Open {
            at,
            attempt: 1,
            attempts_before: 0,
            recorded_in: None,
            within: None,
            retry: None,
            waits: Waits::Child,
            offered: false,
            handled: false,
            since: self.now,
            due: None,
        };
        self.control.put(open);
        self.changes.push(Change::Unwinding { at, child });
        self.wishes.push(Wish::Unwind(child));
    }
}

/// The side of the saga that is run.
impl<B: Bus> Turn<'_, B> {
    /// Whether the saga that runs it may have to unwind it when it has completed.
    pub(super) fn may_be_unwound(&self) -> bool {
        let control = &*self.control;
        control.rare.parent.is_some_and(|parent| parent.unwinds) && !control.effects.is_empty()
    }

    /// Nobody can unwind it any more.
    pub(in super::super) fn release(&mut self) {
        let output = self.control.rare.output.take().unwrap_or_default();
        self.changes.push(Change::Ended(Outcome::Completed(output)));
    }

    /// The saga that ran it is undone.
    pub(in super::super) fn unwound(&mut self, by: SagaId) {
        let message = format!("saga {by}, which ran it, is undone");
        self.control.rare.output = None;
        self.body.take_back();
        self.fail(Cause::new(self.standing_step(), CauseKind::Cancelled, message));
    }
}

/// Why a saga that did not complete failed.
fn cause_of(outcome: &Outcome<String>) -> Cause {
    match outcome {
        Outcome::Compensated(cause) => cause.clone(),
        Outcome::Ended(by) => Cause::new("", CauseKind::Child, format!("ended by {}: {}", by.who, by.why)),
        Outcome::Completed(_) => Cause::new("", CauseKind::Child, "it completed"),
    }
}
