//! Getting stuck and going on; several exchanges may be stuck at one time.

use super::super::control::{Point, Stuck, Waits};
use super::super::kind::Panicked;
use super::super::record::Change;
use super::Turn;
use crate::message::{At, Bus};

impl<B: Bus> Turn<'_, B> {
    /// The saga does not go on here. What waits for an operator is shown before what is only late.
    pub(super) fn stick(&mut self, point: Point, reason: String) {
        if let Point::Opening(at) | Point::Answer(at) | Point::Fate { at, .. } = point {
            self.wait_for_operator(at, point);
        }
        self.changes.push(Change::Stuck { reason: reason.clone() });
        let control = &mut *self.control;
        control.also_stuck.retain(|stuck| stuck.point != point);
        let stuck = Stuck { reason, point };
        match &mut control.stuck {
            Some(shown) if shown.point == point => **shown = stuck,
            Some(shown) if shown.point.unsticks_by_itself() && !point.unsticks_by_itself() => {
                let late = std::mem::replace(&mut **shown, stuck);
                control.also_stuck.push(late);
            }
            Some(_) => control.also_stuck.push(stuck),
            None => control.stuck = Some(Box::new(stuck)),
        }
    }

    /// The exchange waits for an operator; one whose participant is only late goes on waiting for that.
    fn wait_for_operator(&mut self, at: At, point: Point) {
        let now = self.now;
        if point.unsticks_by_itself() {
            return;
        }
        if let Some(open) = self.open_mut(at) {
            open.due = None;
            open.waits = Waits::Operator { unanswered: false };
            open.since = now;
        }
    }

    pub(super) fn stick_panicked(&mut self, point: Point, panicked: &Panicked) {
        self.stick(point, panicked.to_string());
    }

    /// Whatever was stuck no longer is; gives what that was.
    pub(super) fn unstick(&mut self) -> Vec<Point> {
        let control = &mut *self.control;
        let Some(shown) = control.stuck.take() else { return Vec::new() };
        let also = std::mem::take(&mut control.also_stuck);
        self.changes.push(Change::Unstuck);
        std::iter::once(*shown).chain(also).map(|stuck| stuck.point).collect()
    }

    /// What was stuck here no longer is; the rest of what is stuck is shown.
    pub(super) fn unstick_at(&mut self, here: impl Fn(Point) -> bool) {
        let control = &mut *self.control;
        control.also_stuck.retain(|stuck| !here(stuck.point));
        if !control.stuck.as_ref().is_some_and(|stuck| here(stuck.point)) {
            return;
        }
        control.stuck = None;
        let halted = control.also_stuck.iter().position(|stuck| !stuck.point.unsticks_by_itself());
        let next = halted.unwrap_or(0);
        let next = (next < control.also_stuck.len()).then(|| control.also_stuck.remove(next));
        let reason = next.as_ref().map(|stuck| stuck.reason.clone());
        control.stuck = next.map(Box::new);
        self.changes.push(Change::Unstuck);
        self.changes.extend(reason.map(|reason| Change::Stuck { reason }));
    }
}
