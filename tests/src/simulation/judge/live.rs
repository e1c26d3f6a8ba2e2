//! What is decided and may not be in the log yet: who belongs to whom, and who awaits what. A crash takes it back to what
//! the log holds.

use std::collections::{BTreeMap, BTreeSet};

use saga_runtime::machine::{Change, Decision, Happened, Record, StartedBy};
use saga_runtime::message::{ExchangeKey, SagaId};

use super::super::clauses;
use super::super::sagas::{Event, Shop};

/// Which sagas something may move, beside those that it starts and lets in.
#[derive(Debug, Clone)]
pub(in super::super) enum Scope {
    Nothing,
    Any,
    Only(SagaId),
    /// The family of this key, of which something was said.
    Said(ExchangeKey),
    /// Those that await this event.
    Event(Event),
}

/// The sagas in flight.
#[derive(Debug, Default)]
pub(super) struct Live {
    sagas: BTreeMap<SagaId, Known>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) parent: Option<SagaId>,
    pub(super) order: u64,
    /// Whether an approval of its order makes a difference to it.
    pub(super) hopes: bool,
}

impl Live {
    /// After a crash: what is in the log.
    pub(super) fn recovers(&mut self, sagas: impl Iterator<Item = (SagaId, Known)>) {
        self.sagas = sagas.collect();
    }

    /// The sagas that this event must move.
    pub(super) fn concerned(&self, scope: &Scope) -> BTreeSet<SagaId> {
        let Scope::Event(Event::Approved { order }) = scope else { return BTreeSet::new() };
        let hopeful = self.sagas.iter().filter(|(_, known)| known.hopes && known.order == *order);
        hopeful.map(|(saga, _)| *saga).collect()
    }

    /// The records among these decisions that nothing allows.
    pub(super) fn strays<'a>(&mut self, scope: &Scope, decisions: &'a [Decision<Shop>]) -> Vec<&'a Record<Shop>> {
        let mut roots = BTreeSet::new();
        if let Scope::Only(saga) | Scope::Said(ExchangeKey { saga, .. }) = scope {
            roots.insert(self.root(*saga));
        }
        let mut strays = Vec::new();
        for decision in decisions {
            let Decision::Record(record) = decision else { continue };
            self.decided(record);
            let root = self.root(record.saga);
            let lets_in = matches!(record.happened, Happened::Started { .. } | Happened::Admitted);
            if matches!(scope, Scope::Any) || lets_in || self.matches(record) {
                roots.insert(root);
            } else if !roots.contains(&root) {
                strays.push(record);
            }
        }
        strays
    }

    /// Whether it is an event that this saga awaits.
    fn matches(&self, record: &Record<Shop>) -> bool {
        let Happened::Seen { event: Event::Approved { order }, .. } = &record.happened else { return false };
        self.sagas.get(&record.saga).is_some_and(|known| known.order == *order)
    }

    fn root(&self, saga: SagaId) -> SagaId {
        let parent = |saga: &SagaId| self.sagas.get(saga).and_then(|known| known.parent);
        std::iter::successors(Some(saga), parent).last().unwrap_or(saga)
    }

    fn decided(&mut self, record: &Record<Shop>) {
        if let Happened::Started { input, by, .. } = &record.happened {
            let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
            let parent = match by {
                StartedBy::Parent { saga, .. } => Some(*saga),
                StartedBy::Call | StartedBy::Trigger(_) => None,
            };
            let order = input["order"].as_u64().unwrap_or_default();
            let hopes = record.definition.is_some_and(|definition| clauses::awaits_approval(definition.name));
            self.sagas.insert(record.saga, Known { parent, order, hopes });
        }
        if let Some(known) = self.sagas.get_mut(&record.saga) {
            known.hopes &= !ends_hope(record);
        }
    }
}

/// Whether an approval makes no difference any more after this record.
pub(super) fn ends_hope(record: &Record<Shop>) -> bool {
    let steps = record.definition.map(|definition| definition.steps).unwrap_or_default();
    record.then.iter().any(|change| match change {
        Change::Kept { at } | Change::Done { at } | Change::Abandoned { at } => {
            steps[usize::from(at.step)].name == "approval"
        }
        Change::Failed(_) | Change::Ended(_) => true,
        _ => false,
    })
}
