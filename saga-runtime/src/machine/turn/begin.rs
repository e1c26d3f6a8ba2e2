//! Beginning: the conditions before a place, its steps, and the items of each, as many at once as may be.

use super::super::control::{Phase, Point, Starting};
use super::Turn;
use crate::cause::{Cause, CauseKind};
use crate::definition::{Action, AtOnce};
use crate::message::{At, Bus, Mode};
use crate::planted::{self, Bug};
use crate::saga::{Heard, Position};

impl<B: Bus> Turn<'_, B> {
    /// Begins what is to be done at the current place.
    pub(super) fn enter(&mut self) {
        let Position::Forward(place) = self.body.position() else { return };
        if !self.holds(usize::from(place), Point::Entering) {
            return;
        }
        let steps = self.definition.places[usize::from(place)].steps.iter();
        let starting = steps.map(|&step| Starting { step, next: 0, count: None });
        self.control.starting.clear();
        self.control.starting.reserve_exact(starting.len());
        self.control.starting.extend(starting);
        self.advance();
    }

    /// Whether what is required before this place holds; else the saga fails, or is stuck at `point`.
    pub(super) fn holds(&mut self, place: usize, point: Point) -> bool {
        let place = u16::try_from(place).unwrap_or(u16::MAX);
        if !self.definition.requires.iter().any(|require| require.place == place) {
            return true;
        }
        match self.body.required(place) {
            Ok(Ok(())) => return true,
            Ok(Err(reason)) => self.fail(Cause::new(self.standing_step(), CauseKind::Required, reason)),
            Err(panicked) => self.stick_panicked(point, &panicked),
        }
        false
    }

    /// Whether exchanges of the current place are still to be opened.
    pub(super) fn is_beginning(&self) -> bool {
        let opening = |point| match point {
            Point::Opening(at) => at.mode == Mode::Forward,
            point => matches!(point, Point::Entering | Point::Beginning),
        };
        !self.control.starting.is_empty() || self.control.stuck_points().any(opening)
    }

    /// Opens as many exchanges of the current place as may be open at once. False if one of them was over at once:
    /// then that has brought the saga further already.
    pub(super) fn begin(&mut self) -> bool {
        while matches!(self.phase(), Phase::Forward | Phase::Finishing) && !self.control.is_halted() {
            let Some(index) = self.control.starting.iter().position(|starting| self.has_room(*starting)) else {
                return true;
            };
            let Starting { step, next, count } = self.control.starting[index];
            match count {
                None => self.count(index),
                Some(count) if next >= count => {
                    self.control.starting.remove(index);
                }
                Some(_) => {
                    self.control.starting[index].next += 1;
                    let mode = if self.phase() == Phase::Finishing { Mode::Finally } else { Mode::Forward };
                    let at = At { item: next, mode, ..At::step(step) };
                    if self.block(at).action == Action::Nothing {
                        self.count_as_done(at);
                        continue;
                    }
                    self.open(at);
                    if self.open_ref(at).is_none() {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// A step that only says how to undo what was there before counts as done when the saga comes to it.
    fn count_as_done(&mut self, at: At) {
        match self.body.answer(at, self.control.rare.cause.as_deref(), Heard::Handled) {
            Ok(_) => self.count_effect(at),
            Err(panicked) => self.stick_panicked(Point::Beginning, &panicked),
        }
    }

    fn count(&mut self, index: usize) {
        let step = self.control.starting[index].step;
        match self.body.exchanges(step, self.control.rare.cause.as_deref()) {
            Ok(count) => self.control.starting[index].count = Some(count),
            Err(panicked) => self.stick_panicked(Point::Beginning, &panicked),
        }
    }

    /// Whether one more exchange of this step may be open, or none is left to be opened.
    fn has_room(&self, starting: Starting) -> bool {
        let step = &self.definition.steps[usize::from(starting.step)];
        let most = match step.each.map_or(AtOnce::All, |each| each.at_once) {
            AtOnce::All => return true,
            AtOnce::AtMost(most) => most,
        };
        let open = self.control.on_its_way().filter(|open| open.at.step == starting.step).count();
        let is_over = starting.count.is_none_or(|count| starting.next >= count);
        is_over || open < most as usize || planted::is(Bug::AllAtOnce)
    }
}
