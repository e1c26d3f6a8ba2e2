//! Removes ended sagas from memory, each with all that it ran, and finds those that may go.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Kept, Saga};
use crate::log::{Family, Prune, Pruned};
use crate::message::SagaId;
use crate::time::Timestamp;

impl Kept {
    /// The families that may go, in the order in which they ended.
    pub(super) fn prunable(&self, prune: &Prune) -> Vec<Family> {
        let (query, families) = (prune.query(), self.families());
        let mut found: Vec<_> =
            self.matching(&query).filter_map(|(saga, _)| self.family(saga, families.get(&saga.started.id)?)).collect();
        found.sort_unstable_by_key(|family| Reverse((family.ended, family.saga)));
        found.drain(..usize::try_from(prune.keep).unwrap_or(usize::MAX).min(found.len()));
        let before = prune.ended_before.unwrap_or(Timestamp::NEVER);
        found.retain(|family| family.ended < before);
        found.reverse();
        found
    }

    /// Removes those of these families that may go.
    pub(super) fn prune(&mut self, sagas: &[SagaId]) -> Pruned {
        let families = self.families();
        let mut pruned = Pruned::default();
        for &saga in sagas {
            let Some(members) = families.get(&saga).filter(|members| self.have_ended(members)) else { continue };
            pruned.families.push(saga);
            pruned.sagas += members.len() as u64;
            pruned.records += members.iter().map(|member| self.remove(*member)).sum::<u64>();
        }
        if let Some(&last) = pruned.families.iter().max() {
            // What came when the saga that it was meant for had been removed.
            self.late.retain(|saga, _| *saga > last || self.sagas.contains_key(saga));
        }
        while self.order.front().is_some_and(|(saga, _)| !self.sagas.contains_key(saga)) {
            self.order.pop_front();
            self.forgotten += 1;
        }
        pruned
    }

    /// Each saga that no other one of the log ran, with all that it ran. Children have higher numbers than who ran them.
    fn families(&self) -> BTreeMap<SagaId, BTreeSet<SagaId>> {
        let mut first = BTreeMap::<SagaId, SagaId>::new();
        let mut families = BTreeMap::<SagaId, BTreeSet<SagaId>>::new();
        for (&id, saga) in &self.sagas {
            let of = saga.started.parent.and_then(|parent| first.get(&parent).copied()).unwrap_or(id);
            first.insert(id, of);
            families.entry(of).or_default().insert(id);
        }
        families
    }

    fn family(&self, saga: &Saga, members: &BTreeSet<SagaId>) -> Option<Family> {
        let ended = saga.ended.as_ref().filter(|_| self.have_ended(members))?;
        Some(Family {
            saga: ended.id,
            name: saga.started.name.clone(),
            status: ended.status,
            ended: ended.ended,
            sagas: members.len() as u64,
        })
    }

    fn have_ended(&self, members: &BTreeSet<SagaId>) -> bool {
        members.iter().all(|member| self.sagas.get(member).is_some_and(|saga| saga.ended.is_some()))
    }

    /// Removes a saga; gives how many records it had.
    fn remove(&mut self, id: SagaId) -> u64 {
        let Some(saga) = self.sagas.remove(&id) else { return 0 };
        self.late.remove(&id);
        if let Some(key) = &saga.started.key {
            self.keys.remove(key);
        }
        saga.records.len() as u64
    }
}
