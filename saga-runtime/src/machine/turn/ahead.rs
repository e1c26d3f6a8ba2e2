//! Exchanges that are still to come, as far as they are known: an event of anyone that they await may come before them.
//!
//! It only looks; what is kept for them is in [`seen`](super::seen).

use super::super::control::{Control, Phase, Point};
use crate::definition::{Compensation, Definition, StepKind};
use crate::message::{At, Mode};
use crate::saga::Position;

/// The exchanges of a step that are still to come in this mode; the items of a `for` are known when it begins.
///
/// On the way forward and on the way out, all behind where the saga is. On the way back, what undoes an exchange that
/// has begun: an event from before that cannot have undone it.
pub(in super::super) fn ahead(
    definition: &Definition,
    control: &Control,
    position: Position,
    step: u16,
    mode: Mode,
) -> Vec<At> {
    match mode {
        Mode::Forward => forward(definition, control, position, step),
        Mode::Compensation => back(definition, control, step),
        Mode::Finally => finally(definition, control, position, step),
    }
}

fn forward(definition: &Definition, control: &Control, position: Position, step: u16) -> Vec<At> {
    let (true, Position::Forward(here)) = (may_go_forward(control, definition), position) else {
        return Vec::new();
    };
    let place = definition.places.iter().position(|place| place.steps.contains(&step));
    let Some(place) = place else { return Vec::new() };
    let not_entered = control.phase == Phase::Queued
        || [Point::Admitting, Point::Entering].into_iter().any(|at| control.is_stuck_at(at));
    if place > usize::from(here) || (place == usize::from(here) && not_entered) {
        return whole(definition, At::step(step)).collect();
    }
    begun(control, definition, At::step(step))
}

/// Whether it goes forward, or may yet: while nobody knows whether its pivot took effect.
fn may_go_forward(control: &Control, definition: &Definition) -> bool {
    let is_pivot = |at: At| definition.steps[usize::from(at.step)].kind == StepKind::Pivot;
    match control.phase {
        Phase::Queued | Phase::Forward => true,
        Phase::Settling => control.open.iter().any(|open| is_pivot(open.at)),
        Phase::Compensating | Phase::Finishing | Phase::Kept => false,
    }
}

fn finally(definition: &Definition, control: &Control, position: Position, step: u16) -> Vec<At> {
    let at = At { mode: Mode::Finally, ..At::step(step) };
    let index = definition.finally.iter().position(|finally| *finally == step);
    match (index, position) {
        (None, _) => Vec::new(),
        _ if control.finished => Vec::new(),
        (Some(index), Position::Finally(here)) if index < usize::from(here) => Vec::new(),
        (Some(index), Position::Finally(here)) if index == usize::from(here) => begun(control, definition, at),
        (Some(_), _) => whole(definition, at).collect(),
    }
}

fn back(definition: &Definition, control: &Control, step: u16) -> Vec<At> {
    let own_way = control.on_its_way().filter(|open| open.at.mode == Mode::Forward && open.attempt > 0);
    let own_way = own_way.map(|open| open.at).chain(control.effects.iter().copied());
    let own_way = own_way.filter(|_| may_be_undone(control));
    let done = own_way.chain(control.rare.asides.iter().copied()).filter_map(|at| undone_by(definition, at));
    let stuck = control.stuck_points().filter_map(|point| match point {
        Point::Opening(at) if at.mode == Mode::Compensation => Some(at),
        _ => None,
    });
    let is_to_come = |at: &At| at.step == step && control.open.iter().all(|open| open.at != *at);
    let mut to_come: Vec<_> = done.chain(stuck).filter(is_to_come).collect();
    to_come.sort_unstable();
    to_come.dedup();
    to_come
}

/// Whether what takes effect on its way may still have to be undone.
fn may_be_undone(control: &Control) -> bool {
    match control.phase {
        Phase::Queued => false,
        Phase::Forward | Phase::Settling | Phase::Compensating => !control.past_pivot,
        Phase::Finishing | Phase::Kept => {
            control.rare.output.is_some() && control.rare.parent.is_some_and(|parent| parent.unwinds)
        }
    }
}

/// The exchange that undoes this one.
fn undone_by(definition: &Definition, at: At) -> Option<At> {
    match definition.steps[usize::from(at.step)].compensation {
        Compensation::Exchange(_) => Some(at.undo()),
        Compensation::With(other) => Some(At::step(other).undo()),
        Compensation::NotNeeded | Compensation::None { .. } | Compensation::Unwind => None,
    }
}

/// The one exchange of a step that has not begun; none of a `for`.
fn whole(definition: &Definition, at: At) -> impl Iterator<Item = At> {
    definition.steps[usize::from(at.step)].each.is_none().then_some(at).into_iter()
}

/// The exchanges of a step at which the saga is that are not yet opened.
fn begun(control: &Control, definition: &Definition, of: At) -> Vec<At> {
    let stuck = control.stuck_points().filter_map(|point| match point {
        Point::Opening(at) if at == (At { item: at.item, ..of }) => Some(at),
        _ => None,
    });
    let starting = control.starting.iter().filter(|starting| starting.step == of.step);
    let counted = starting.clone().flat_map(|starting| starting.next..starting.count.unwrap_or(starting.next));
    let counted = counted.map(|item| At { item, ..of });
    let to_begin = starting.filter(|starting| starting.count.is_none()).flat_map(|_| whole(definition, of));
    stuck.chain(counted).chain(to_begin).collect()
}
