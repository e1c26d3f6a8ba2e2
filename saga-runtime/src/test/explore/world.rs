//! The participants beside a saga that is explored, as far as what must hold depends on them: what became of each key.
//! And what must hold.

use std::collections::{BTreeMap, BTreeSet};

use super::super::SagaTest;
use super::super::trace::Told;
use super::moves::Move;
use crate::cause::Outcome;
use crate::definition::{Action, Compensation, Definition, Disposition, StepKind};
use crate::message::{At, EventOf, Fate, Mode, SagaId};
use crate::saga::Saga;

/// What became of a key, as the saga was told. A key that is not known may have been done or not: both are explored.
#[derive(Debug, Clone)]
pub(super) enum Known<E> {
    /// It was done, with these events.
    Done(Vec<E>),
    /// It was done, and an arm said that this is no effect.
    DoneInVain(Vec<E>),
    /// The current attempt was refused.
    Refused,
    /// It was not done and never will be; or an operator takes it for that.
    Never,
    /// The participant has lost its memory of it.
    Unknown,
}

/// What became of each key.
#[derive(Debug, Clone)]
pub(super) struct World<E> {
    pub(super) known: BTreeMap<At, Known<E>>,
    /// What took effect, in the order in which that became known, each with the length of the trace before.
    completed: Vec<(usize, At)>,
}

impl<E: Clone> World<E> {
    pub(super) const fn new() -> Self {
        Self { known: BTreeMap::new(), completed: Vec::new() }
    }

    fn took_effect(&self, at: At) -> bool {
        matches!(self.known.get(&at), Some(Known::Done(_)))
    }

    /// Takes note of what a move said, and of what the saga made of it: of the trace from `before` on.
    pub(super) fn note<S: Saga, R>(&mut self, told: &Move<E, R>, test: &SagaTest<S>, before: usize) {
        let is_open = |at: At| test.machine.exchanges(test.id).any(|exchange| exchange.at == at);
        let is_handled = |at: At| test.machine.exchanges(test.id).any(|open| open.at == at && open.is_handled);
        match told {
            Move::Handled(at, events) | Move::Overdue(at, events) | Move::Fate(at, Fate::Done(events))
                if !is_open(*at) || is_handled(*at) =>
            {
                self.known.insert(*at, Known::Done(events.clone()));
            }
            Move::ChildCompleted(child, _) => self.child_ended(test, *child, Known::Done(Vec::new()), is_open),
            Move::ChildCompensated(child, _) => self.child_ended(test, *child, Known::Never, is_open),
            Move::Refused(at, _) => {
                self.known.insert(*at, Known::Refused);
            }
            Move::Fate(at, Fate::Never) => {
                self.known.insert(*at, Known::Never);
            }
            Move::Fate(at, Fate::Unknown) => {
                self.known.insert(*at, Known::Unknown);
            }
            Move::Operator(_) => self.waive(test, is_open),
            _ => {}
        }
        self.follow(&test.trace[before..], before);
        self.in_vain(test, is_open);
    }

    /// Takes note of what came of it: attempts made anew, and what counts as completed.
    fn follow(&mut self, new: &[Told], before: usize) {
        for told in new {
            match told {
                Told::Sent { at, .. } if matches!(self.known.get(at), Some(Known::Refused)) => {
                    self.known.remove(at);
                }
                Told::Ran { at, .. } => {
                    self.known.remove(at);
                }
                Told::Done { at } | Told::DoneLate { at } if self.completes(*at) => self.completed.push((before, *at)),
                _ => {}
            }
        }
    }

    /// Whether it took effect, which was not known before.
    fn completes(&self, at: At) -> bool {
        let is_new = || self.completed.iter().all(|(_, completed)| *completed != at);
        at.mode == Mode::Forward && self.took_effect(at) && is_new()
    }

