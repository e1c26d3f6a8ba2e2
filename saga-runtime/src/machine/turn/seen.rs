//! Events of anyone, which arms with `where` take: at once, or when their step begins.

use super::super::control::{Kept, Point};
use super::super::record::Change;
use super::Turn;
use super::ahead::ahead;
use super::exchange::Failure;
use crate::cause::{Cause, CauseKind};
use crate::codec;
use crate::message::{At, Bus, EventOf};
use crate::planted::{self, Bug};
use crate::saga::{Heard, Verdict};

impl<B: Bus> Turn<'_, B> {
    /// Somebody said an event that an arm of this exchange takes, which is open or still to come.
    pub(in super::super) fn seen(&mut self, at: At, event: &EventOf<B>) {
        if self.open_ref(at).is_some() {
            return self.ended_by(at, event);
        }
        match codec::encode(event) {
            Ok(event) => {
                if !planted::is(Bug::LoseEarlyEvents) {
                    self.control.rare.kept.push(Kept { at, event });
                }
                self.changes.push(Change::Kept { at });
            }
            Err(error) => self.stick(Point::Opening(at), format!("an event that it awaits cannot be kept: {error}")),
        }
    }

    /// Whether what this exchange awaits can be told; else it is stuck.
    pub(super) fn is_armed(&mut self, at: At) -> bool {
        let arms = self.block(at).arms.iter().zip(0..).filter(|(arm, _)| !arm.correlations.is_empty());
        for (_, arm) in arms {
            if let Err(panicked) = self.body.awaited(at, arm, self.control.rare.cause.as_deref()) {
                self.stick_panicked(Point::Opening(at), &panicked);
                return false;
            }
        }
        true
    }

    /// An exchange that has just been opened hears what was kept for it. Whether it goes on.
    pub(super) fn hears_what_was_kept(&mut self, at: At) -> bool {
        let position = self.control.rare.kept.iter().position(|kept| kept.at == at);
        let Some(position) = position else { return true };
        match codec::decode::<EventOf<B>>(&self.control.rare.kept.remove(position).event) {
            Ok(event) => self.ended_by(at, &event),
            Err(error) => {
                self.stick(Point::Answer(at), format!("the event that was kept for it does not read back: {error}"));
            }
        }
        self.open_ref(at).is_some_and(|open| open.attempt == 0) && !self.control.is_stuck_at(Point::Answer(at))
    }

    /// What was kept for exchanges that will not come any more is not wanted.
    pub(super) fn forget_kept(&mut self) {
        if self.control.rare.kept.is_empty() {
            return;
        }
        let mut kept = std::mem::take(&mut self.control.rare.kept);
        let position = self.body.position();
        kept.retain(|Kept { at, .. }| ahead(self.definition, self.control, position, at.step, at.mode).contains(at));
        self.control.rare.kept = kept;
    }

    /// The arms of an open exchange are asked about an event of anyone.
    fn ended_by(&mut self, at: At, event: &EventOf<B>) {
        match self.ask_without_answer(at, Heard::Seen(event)) {
            Err(panicked) => self.stick_panicked(Point::Answer(at), &panicked),
            Ok(Verdict::NoArm) => {}
            Ok(Verdict::Done) => self.ended_without_answer(at),
            Ok(Verdict::Fail(message)) if at.mode.perseveres() => self.stick(Point::Answer(at), message),
            Ok(Verdict::Fail(message)) => {
                if self.open_ref(at).is_some_and(|open| !open.in_doubt()) {
                    self.control.close(at);
                }
                self.fail(Cause::new(self.step(at).name, CauseKind::Failed, message));
            }
            Ok(Verdict::Retry) if self.open_ref(at).is_some_and(|open| open.attempt == 0) => {}
            Ok(Verdict::Retry) => {
                let failure = Failure::new(CauseKind::Failed, "no event was what the saga waits for".to_owned());
                self.again(at, failure);
            }
        }
    }

    /// The command of an exchange that only an event of anyone ends was handled: it has taken effect, and the exchange
    /// goes on waiting.
    pub(super) fn handled_meanwhile(&mut self, at: At) {
        if let Some(open) = self.open_mut(at) {
            open.handled = true;
        }
    }

    /// Whether no answer ends this exchange, but only an event of anyone.
    pub(super) fn awaits_only_others(&self, at: At) -> bool {
        let mut events = self.block(at).arms.iter().filter(|arm| arm.takes_event()).peekable();
        events.peek().is_some() && events.all(|arm| !arm.correlations.is_empty())
    }
}
