//! Events of anyone: which sagas await them, found by what they carry.
//!
//! An event costs what those cost that it concerns, however many sagas are in flight; a saga without `where` costs
//! nothing. What a saga awaits is worked out anew from its state whenever it has moved, so it is never out of step.

use rustc_hash::FxHashMap;

use super::control::Open;
use super::kind::{Kind, Slot};
use super::record::Happened;
use super::{Decision, Machine, Route};
use crate::definition::{ArmOutcome, Definition, StepKind};
use crate::message::{At, Bus, Event, EventOf, Mode, SagaId};
use crate::saga::Key;
use crate::time::Timestamp;

/// An arm with `where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Arm {
    kind: u16,
    step: u16,
    mode: Mode,
    number: u16,
}

/// Who awaits what.
#[derive(Debug, Default)]
pub(super) struct Awaiting {
    /// For each variant of the bus's event, the arms that take it.
    by_event: Vec<Vec<Arm>>,
    /// For each kind, its arms.
    by_kind: Vec<Vec<Arm>>,
    /// The exchanges whose arm compares with this.
    by_key: FxHashMap<(Arm, Key), Vec<(SagaId, At)>>,
    by_saga: FxHashMap<SagaId, Vec<(Arm, At, Key)>>,
}

impl Awaiting {
    /// Makes the arms of a kind known; kinds come in the order of their numbers.
    pub(super) fn register<E: Event>(&mut self, kind: u16, definition: &Definition) {
        self.by_event.resize(E::EVENTS.len(), Vec::new());
        let mut arms = Vec::new();
        for (step, mode, number, names) in arms_with_where(definition) {
            let arm = Arm { kind, step, mode, number };
            for (event, taking) in E::EVENTS.iter().zip(&mut self.by_event) {
                if names.contains(&event.name) {
                    taking.push(arm);
                }
            }
            arms.push(arm);
        }
        self.by_kind.push(arms);
    }

    /// The saga awaits nothing any more.
    pub(super) fn forget(&mut self, saga: SagaId) {
        for (arm, at, key) in self.by_saga.remove(&saga).unwrap_or_default() {
            let entry = (arm, key);
            if let Some(awaiting) = self.by_key.get_mut(&entry) {
                awaiting.retain(|other| *other != (saga, at));
                if awaiting.is_empty() {
                    self.by_key.remove(&entry);
                }
            }
        }
    }

    fn note(&mut self, saga: SagaId, armed: Vec<(Arm, At, Key)>) {
        if self.by_saga.get(&saga).map_or(&[][..], Vec::as_slice) == armed.as_slice() {
            return;
        }
        self.forget(saga);
        for (arm, at, key) in &armed {
            self.by_key.entry((*arm, key.clone())).or_default().push((saga, *at));
        }
        if !armed.is_empty() {
            self.by_saga.insert(saga, armed);
        }
    }

    fn is_armed(&self, saga: SagaId, arm: Arm, at: At) -> bool {
        self.by_saga.get(&saga).is_some_and(|armed| armed.iter().any(|(of, there, _)| (*of, *there) == (arm, at)))
    }
}

/// The arms with `where` of a saga: step, mode, number, and the variants that each names.
pub(crate) fn arms_with_where(
    definition: &Definition,
) -> impl Iterator<Item = (u16, Mode, u16, &'static [&'static str])> {
    let exchanges = definition.steps.iter().zip(0..).flat_map(|(step, number)| {
        let mode = if step.kind == StepKind::Finally { Mode::Finally } else { Mode::Forward };
        let undo = step.compensation.exchange().map(|exchange| (number, Mode::Compensation, exchange.arms));
        [(number, mode, step.exchange.arms)].into_iter().chain(undo)
    });
    let arms = exchanges
        .flat_map(|(step, mode, arms)| arms.iter().zip(0..).map(move |(arm, number)| (step, mode, number, arm)));
    arms.filter_map(|(step, mode, number, arm)| match arm.outcome {
        ArmOutcome::Event { events, .. } if !arm.correlations.is_empty() => Some((step, mode, number, events)),
        _ => None,
    })
}

