//! Sagas that run others: started, cancelled and unwound together, and whose keys are one another's.
//!
//! What one saga wishes of another is done when its own transition is decided, in the same batch: a crash leaves both or
//! neither.

use super::control::{Parent, Phase, Ran};
use super::record::{Change, Happened, StartedBy};
use super::turn::Wish;
use super::{Decision, Machine, Route};
use crate::cause::{Cause, CauseKind, Outcome};
use crate::definition::Compensation;
use crate::log::Status;
use crate::message::{At, Bus, SagaId};
use crate::planted::{self, Bug};
use crate::saga::{Child, GoodEnd, Key};
use crate::time::Timestamp;

/// Whether a transition was the last one.
pub(super) enum End {
    Not,
    /// It has completed with this output, and may have to be unwound.
    Kept(String),
    Ended(Outcome<String>),
}

impl End {
    pub(super) fn of<B: Bus>(changes: &[Change<B>]) -> Self {
        match changes.last() {
            Some(Change::Ended(outcome)) => Self::Ended(outcome.clone()),
            Some(Change::Complete { output }) => Self::Kept(output.clone()),
            _ => Self::Not,
        }
    }
}

/// A child that runs or is unwound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LiveChild {
    pub(crate) saga: SagaId,
    pub(crate) is_unwinding: bool,
    /// Its end is awaited only to know what became of it.
    pub(crate) is_cancelled: bool,
}

/// A child that a test ends by hand.
#[derive(Debug)]
pub(crate) struct ByHand<B: Bus> {
    pub(crate) saga: SagaId,
    parent: SagaId,
    pub(crate) name: &'static str,
    /// Its input as JSON.
    pub(crate) input: String,
    pub(crate) good_end: GoodEnd<B>,
}

impl<B: Bus> Machine<B> {
    /// Starts no child: a test tells how each ends. `children` are those that it knows from before.
    pub(crate) fn end_children_by_hand(&mut self, children: Vec<ByHand<B>>) {
        if let Some(last) = children.last() {
            self.next = self.next.max(last.saga.next());
        }
        self.by_hand = Some(children);
    }

    /// The children whose end is told by hand, for a machine that takes the place of this one.
    pub(crate) fn take_children_by_hand(&mut self) -> Vec<ByHand<B>> {
        self.by_hand.take().unwrap_or_default()
    }

    /// The children that were to be started, oldest first.
    pub(crate) fn children_by_hand(&self) -> &[ByHand<B>] {
        self.by_hand.as_deref().unwrap_or_default()
    }

    /// A child whose end is told by hand has ended.
    pub(crate) fn child_ended_by_hand(
        &mut self,
        child: SagaId,
        outcome: Outcome<String>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        let kept = matches!(outcome, Outcome::Completed(_));
        let known = self.children_by_hand().iter().find(|known| known.saga == child);
        if let Some(parent) = known.map(|known| known.parent) {
            self.tell_parent(parent, child, outcome, kept, now, decisions);
        }
    }

    /// The children of a saga that run or are unwound, oldest first.
    pub(crate) fn children_of(&self, saga: SagaId) -> Vec<LiveChild> {
        let Some(route) = self.routes.get(&saga) else { return Vec::new() };
        let control = self.kinds[usize::from(route.kind)].control(route.slot);
        let unwinding = |ran: &Ran| control.open.iter().any(|open| open.at == ran.at.undo());
        let live = control.rare.children.iter().filter(|ran| ran.ended.is_none() && (!ran.kept || unwinding(ran)));
        let seen = |ran: &Ran| LiveChild {
            saga: ran.saga,
            is_unwinding: unwinding(ran),
            is_cancelled: control.is_settling(ran.at),
        };
        live.map(seen).collect()
    }

    /// The ids from this one on were given to children, which are open from now on.
    pub(super) fn opened(&mut self, first: SagaId) {
        let mut saga = first;
        while saga < self.next {
            self.horizon.opened(saga);
            saga = saga.next();
        }
    }

