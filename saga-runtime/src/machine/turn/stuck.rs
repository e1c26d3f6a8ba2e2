//! Getting stuck and going on; several exchanges may be stuck at one time.

use super::super::control::{Point, Stuck, Waits};
use super::super::kind::Panicked;
use super::super::record::Change;
use super::Turn;
use crate::message::{At, Bus};

impl<B: Bus> Turn<'_, B> {
    /// The saga does not go on here. What waits for an operator is shown before what is only late.
    pub(super) fn stick(&mut self, point: Point, reason: String) {
        if let Point::Opening(at) | Point::Answer(at) | Point::Fate { at, .. } | Point::Outcome(at) = point {
            self.wait_for_operator(at, point);
        }
        self.changes.push(Change::Stuck { reason: reason.clone() });
        let rare = &mut *self.control.rare;
        rare.also_stuck.retain(|stuck| stuck.point != point);
        let stuck = Stuck { reason, point };
        match &mut rare.stuck {
            Some(shown) if shown.point == point => **shown = stuck,
            Some(shown) if shown.point.unsticks_by_itself() && !point.unsticks_by_itself() => {
                let late = std::mem::replace(&mut **shown, stuck);
                rare.also_stuck.push(late);
            }
            Some(_) => rare.also_stuck.push(stuck),
            None => rare.stuck = Some(Box::new(stuck)),
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
        if self.control.rare.stuck.is_none() {
            return Vec::new();
        }
        let rare = &mut *self.control.rare;
        let (shown, also) = (rare.stuck.take(), std::mem::take(&mut rare.also_stuck));
        self.changes.push(Change::Unstuck);
        shown.into_iter().map(|shown| *shown).chain(also).map(|stuck| stuck.point).collect()
    }

    /// What was stuck here no longer is; the rest of what is stuck is shown.
    pub(super) fn unstick_at(&mut self, here: impl Fn(Point) -> bool) {
        if self.control.rare.stuck.is_none() {
            return;
        }
        let rare = &mut *self.control.rare;
        rare.also_stuck.retain(|stuck| !here(stuck.point));
        if !rare.stuck.as_ref().is_some_and(|stuck| here(stuck.point)) {
            return;
        }
        rare.stuck = None;
        let halted = rare.also_stuck.iter().position(|stuck| !stuck.point.unsticks_by_itself());
        let next = halted.unwrap_or(0);
        let next = (next < rare.also_stuck.len()).then(|| rare.also_stuck.remove(next));
        let reason = next.as_ref().map(|stuck| stuck.reason.clone());
        rare.stuck = next.map(Box::new);
        self.changes.push(Change::Unstuck);
        self.changes.extend(reason.map(|reason| Change::Stuck { reason }));
    }
}
