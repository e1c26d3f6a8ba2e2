//! What `#[on_restart]` says of a saga whose process was started again.

use super::super::control::{Phase, Point, Waits};
use super::Turn;
use crate::cause::{Cause, CauseKind};
use crate::definition::OnRestart;
use crate::message::Bus;

impl<B: Bus> Turn<'_, B> {
    /// Its process was started again. Whether that makes a difference.
    pub(in super::super) fn restarted(&mut self) -> bool {
        let (phase, is_stuck) = (self.phase(), self.control.rare.stuck.is_some());
        match self.definition.on_restart {
            OnRestart::Compensate if self.control.can_turn_back() => {
                let message = "its process was started again, and the saga is undone then";
                self.fail(Cause::new(self.standing_step(), CauseKind::Cancelled, message));
                true
            }
            OnRestart::Park if !matches!(phase, Phase::Queued | Phase::Kept) && !is_stuck => {
                let reason =
                    "its process was started again, and the saga waits for an operator then: retry lets it go on";
                self.stick(Point::Resting, reason.to_owned());
                true
            }
            _ => false,
        }
    }

    /// An operator lets it go on. What was said meanwhile was not heard: everything that it waits for is asked again,
    /// and a participant that did it gives the answer that it gave.
    pub(super) fn wake(&mut self) {
        self.hear_children();
        let open: Vec<_> = self.control.open.iter().map(|open| (open.at, open.waits, open.recorded_in)).collect();
        for (at, waits, recorded_in) in open {
            match waits {
                Waits::Answer if recorded_in.is_some() => {
                    if let Some(open) = self.open_mut(at) {
                        open.attempts_before = open.attempt;
                    }
                    self.attempt(at, None);
                }
                Waits::Fate { .. } => self.ask_anew(at),
                Waits::Answer
                | Waits::Backoff { .. }
                | Waits::FateAgain { .. }
                | Waits::Operator { .. }
                | Waits::Asleep
                | Waits::Child => {}
            }
        }
    }
}