    /// Does what a transition of a saga wishes of others.
    pub(super) fn fulfil(
        &mut self,
        saga: SagaId,
        wishes: Vec<Wish<B>>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        for wish in wishes {
            match (wish, &mut self.by_hand) {
                (Wish::Start { id, child, .. }, Some(children)) => {
                    let (name, input, good_end) = (child.name(), child.json(), child.good_end());
                    children.push(ByHand { saga: id, parent: saga, name, input, good_end });
                }
                (_, Some(_)) => {}
                (Wish::Start { id, at, child }, None) => self.start_child(saga, id, at, child, now, decisions),
                (Wish::Cancel(child), None) => self.cancel_child(child, now, decisions),
                (Wish::Unwind(child), None) => {
                    self.turn(child, Happened::Unwound { by: saga }, now, decisions, |turn| turn.unwound(saga));
                }
            }
        }
    }

    fn start_child(
        &mut self,
        parent: SagaId,
        id: SagaId,
        at: At,
        child: Child<B>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        if let Err(reason) = self.begin_child(parent, id, at, child, now, decisions) {
            self.horizon.closed(id);
            let cause = Cause::new("", CauseKind::Child, reason);
            self.tell_parent(parent, id, Outcome::Compensated(cause), false, now, decisions);
        }
    }

