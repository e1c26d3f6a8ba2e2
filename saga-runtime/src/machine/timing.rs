//! What happens by itself when its time has come.

use super::control::{Due, Waits};
use super::record::Happened;
use super::{Decision, Machine, Route};
use crate::message::{Bus, SagaId};
use crate::time::Timestamp;

impl<B: Bus> Machine<B> {
    pub(super) fn tick(&mut self, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        if self.presence.patience().is_some_and(|until| until <= now) {
            self.presence.lose_patience();
            self.release_held(now);
            for participant in self.participants() {
                if self.presence.is_away(participant) {
                    self.absent(participant, now, decisions);
                }
            }
        }
        while let Some(saga) = self.timers.pop_due(now) {
            self.fire(saga, now, decisions);
        }
    }

    /// What is due by itself for a saga whose entry came up.
    pub(super) fn fire(&mut self, saga: SagaId, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        control.timer = Timestamp::NEVER;
        let passed_before = self.passed_before();
        while let Some(route) = self.routes.get(&saga) {
            let control = self.kinds[usize::from(route.kind)].control(route.slot);
            let Some(due) = control.due(now, passed_before) else { return self.schedule(saga) };
            self.fire_one(saga, due, now, decisions);
        }
    }

    pub(super) fn fire_one(&mut self, saga: SagaId, due: Due, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let at = match due {
            Due::Deadline => return self.turn(saga, Happened::Deadline, now, decisions, |turn| turn.deadline()),
            Due::Exchange(at) => at,
        };
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control(slot);
        let Some(open) = control.open.iter().find(|open| open.at == at) else { return };
        let attempt = open.attempt;
        match open.waits {
            Waits::Answer | Waits::Child => {
                self.turn(saga, Happened::TimedOut { at, attempt }, now, decisions, |turn| turn.timeout(at));
            }
            Waits::Asleep => {
                self.turn(saga, Happened::Waited { at }, now, decisions, |turn| turn.slept(at));
            }
            Waits::Backoff { .. } => {
                self.turn(saga, Happened::Waited { at }, now, decisions, |turn| turn.attempt(at, None));
            }
            Waits::FateAgain { .. } => {
                self.turn(saga, Happened::Waited { at }, now, decisions, |turn| turn.fate_due(at));
            }
            Waits::Fate { .. } | Waits::Operator { .. } => {
                self.turn(saga, Happened::FateOverdue { at }, now, decisions, |turn| turn.fate_due(at));
            }
        }
    }

    /// Sees to it that an entry comes up when something is due. What passed while nobody ran may have to wait.
    pub(super) fn schedule(&mut self, saga: SagaId) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let passed_before = self.passed_before();
        let control = self.kinds[usize::from(kind)].control(slot);
        if let Some(grace) = self.grace.as_mut().filter(|_| control.holds(passed_before)) {
            grace.held.insert(saga);
        }
        self.schedule_at(saga, control.next_due_unless(passed_before));
    }

    /// What was due before this time waits for answers that are already there.
    fn passed_before(&self) -> Timestamp {
        self.grace.as_ref().map_or(Timestamp::EPOCH, |grace| grace.since)
    }

    /// Sees to it that an entry comes up at this time, or before.
    pub(super) fn schedule_at(&mut self, saga: SagaId, time: Timestamp) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        if time < control.timer {
            control.timer = time;
            self.timers.push(time, saga);
        }
    }

    /// Drops entries of sagas that ended or moved on.
    pub(super) fn tidy_timers(&mut self) {
        let (routes, kinds) = (&self.routes, &self.kinds);
        self.timers.tidy(routes.len(), |time, saga| {
            let route = routes.get(&saga);
            route.is_some_and(|route| kinds[usize::from(route.kind)].control(route.slot).timer == time)
        });
    }
}
