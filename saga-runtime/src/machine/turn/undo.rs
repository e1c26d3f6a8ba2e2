//! The way back: settling what is in doubt, then compensating what took effect, in reverse.

use std::time::Duration;

use super::super::control::{Open, Phase, Point, Waits};
use super::super::record::Change;
use super::Turn;
use super::exchange::Ruling;
use crate::cause::Cause;
use crate::definition::Compensation;
use crate::message::{At, Bus, EventOf, Fate, Mode};
use crate::planted::{self, Bug};
use crate::saga::{Position, Verdict};

/// How long a participant may leave the fate of an exchange open before that is shown.
pub(super) const FATE_OVERDUE: Duration = Duration::from_secs(60);

/// The first wait before a fate is asked again, doubled up to [`FATE_AGAIN_AT_MOST`].
const FATE_AGAIN: Duration = Duration::from_secs(1);
const FATE_AGAIN_AT_MOST: Duration = Duration::from_secs(10);

impl<B: Bus> Turn<'_, B> {
    /// The forward part is over. What is in doubt and can be undone is settled first.
    pub(super) fn fail(&mut self, cause: Cause) {
        let asides = self.control.rare.asides.clone();
        let is_aside = |at: At| asides.contains(&At { mode: Mode::Forward, ..at });
        self.unstick_at(|point| !point.at().is_some_and(is_aside));
        if !self.control.open.iter().any(|open| open.in_doubt() && self.is_pivot(open.at)) {
            self.changes.push(Change::Failed(cause.clone()));
        }
        let control = &mut *self.control;
        control.phase = Phase::Settling;
        control.starting.clear();
        control.rare.cause = Some(Box::new(cause));
        let open = std::mem::take(&mut control.open);
        for exchange in &open {
            self.settle_or_drop(exchange);
        }
        self.forget_kept();
        self.hear_children();
        self.compensate_when_settled();
    }

    fn settle_or_drop(&mut self, open: &Open) {
        if self.control.is_aside(open.at) {
            return self.control.open.push(open.clone());
        }
        if self.control.child_at(open.at).is_some() {
            return self.await_child(open);
        }
        if open.handled && self.settles(open.at) {
            self.changes.push(Change::Done { at: open.at });
            return self.count_effect(open.at);
        }
        if !open.in_doubt() || planted::is(Bug::GuessFates) {
            return;
        }
        let (at, participant) = (open.at, self.command(open.at).to);
        if !self.settles(at) {
            return self.changes.push(Change::Withdrawn { at, participant });
        }
        let due = Some(self.now.after(FATE_OVERDUE));
        let asked = Open { waits: Waits::Fate { running: 0 }, since: self.now, due, ..open.clone() };
        self.control.open.push(asked);
        self.changes.push(Change::Asked { at, participant });
    }

    /// The participant has told the fate of an exchange that is being settled.
    pub(in super::super) fn fate(&mut self, at: At, fate: &Fate<EventOf<B>>) {
        match fate {
            Fate::Never => self.settled_never(at),
            Fate::Done(events) => self.settled_done(at, events),
            Fate::Running => self.ask_later(at),
            Fate::Unknown => self.settled_unknown(at),
        }
    }

    /// Nobody knows whether it was done, nor what came of it.
    fn settled_unknown(&mut self, at: At) {
        let (command, harmless) = (self.command(at), self.is_harmlessly_undone(at));
        if harmless && !self.step(at).seen_undoing {
            return self.counts_late(at, Change::Assumed { at });
        }
        let lacks = if harmless { ", and what undoes it needs the output, which nobody knows" } else { "" };
        let reason = format!("{} no longer knows whether it did {}{lacks}", command.to, command.name);
        self.stick(Point::Fate { at, late: false }, reason);
    }

    fn ask_later(&mut self, at: At) {
        let now = self.now;
        let Some(open) = self.open_mut(at) else { return };
        let (Waits::Fate { running } | Waits::FateAgain { running }) = open.waits else { return };
        let wait = FATE_AGAIN.saturating_mul(2_u32.saturating_pow(u32::from(running))).min(FATE_AGAIN_AT_MOST);
        open.waits = Waits::FateAgain { running: running.saturating_add(1) };
        open.due = Some(now.after(wait));
        if now.since(open.since) >= FATE_OVERDUE {
            self.fate_overdue(at);
        }
    }

    /// A wait of an exchange that is being settled is over.
    pub(in super::super) fn fate_due(&mut self, at: At) {
        match self.open_ref(at).map(|open| open.waits) {
            Some(Waits::FateAgain { running }) => self.ask(at, running),
            _ => self.fate_overdue(at),
        }
    }

    fn ask(&mut self, at: At, running: u8) {
        let participant = self.command(at).to;
        let is_shown = self.control.is_stuck_at(Point::Fate { at, late: true });
        if let Some(open) = self.open_mut(at) {
            open.waits = Waits::Fate { running };
            open.due = (!is_shown).then(|| open.since.after(FATE_OVERDUE));
            self.changes.push(Change::Asked { at, participant });
        }
    }

    /// An operator wants it asked again.
    pub(super) fn ask_anew(&mut self, at: At) {
        let now = self.now;
        if let Some(open) = self.open_mut(at) {
            open.since = now;
        }
        self.ask(at, 0);
    }

    /// The participant has not told the fate for too long: shown as stuck, until it does.
    fn fate_overdue(&mut self, at: At) {
        let now = self.now;
        if let Some(open) = self.open_mut(at) {
            open.due = open.due.filter(|due| *due > now);
        }
        if !self.control.is_stuck_at(Point::Fate { at, late: true }) {
            let command = self.command(at);
            let reason = format!("{} has not said for a minute whether it did {}", command.to, command.name);
            self.stick(Point::Fate { at, late: true }, reason);
        }
    }

    /// It was not done and never will be.
    pub(super) fn settled_never(&mut self, at: At) {
        self.settled(at);
        self.changes.push(Change::Undone { at });
        self.forget_kept();
        if self.control.is_aside(at) {
            return self.aside_over(at);
        }
        if self.is_pivot(at) {
            self.go_back_before_pivot();
        }
        self.compensate_when_settled();
    }

    /// It was done, with these events: counts as completed now, unless an arm for one of them says that it failed.
    pub(super) fn settled_done(&mut self, at: At, events: &[EventOf<B>]) {
        match self.ask_arms(at, events) {
            Err(reason) => self.stick(Point::Outcome(at), reason),
            Ok(ruling) if self.fails_in_effect(at, &ruling) => self.took_effect_late(at),
            Ok(Ruling { verdict: Verdict::Fail(_), .. }) => self.settled_never(at),
            Ok(_) => self.took_effect_late(at),
        }
    }

    /// Whether what undoes this may be done though nobody knows whether there is anything to undo.
    fn is_harmlessly_undone(&self, at: At) -> bool {
        let undo = self.step(at).compensation.exchange().and_then(|exchange| exchange.action.command());
        undo.is_some_and(|command| command.harmless)
    }

    /// What was in doubt took effect.
    pub(super) fn took_effect_late(&mut self, at: At) {
        let late = if self.control.is_aside(at) { Change::DoneLate { at } } else { Change::Done { at } };
        self.counts_late(at, late);
    }

    /// What was in doubt counts as completed now.
    fn counts_late(&mut self, at: At, why: Change<B>) {
        self.settled(at);
        self.changes.push(why);
        let is_aside = self.control.is_aside(at);
        if is_aside && self.goes_on() && self.has_own_undoing(at) {
            self.open_undo_of_aside(at);
            return;
        }
        self.count_effect(at);
        if is_aside && self.goes_on() {
            return self.aside_over(at);
        }
        self.control.rare.asides.retain(|aside| *aside != at);
        if !self.control.effects.contains(&at) {
            self.body.forget_aside(at);
        }
        if self.is_pivot(at) {
            return self.go_on_behind_pivot();
        }
        self.compensate_when_settled();
    }

    /// What took effect is to be undone, if something undoes it: by its own compensation, or by that of the earlier
    /// step that undoes it too, once and in the place of that.
    pub(super) fn count_effect(&mut self, at: At) {
        if at.mode != Mode::Forward {
            return;
        }
        match self.step(at).compensation {
            Compensation::NotNeeded | Compensation::None { .. } => {}
            Compensation::Exchange(_) => {
                let effects = &mut self.control.effects;
                let items = effects.iter().position(|effect| effect.step == at.step);
                let last = items.filter(|_| planted::is(Bug::UndoItemsForwards)).unwrap_or(effects.len());
                effects.insert(last, at);
            }
            Compensation::Unwind if !self.has_own_undoing(at) => {}
            Compensation::Unwind => self.control.effects.push(at),
            Compensation::With(other) => {
                let other = At::step(other);
                if self.control.effects.contains(&other) {
                    return;
                }
                let place = self.place_of(other.step);
                let later = |effect: &At| self.place_of(effect.step) > place;
                let effects = &self.control.effects;
                let position = effects.iter().position(later).unwrap_or(effects.len());
                self.control.effects.insert(position, other);
            }
        }
    }

    /// Whether something undoes this exchange and no other: a saga that it ran has to be there for that.
    fn has_own_undoing(&self, at: At) -> bool {
        match self.step(at).compensation {
            Compensation::Exchange(_) => true,
            Compensation::Unwind => self.control.rare.children.iter().any(|ran| ran.at == at && ran.kept),
            Compensation::NotNeeded | Compensation::None { .. } | Compensation::With(_) => false,
        }
    }

    fn place_of(&self, step: u16) -> Option<usize> {
        self.definition.places.iter().position(|place| place.steps.contains(&step))
    }

    fn settled(&mut self, at: At) {
        self.unstick_at(|point| matches!(point, Point::Fate { at: stuck, .. } | Point::Outcome(stuck) if stuck == at));
        self.control.close(at);
    }

    pub(super) fn compensate_when_settled(&mut self) {
        if self.phase() == Phase::Settling && self.control.open.is_empty() && !self.has_asides() {
            self.control.phase = Phase::Compensating;
            self.compensate_next();
        }
    }

    /// Undoes what completed last, or ends.
    pub(super) fn compensate_next(&mut self) {
        if planted::is(Bug::CompensateForwards) && !self.control.effects.is_empty() {
            self.control.effects.rotate_left(1);
        }
        let Some(&at) = self.control.effects.last() else { return self.finish() };
        if self.body.has_aside(at) {
            self.control.effects.pop();
            self.open_undo_of_aside(at);
            return;
        }
        let place = self.latest_effect();
        if self.body.position() != Position::Compensating(place)
            && let Err(panicked) = self.body.back(place)
        {
            return self.stick_panicked(Point::Moving, &panicked);
        }
        self.control.effects.pop();
        match self.step(at).compensation {
            Compensation::Unwind => self.unwind_child(at),
            _ => self.open(at.undo()),
        }
    }

    /// The latest place at which something is still to be undone: what completed out of order (it was in doubt)
    /// leaves the state at the later place until nothing there is left.
    fn latest_effect(&self) -> u16 {
        let places = (0..).zip(self.definition.places);
        let own = |at: &&At| !self.body.has_aside(**at);
        let concerned = |steps: &[u16]| self.control.effects.iter().filter(own).any(|at| steps.contains(&at.step));
        places.filter(|(_, place)| concerned(place.steps)).map(|(number, _)| number).max().unwrap_or(0)
    }
}
