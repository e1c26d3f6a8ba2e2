//! `sleep`: time that passes, and nothing else. Nobody is asked, nothing is in doubt.

use std::time::Duration;

use super::super::control::{Point, Waits};
use super::super::record::Change;
use super::Turn;
use crate::cause::{Cause, CauseKind};
use crate::message::{At, Bus};
use crate::planted::{self, Bug};
use crate::saga::{Heard, Verdict};

impl<B: Bus> Turn<'_, B> {
    /// Begins to let so much time pass.
    pub(super) fn fall_asleep(&mut self, at: At, duration: Duration) {
        let (now, until) = (self.now, self.now.after(duration));
        if let Some(open) = self.open_mut(at) {
            open.attempt += 1;
            open.waits = Waits::Asleep;
            open.due = Some(if planted::is(Bug::WakeEarly) { now } else { until });
        }
        self.changes.push(Change::Sleeping { at, until });
    }

    /// The time has passed.
    pub(in super::super) fn slept(&mut self, at: At) {
        self.unstick_at(|point| point == Point::Answer(at));
        match self.body.answer(at, self.control.rare.cause.as_deref(), Heard::Handled) {
            Err(panicked) => self.stick_panicked(Point::Answer(at), &panicked),
            Ok(Verdict::Fail(message)) => {
                self.control.close(at);
                self.fail(Cause::new(self.step(at).name, CauseKind::Failed, message));
            }
            Ok(Verdict::Done | Verdict::NoArm | Verdict::Retry) => self.took_effect(at),
        }
    }
}
