//! Events of anyone, which arms with `where` take: at once, or when their step begins.

use super::super::control::{Control, Kept, Phase, Point};
use super::super::record::Change;
use super::Turn;
use super::exchange::Failure;
use crate::cause::{Cause, CauseKind};
use crate::codec;
use crate::definition::Definition;
use crate::message::{At, Bus, EventOf, Mode};
use crate::planted::{self, Bug};
use crate::saga::{Heard, Position, Verdict};

/// The exchanges of a step that are still to come, as far as they are known: the items of a `for` are when it begins.
pub(in super::super) fn ahead(
    definition: &'static Definition,
    control: &Control,
    position: Position,
    step: u16,
) -> Vec<At> {
    let forward = matches!(control.phase, Phase::Queued | Phase::Forward);
    let (true, Position::Forward(here)) = (forward, position) else { return Vec::new() };
    let place = definition.places.iter().position(|place| place.steps.contains(&step));
    let Some(place) = place else { return Vec::new() };
    let one = definition.steps[usize::from(step)].each.is_none().then_some(At::step(step));
    let not_entered = control.phase == Phase::Queued
        || [Point::Admitting, Point::Entering].into_iter().any(|at| control.is_stuck_at(at));
    if place > usize::from(here) || (place == usize::from(here) && not_entered) {
        return one.into_iter().collect();
    }
    let stuck = control.stuck_points().filter_map(|point| match point {
        Point::Opening(at) if at == (At { item: at.item, ..At::step(step) }) => Some(at),
        _ => None,
    });
    let starting = control.starting.iter().filter(|starting| starting.step == step);
    let begun = starting.clone().flat_map(|starting| starting.next..starting.count.unwrap_or(starting.next));
    let begun = begun.map(|item| At { item, ..At::step(step) });
    let to_begin = starting.filter(|starting| starting.count.is_none()).filter_map(|_| one);
    stuck.chain(begun).chain(to_begin).collect()
}

impl<B: Bus> Turn<'_, B> {
    /// Somebody said an event that an arm of this exchange takes, which is open or still to come.
    pub(in super::super) fn seen(&mut self, at: At, event: &EventOf<B>) {
        if self.open_ref(at).is_some() {
            return self.ended_by(at, event);
        }
        match codec::encode(event) {
            Ok(event) => {
                if !planted::is(Bug::LoseEarlyEvents) {
                    self.control.kept.push(Kept { at, event });
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
            if let Err(panicked) = self.body.awaited(at, arm, self.control.cause.as_deref()) {
                self.stick_panicked(Point::Opening(at), &panicked);
                return false;
            }
        }
        true
    }

    /// An exchange that has just been opened hears what was kept for it. Whether it goes on.
    pub(super) fn hears_what_was_kept(&mut self, at: At) -> bool {
        let kept = &mut self.control.kept;
        let Some(position) = kept.iter().position(|kept| kept.at == at) else { return true };
        match codec::decode::<EventOf<B>>(&kept.remove(position).event) {
            Ok(event) => self.ended_by(at, &event),
            Err(error) => {
                self.stick(Point::Answer(at), format!("the event that was kept for it does not read back: {error}"));
            }
        }
        self.open_ref(at).is_some_and(|open| open.attempt == 0) && !self.control.is_stuck_at(Point::Answer(at))
    }

    /// What was kept for the steps of a place that is left, and not wanted.
    pub(super) fn forget_kept(&mut self, steps: &[u16]) {
        self.control.kept.retain(|kept| !steps.contains(&kept.at.step));
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
        events.peek().is_some() && events.all(|arm| !arm.correlations.is_empty()) && at.mode != Mode::Finally
    }
}
