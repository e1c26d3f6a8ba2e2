//! Who waits for whose end, so that no wait closes a circle.
//!
//! A saga that waits for its keys waits for those who hold one, and for those who came before it. The first is as it is:
//! a child that would so wait for itself is not accepted. The second is a matter of order only, so it gives way: a child
//! goes before those who wait for it.

use rustc_hash::FxHashSet;

use super::control::Phase;
use super::record::Happened;
use super::{Decision, Machine};
use crate::message::{Bus, SagaId};
use crate::saga::Key;
use crate::time::Timestamp;

/// For what it is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// For those only who hold a key, or are run.
    Holders,
    /// For those too who came before.
    All,
}

impl<B: Bus> Machine<B> {
    /// The sagas that run this one, the nearest first.
    pub(super) fn ancestors(&self, saga: SagaId) -> Vec<SagaId> {
        let parent = |saga: SagaId| {
            let route = self.routes.get(&saga)?;
            Some(self.kinds[usize::from(route.kind)].control(route.slot).rare.parent?.saga)
        };
        std::iter::successors(parent(saga), |saga| parent(*saga)).collect()
    }

    /// The holder of one of these keys that waits for this family, if one does: a child of the family cannot await it.
    pub(super) fn closes_a_circle(&self, family: &[SagaId], keys: &[Key]) -> Option<SagaId> {
        let waits_for_family = |holder: &SagaId| {
            let first = self.until_free(*holder, family);
            self.reached(first, Waits::Holders).iter().any(|saga| family.contains(saga))
        };
        self.lines.holders(keys).into_iter().rev().find(waits_for_family)
    }

    /// A child waits for its keys from now on: whoever that has wait for itself goes before the others.
    pub(super) fn untie(&mut self, child: SagaId, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let mut involved: Vec<_> = self.reached(vec![child], Waits::All).into_iter().collect();
        involved.sort_unstable();
        let admitted = self.overtake(involved);
        self.admit(admitted, now, decisions);
    }

    /// The children among these who need not wait, though others came before them: all of those wait for them. They hold
    /// their keys.
    pub(super) fn overtake(&mut self, mut candidates: Vec<SagaId>) -> Vec<SagaId> {
        candidates.retain(|candidate| {
            let overtakes = self.overtakes(*candidate);
            if overtakes {
                self.lines.admit(*candidate);
            }
            overtakes
        });
        candidates
    }

    fn overtakes(&self, saga: SagaId) -> bool {
        let waits_for_it = |other: SagaId| self.reached(vec![other], Waits::All).contains(&saga);
        self.lines.awaits_only_its_turn(saga)
            && !self.ancestors(saga).is_empty()
            && self.lines.before(saga).into_iter().all(waits_for_it)
    }

    /// Those among these whose turn has come begin.
    pub(super) fn admit_next(&mut self, waiting: Vec<SagaId>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let mut admitted = self.lines.admit_next(waiting.clone());
        admitted.extend(self.overtake(waiting));
        self.admit(admitted, now, decisions);
    }

    fn admit(&mut self, sagas: Vec<SagaId>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        for saga in sagas {
            self.turn(saga, Happened::Admitted, now, decisions, |turn| turn.admit());
        }
    }

    /// These, and all for whose end they wait, directly or not.
    fn reached(&self, from: Vec<SagaId>, waits: Waits) -> FxHashSet<SagaId> {
        let (mut seen, mut next) = (FxHashSet::default(), from);
        while let Some(saga) = next.pop() {
            if seen.insert(saga) {
                next.extend(self.waits_for(saga, waits));
            }
        }
        seen
    }

    /// Those who must end before a key of this saga is free for that family: when it completes, its parent holds it.
    fn until_free(&self, saga: SagaId, family: &[SagaId]) -> Vec<SagaId> {
        let above = self.ancestors(saga).into_iter().take_while(|above| !family.contains(above));
        std::iter::once(saga).chain(above).collect()
    }

    /// The sagas for whose end this one waits.
    fn waits_for(&self, saga: SagaId, waits: Waits) -> Vec<SagaId> {
        let Some(route) = self.routes.get(&saga) else { return Vec::new() };
        let control = self.kinds[usize::from(route.kind)].control(route.slot);
        if control.phase != Phase::Queued {
            return control.rare.children.iter().filter(|ran| !ran.kept).map(|ran| ran.saga).collect();
        }
        let mut others = self.lines.holders(&control.keys);
        if waits == Waits::All {
            others.extend(self.lines.before(saga));
        }
        let family = self.ancestors(saga);
        others.into_iter().flat_map(|other| self.until_free(other, &family)).collect()
    }
}