    /// What was done, and is over without having taken effect: an arm for an event said so.
    fn in_vain<S: Saga>(&mut self, test: &SagaTest<S>, is_open: impl Fn(At) -> bool) {
        let is_done = |at: At| {
            test.trace
                .iter()
                .any(|told| matches!(*told, Told::Done { at: done } | Told::DoneLate { at: done } if done == at))
        };
        for (at, known) in &mut self.known {
            if let Known::Done(events) = known
                && !is_open(*at)
                && !is_done(*at)
                && has_event_that_fails(S::DEFINITION, *at)
            {
                *known = Known::DoneInVain(std::mem::take(events));
            }
        }
    }

    /// A saga that it ran has ended, or was unwound: then it is known already.
    fn child_ended<S: Saga>(&mut self, test: &SagaTest<S>, child: SagaId, how: Known<E>, is_open: impl Fn(At) -> bool) {
        let ran = test.trace.iter().rev().find_map(|told| match told {
            Told::Ran { at, child: ran } if *ran == child => Some(*at),
            _ => None,
        });
        let is_over = |at: &At| !self.took_effect(*at) && (!is_open(*at) || matches!(how, Known::Never));
        if let Some(at) = ran.filter(is_over) {
            self.known.insert(at, how);
        }
    }

    /// What an operator passed over is taken for not done; not what is undone though nobody knows whether it was done.
    fn waive<S: Saga>(&mut self, test: &SagaTest<S>, is_open: impl Fn(At) -> bool) {
        let ran = test.trace.iter().filter_map(|told| match told {
            Told::Ran { at, .. } => Some(*at),
            _ => None,
        });
        for at in test.commands.iter().map(|(at, _)| *at).chain(ran) {
            let is_known = self.known.get(&at).is_some_and(|known| !matches!(known, Known::Unknown));
            if !is_known && !is_open(at) && !test.trace.contains(&Told::DoneLate { at }) {
                self.known.insert(at, Known::Never);
            }
        }
    }
}

/// Whether an arm for an event says `fail`.
fn has_event_that_fails(definition: &Definition, at: At) -> bool {
    let arms = definition.steps[usize::from(at.step)].exchange.arms;
    arms.iter().any(|arm| arm.takes_event() && matches!(arm.disposition, Disposition::Fail(_)))
}

/// What must hold of a saga at any time.
///
/// # Errors
/// What does not.
pub(super) fn check<S: Saga>(test: &SagaTest<S>, world: &World<EventOf<S::Bus>>) -> Result<(), String> {
    check_end(test)?;
    check_sendings(test)?;
    check_reason(test)?;
    check_compensations(test, world)?;
    match test.outcome() {
        Some(Outcome::Compensated(_)) => {
            check_way_back(test)?;
            check_nothing_in_doubt(test, world)?;
            check_left_behind(test)?;
            check_undone(test, world)
        }
        Some(Outcome::Completed(_)) => check_nothing_in_doubt(test, world).and_then(|()| check_left_behind(test)),
        Some(Outcome::Ended(_)) | None => Ok(()),
    }
}

/// It ends once, and nothing follows.
fn check_end<S: Saga>(test: &SagaTest<S>) -> Result<(), String> {
    let end = test.trace.iter().position(|told| *told == Told::Ended);
    match end {
        Some(end) if end + 1 < test.trace.len() => Err(format!("after its end: {:?}", &test.trace[end + 1..])),
        Some(_) if test.outcome().is_none() => Err("it ended without an outcome".to_owned()),
        _ => Ok(()),
    }
}

/// Each key has its bytes from its first sending, recorded before or with it; its attempts grow.
fn check_sendings<S: Saga>(test: &SagaTest<S>) -> Result<(), String> {
    let mut bytes: BTreeMap<At, (u32, u32)> = BTreeMap::new();
    for told in &test.trace {
        let Told::Sent { at, attempt, number, recorded_in, has_bytes, .. } = *told else { continue };
        let (recorded, before) = *bytes.entry(at).or_insert((number, 0));
        if recorded_in != recorded || has_bytes != (recorded == number) {
            return Err(format!("{at:?} is sent with bytes that its first sending did not record"));
        }
        if attempt <= before {
            return Err(format!("attempt {attempt} of {at:?} is sent after attempt {before}"));
        }
        bytes.insert(at, (recorded, attempt));
    }
    Ok(())
}