impl<B: Bus> Machine<B> {
    /// Works out what a saga awaits, after it has moved.
    pub(super) fn rearm(&mut self, saga: SagaId) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let arms = &self.awaiting.by_kind[usize::from(kind)];
        if arms.is_empty() {
            return;
        }
        let kind = self.kinds[usize::from(kind)].as_ref();
        let armed = arms.iter().flat_map(|arm| armed(kind, slot, *arm)).collect();
        self.awaiting.note(saga, armed);
    }

    /// Somebody said this event: those who await what it carries hear it, then it may start sagas. It answers the
    /// exchange `of`, which has heard it.
    pub(super) fn occurred(
        &mut self,
        event: &EventOf<B>,
        of: Option<(SagaId, At)>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        self.overheard(event, of, now, decisions);
        self.trigger(event, now, decisions);
    }

    /// Those who await what this event carries hear it, the oldest first. An exchange hears it once, whatever arms it
    /// has.
    pub(crate) fn overheard(
        &mut self,
        event: &EventOf<B>,
        of: Option<(SagaId, At)>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        let mut last = of;
        for (saga, at, arm) in self.concerned(event) {
            if last == Some((saga, at)) || of == Some((saga, at)) || !self.awaiting.is_armed(saga, arm, at) {
                continue;
            }
            let Some(&Route { kind, slot }) = self.routes.get(&saga) else { continue };
            let (control, body) = self.kinds[usize::from(kind)].saga(slot);
            let heeds = body.heeds(at, arm.number, control.rare.cause.as_deref(), event);
            if heeds.unwrap_or(true) {
                last = Some((saga, at));
                let happened = Happened::Seen { at, event: event.clone() };
                self.turn(saga, happened, now, decisions, |turn| turn.seen(at, event));
            }
        }
    }

    /// The exchanges that await what this event carries, by saga and in the order of their arms.
    fn concerned(&self, event: &EventOf<B>) -> Vec<(SagaId, At, Arm)> {
        let arms = self.awaiting.by_event.get(event.index()).map_or(&[][..], Vec::as_slice);
        let mut concerned = Vec::new();
        for arm in arms {
            let kind = self.kinds[usize::from(arm.kind)].as_ref();
            let Some(key) = kind.carried(arm.step, arm.mode, arm.number, event) else { continue };
            let awaiting = self.awaiting.by_key.get(&(*arm, key)).into_iter().flatten();
            concerned.extend(awaiting.map(|(saga, at)| (*saga, *at, *arm)));
        }
        concerned.sort_unstable();
        concerned
    }
}

/// The exchanges of a saga that await something through this arm, open or still to come, and what that compares with.
fn armed<B: Bus>(kind: &dyn Kind<B>, slot: Slot, arm: Arm) -> Vec<(Arm, At, Key)> {
    let (control, body) = kind.saga(slot);
    if control.is_resting() {
        return Vec::new();
    }
    let is_here = |at: &At| at.step == arm.step && at.mode == arm.mode;
    let is_awaited = |open: &&Open| open.at.mode != Mode::Forward || !(open.is_asked() || control.is_aside(open.at));
    let open = control.open.iter().filter(is_awaited).map(|open| open.at).filter(is_here);
    let ahead = super::turn::ahead(kind.definition(), control, body.position(), arm.step, arm.mode);
    let exchanges = open.chain(ahead).filter(|at| control.rare.kept.iter().all(|kept| kept.at != *at));
    let awaited = |at| body.awaited(at, arm.number, control.rare.cause.as_deref()).ok()?;
    let armed = exchanges.filter_map(|at| Some((arm, at, awaited(at)?)));
    armed.collect()
}
