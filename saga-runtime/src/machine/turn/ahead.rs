//! Exchanges that are still to come, as far as they are known: an event of anyone that they await may come before them.
//!
//! It only looks; what is kept for them is in [`seen`](super::seen).

use super::super::control::{Control, Phase, Point};
use crate::definition::{Action, Definition};
use crate::message::{At, Mode};
use crate::saga::Position;

/// The exchanges of a step that are still to come in this mode; the items of a `for` are known when it begins.
///
/// On the way forward and on the way out, all behind where the saga is; but of what undoes a step, or says something on
/// the way out, none: that is done in any case, whatever somebody said before.
pub(in super::super) fn ahead(
    definition: &Definition,
    control: &Control,
    position: Position,
    step: u16,
    mode: Mode,
) -> Vec<At> {
    match mode {
        Mode::Forward => forward(definition, control, position, step),
        Mode::Compensation => Vec::new(),
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
    matches!(control.phase, Phase::Queued | Phase::Forward) || control.awaits_pivot(definition)
}

/// Whether it does more than to wait.
fn acts(definition: &Definition, step: u16) -> bool {
    matches!(definition.steps[usize::from(step)].exchange.action, Action::Send(_) | Action::Run(_))
}

fn finally(definition: &Definition, control: &Control, position: Position, step: u16) -> Vec<At> {
    let at = At { mode: Mode::Finally, ..At::step(step) };
    let index = definition.finally.iter().position(|finally| *finally == step);
    match (index, position) {
        (None, _) => Vec::new(),
        _ if control.finished || acts(definition, step) => Vec::new(),
        (Some(index), Position::Finally(here)) if index < usize::from(here) => Vec::new(),
        (Some(index), Position::Finally(here)) if index == usize::from(here) => begun(control, definition, at),
        (Some(_), _) => whole(definition, at).collect(),
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