fn check_reason<S: Saga>(test: &SagaTest<S>) -> Result<(), String> {
    let reason = test.machine.standing(test.id).and_then(|standing| standing.reason);
    if test.is_stuck() && reason.is_none_or(|reason| reason.is_empty()) {
        return Err("it is stuck without a reason".to_owned());
    }
    Ok(())
}

/// Only what took effect is undone, each once, in the reverse of the order of completion.
fn check_compensations<S: Saga>(test: &SagaTest<S>, world: &World<EventOf<S::Bus>>) -> Result<(), String> {
    let mut undone = BTreeSet::new();
    for (position, told) in test.trace.iter().enumerate() {
        match *told {
            Told::Skipped { at } => {
                undone.insert(at);
            }
            Told::Done { at } if at.mode == Mode::Compensation && undone.insert(at) => {
                check_took_effect::<S>(world, at)?;
                check_order::<S>(world, &undone, at, position)?;
            }
            Told::Sent { at, attempt: 1, .. } | Told::Unwinding { at } if at.mode == Mode::Compensation => {
                if !undone.insert(at) {
                    return Err(format!("{at:?} is begun twice"));
                }
                check_took_effect::<S>(world, at)?;
                check_order::<S>(world, &undone, at, position)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_took_effect<S: Saga>(world: &World<EventOf<S::Bus>>, undo: At) -> Result<(), String> {
    let definition = S::DEFINITION;
    let shares = |at: &At| at.mode == Mode::Forward && undoing(definition, *at) == Some(undo);
    let action = definition.steps[usize::from(undo.step)].exchange.action;
    let acts = action.command().is_some() || matches!(action, Action::Run(_));
    let harmless = definition.command(undo).is_some_and(|command| command.harmless);
    let is_unknown = |at| harmless && matches!(world.known.get(&at), Some(Known::Unknown));
    let mut sharing = world.known.keys().copied().filter(shares);
    if acts && !sharing.any(|at| world.took_effect(at) || is_unknown(at)) {
        return Err(format!("step `{}` is undone and took no effect", definition.steps[usize::from(undo.step)].name));
    }
    Ok(())
}

/// What completed later has been undone before.
fn check_order<S: Saga>(
    world: &World<EventOf<S::Bus>>,
    undone: &BTreeSet<At>,
    now: At,
    position: usize,
) -> Result<(), String> {
    let before = world.completed.iter().filter(|(length, _)| *length <= position).map(|(_, at)| *at);
    let completed: Vec<_> = before.filter(|at| has_own_compensation::<S>(*at)).map(At::undo).collect();
    let Some(place) = completed.iter().position(|undo| *undo == now) else {
        return check_shared_order::<S>(world, &completed, undone, now);
    };
    match completed[place..].iter().find(|undo| !undone.contains(undo)) {
        Some(undo) => Err(format!("{now:?} is begun before {undo:?}, which undoes what completed later")),
        None => Ok(()),
    }
}

/// What undoes only steps that share it, and not its own, has the place of its own: what took effect behind that has been
/// undone before.
fn check_shared_order<S: Saga>(
    world: &World<EventOf<S::Bus>>,
    completed: &[At],
    undone: &BTreeSet<At>,
    now: At,
) -> Result<(), String> {
    let definition = S::DEFINITION;
    let place = |at: At| place_of(definition, at);
    let shares = |at: &At| at.step != now.step && undoing(definition, *at) == Some(now) && world.took_effect(*at);
    if !world.known.keys().any(shares) {
        return Ok(());
    }
    match completed.iter().find(|undo| place(**undo) > place(now) && !undone.contains(undo)) {
        Some(undo) => Err(format!("{now:?} is begun before {undo:?}, which undoes a later step")),
        None => Ok(()),
    }
}

fn has_own_compensation<S: Saga>(at: At) -> bool {
    matches!(S::DEFINITION.steps[usize::from(at.step)].compensation, Compensation::Exchange(_) | Compensation::Unwind)
}

/// Behind the pivot nothing can be undone: a saga that has done something there does not go back.
fn check_way_back<S: Saga>(test: &SagaTest<S>) -> Result<(), String> {
    let definition = S::DEFINITION;
    let is_pivot = |step: &u16| definition.steps[usize::from(*step)].kind == StepKind::Pivot;
    let pivot = definition.places.iter().position(|place| place.steps.iter().any(is_pivot));
    let behind = |at: At| pivot.is_some() && at.mode == Mode::Forward && place_of(definition, at) > pivot;
    let begun = test.trace.iter().find_map(|told| match told {
        Told::Sent { at, .. } | Told::Ran { at, .. } if behind(*at) => Some(*at),
        _ => None,
    });
    begun.map_or(Ok(()), |at| Err(format!("it is compensated, and {at:?} was begun behind its pivot")))
}

fn place_of(definition: &Definition, at: At) -> Option<usize> {
    definition.places.iter().position(|place| place.steps.contains(&at.step))
}

/// A saga that has ended leaves nothing in doubt that could be undone.
fn check_nothing_in_doubt<S: Saga>(test: &SagaTest<S>, world: &World<EventOf<S::Bus>>) -> Result<(), String> {
    let begun = test.trace.iter().filter_map(|told| match told {
        Told::Sent { at, .. } if at.mode == Mode::Forward && undoing(S::DEFINITION, *at).is_some() => Some(*at),
        Told::Ran { at, .. } => Some(*at),
        _ => None,
    });
    let mut doubtful = begun.filter(|at| !world.known.contains_key(at));
    match doubtful.next() {
        Some(at) => Err(format!("it ended, and whether {at:?} took effect was never settled")),
        None => Ok(()),
    }
}

/// What was undone, or passed over.
fn undone<S: Saga>(test: &SagaTest<S>) -> BTreeSet<At> {
    let over = test.trace.iter().filter_map(|told| match told {
        Told::Done { at } | Told::Skipped { at } if at.mode == Mode::Compensation => Some(*at),
        _ => None,
    });
    over.collect()
}

/// What a saga went on without, and took effect, is undone when that ends, whichever way.
fn check_left_behind<S: Saga>(test: &SagaTest<S>) -> Result<(), String> {
    let over = undone(test);
    let late = test.trace.iter().filter_map(|told| match told {
        Told::DoneLate { at } if has_own_compensation::<S>(*at) => Some(at.undo()),
        _ => None,
    });
    match late.into_iter().find(|undo| !over.contains(undo)) {
        Some(undo) => Err(format!("it ended, and {undo:?} is missing, though what it left behind took effect")),
        None => Ok(()),
    }
}

/// A saga that went back has undone all that took effect.
fn check_undone<S: Saga>(test: &SagaTest<S>, world: &World<EventOf<S::Bus>>) -> Result<(), String> {
    let over = undone(test);
    let is_unknown = |at| matches!(world.known.get(at), Some(Known::Unknown));
    let effects =
        world.known.keys().filter(|at| at.mode == Mode::Forward && (world.took_effect(**at) || is_unknown(at)));
    let left = effects.filter_map(|at| undoing(S::DEFINITION, *at)).find(|undo| !over.contains(undo));
    match left {
        Some(undo) => Err(format!("it ended, and {undo:?} is missing, though the step took effect")),
        None => Ok(()),
    }
}

/// The exchange that undoes this one; none if none does.
fn undoing(definition: &Definition, at: At) -> Option<At> {
    match definition.steps[usize::from(at.step)].compensation {
        Compensation::Exchange(_) | Compensation::Unwind => Some(at.undo()),
        Compensation::With(other) => Some(At::step(other).undo()),
        Compensation::NotNeeded | Compensation::None { .. } => None,
    }
}
