//! Participants come and go. What is here looks at all sagas in flight; it is rare.

use super::control::Waits;
use super::record::Happened;
use super::{Decision, Machine, participant_of};
use crate::message::{Bus, ExchangeKey};
use crate::time::Timestamp;

impl<B: Bus> Machine<B> {
    pub(super) fn connected(&mut self, participant: &'static str, resumed: bool, decisions: &mut Vec<Decision<B>>) {
        self.presence.connected(participant);
        if resumed {
            return;
        }
        for (saga, route) in self.in_order() {
            let kind = self.kinds[usize::from(route.kind)].as_ref();
            for open in &kind.control(route.slot).open {
                if participant_of(kind.definition(), open.at) != Some(participant) {
                    continue;
                }
                let key = ExchangeKey { log: self.log, saga, at: open.at };
                match (open.waits, open.recorded_in) {
                    _ if kind.control(route.slot).is_resting() || open.handled => {}
                    (Waits::Answer, Some(recorded_in)) => {
                        let (definition, attempt) = (kind.definition(), open.attempt);
                        decisions.push(Decision::Deliver { participant, key, definition, attempt, recorded_in });
                    }
                    (Waits::Fate { .. }, _) => decisions.push(Decision::Ask { participant, key }),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn caught_up(&mut self, participant: &'static str, now: Timestamp) {
        self.presence.caught_up(participant);
        if self.grace.is_some() && self.presence.all_caught_up(self.participants().into_iter()) {
            self.release_held(now);
        }
    }

    /// Lets the timers that had passed at the start fire.
    pub(super) fn release_held(&mut self, now: Timestamp) {
        if let Some(grace) = self.grace.take() {
            grace.held.into_iter().for_each(|saga| self.schedule_at(saga, now));
        }
    }

    /// Tells all exchanges that heed it that their participant is away.
    pub(super) fn absent(&mut self, participant: &str, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        for (saga, route) in self.in_order() {
            let kind = self.kinds[usize::from(route.kind)].as_ref();
            let control = kind.control(route.slot);
            let waiting = control.open.iter().filter(|open| !control.is_resting() && !open.handled).filter(|open| {
                open.waits == Waits::Answer && participant_of(kind.definition(), open.at) == Some(participant)
            });
            let waiting: Vec<_> = waiting.map(|open| (open.at, open.attempt)).collect();
            for (at, attempt) in waiting {
                let happened = Happened::Disconnected { at, attempt };
                self.turn_if(saga, happened, now, decisions, |turn| turn.heeds_absence(at) && turn.absent(at));
            }
        }
    }
}