    /// Starts it, or says why that is not accepted. The step names its type, and so its version, be that the highest or
    /// not: who runs it ends on the version with which it began, and so does what it runs.
    fn begin_child(
        &mut self,
        parent: SagaId,
        id: SagaId,
        at: At,
        child: Child<B>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<(), String> {
        let by = self.routes.get(&parent).ok_or("the saga that runs it has ended")?;
        let step = &self.kinds[usize::from(by.kind)].definition().steps[usize::from(at.step)];
        let (step, unwinds) = (step.name.to_owned(), matches!(step.compensation, Compensation::Unwind));
        let (name, input) = (child.name(), child.into_input());
        let kind = self.by_type.get(&(*input).type_id()).copied();
        let kind = kind.ok_or_else(|| format!("`{name}` is not registered with the coordinator"))?;
        let begun = self.kinds[usize::from(kind)].begin(id, input, now)?;
        let route = Route { kind, slot: begun.slot };
        let control = self.kinds[usize::from(kind)].control_mut(begun.slot);
        control.rare.parent = Some(Parent { saga: parent, unwinds });
        let mut needed = std::mem::take(&mut control.keys);
        let family: Vec<_> = std::iter::once(parent).chain(self.ancestors(parent)).collect();
        needed.retain(|key| !self.lines.holders(std::slice::from_ref(key)).iter().any(|saga| family.contains(saga)));
        self.kinds[usize::from(kind)].control_mut(begun.slot).keys = needed;
        let in_the_way = self.in_the_way(route)?;
        let keys = &self.kinds[usize::from(kind)].control(begun.slot).keys;
        if let Some(other) = self.closes_a_circle(&family, keys).filter(|_| !in_the_way.is_empty()) {
            self.kinds[usize::from(kind)].remove(begun.slot);
            return Err(format!(
                "`{name}` would wait for saga {other}, which waits for saga {parent}: neither would end"
            ));
        }
        self.routes.insert(id, route);
        let by = StartedBy::Parent { saga: parent, step, item: at.item };
        let happened = Happened::Started { input: begun.input, by, key: None };
        self.take_keys(id, route, happened, &in_the_way, now, decisions);
        if !in_the_way.is_empty() {
            self.untie(id, now, decisions);
        }
        Ok(())
    }

    /// Has it undone, unless that makes no difference any more. One that this program cannot load is awaited.
    fn cancel_child(&mut self, child: SagaId, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        // An error says that it is parked: that is shown, and its parent waits.
        let _ = self.cancel(child, None, now, decisions);
    }

    /// A child has completed, and is kept: for its parent that is its end.
    pub(super) fn keep(&mut self, saga: SagaId, output: String, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        match control.rare.parent.filter(|parent| self.routes.contains_key(&parent.saga)) {
            None => self.turn(saga, Happened::Released, now, decisions, |turn| turn.release()),
            Some(parent) => {
                let keys = std::mem::take(&mut control.keys);
                self.pass_keys(saga, &keys, parent.saga, now, decisions);
                self.tell_parent(parent.saga, saga, Outcome::Completed(output), true, now, decisions);
            }
        }
    }

    /// A saga has ended: what it could have unwound ends too, and what it still ran is undone.
    pub(super) fn leave_children(&mut self, children: Vec<Ran>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        for Ran { saga, .. } in children {
            let Some(&Route { kind, slot }) = self.routes.get(&saga) else { continue };
            if self.kinds[usize::from(kind)].control(slot).phase == Phase::Kept {
                self.turn(saga, Happened::Released, now, decisions, |turn| turn.release());
            } else {
                self.cancel_child(saga, now, decisions);
            }
        }
    }

    /// Answers the exchange that ran or unwound this child.
    pub(super) fn tell_parent(
        &mut self,
        parent: SagaId,
        child: SagaId,
        outcome: Outcome<String>,
        kept: bool,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        let Some(&Route { kind, slot }) = self.routes.get(&parent) else { return };
        let control = self.kinds[usize::from(kind)].control(slot);
        let Some(ran) = control.rare.children.iter().find(|ran| ran.saga == child) else { return };
        let at = if ran.kept { ran.at.undo() } else { ran.at };
        let how = match outcome {
            Outcome::Completed(_) => Status::Completed,
            Outcome::Compensated(_) => Status::Compensated,
            Outcome::Ended(_) => Status::Ended,
        };
        let happened = Happened::ChildEnded { at, child, how };
        self.turn(parent, happened, now, decisions, |turn| turn.child_ended(child, outcome, kept));
    }

    /// A saga that this program cannot load has ended: if another one ran it, that hears so.
    pub(super) fn tell_parent_of_parked(
        &mut self,
        child: SagaId,
        outcome: &Outcome<String>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        let runs = |route: &Route| {
            self.kinds[usize::from(route.kind)].control(route.slot).rare.children.iter().any(|ran| ran.saga == child)
        };
        if let Some((parent, _)) = self.in_order().into_iter().find(|(_, route)| runs(route)) {
            self.tell_parent(parent, child, outcome.clone(), false, now, decisions);
        }
    }

    /// After a start: children that are gone with the memory of another process have failed, and those whose parents are
    /// gone are on their own.
    pub(super) fn reunite(&mut self, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        if self.by_hand.is_some() {
            return;
        }
        for (saga, Route { kind, slot }) in self.in_order() {
            let control = self.kinds[usize::from(kind)].control(slot);
            let is_there = |saga: &SagaId| self.routes.contains_key(saga) || self.parked.contains_key(saga);
            let gone = |ran: &&Ran| !is_there(&ran.saga) || planted::is(Bug::GiveChildrenUp);
            let lost: Vec<_> = control.rare.children.iter().filter(gone).filter(|ran| ran.ended.is_none()).collect();
            let lost: Vec<_> = lost.into_iter().map(|ran| ran.saga).collect();
            let orphan = control.rare.parent.is_some_and(|parent| !self.routes.contains_key(&parent.saga));
            if orphan && control.phase == Phase::Kept {
                self.turn(saga, Happened::Released, now, decisions, |turn| turn.release());
            }
            for child in lost {
                let cause = Cause::new("", CauseKind::Child, format!("saga {child} has ended, and how is not known"));
                self.tell_parent(saga, child, Outcome::Compensated(cause), false, now, decisions);
            }
        }
    }

    /// A child has completed: its parent holds its keys from now on, and other children of the family need not wait for
    /// them any more.
    pub(super) fn pass_keys(
        &mut self,
        child: SagaId,
        keys: &[Key],
        parent: SagaId,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        if keys.is_empty() {
            return;
        }
        self.lines.pass(child, parent, keys);
        if let Some(&Route { kind, slot }) = self.routes.get(&parent) {
            let held = &mut self.kinds[usize::from(kind)].control_mut(slot).keys;
            held.extend(keys.iter().filter(|key| !held.contains(key)).cloned().collect::<Vec<_>>());
        }
        let waiting = self.lines.waiting(keys);
        for saga in waiting.iter().copied() {
            if self.ancestors(saga).contains(&parent) {
                self.lines.need_no_more(saga, keys);
                if let Some(&Route { kind, slot }) = self.routes.get(&saga) {
                    self.kinds[usize::from(kind)].control_mut(slot).keys.retain(|key| !keys.contains(key));
                }
            }
        }
        self.admit_next(waiting, now, decisions);
    }
}
