//! A subscriber's own copy of the sagas in flight. Pure: it is told, and asks nobody.

use std::collections::BTreeMap;

use super::{Snapshot, Told};
use crate::machine::InFlight;
use crate::message::SagaId;

/// The sagas in flight, as a snapshot and the changes since say.
///
/// At every time it is equal to what a new snapshot would say; but for sagas that wait for their turn, of which nobody is
/// told each time when somebody else comes to be before them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mirror {
    sagas: BTreeMap<SagaId, InFlight>,
}

impl Mirror {
    /// No saga.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes everything anew.
    pub fn snapshot(&mut self, snapshot: &Snapshot) {
        self.sagas = snapshot.sagas.iter().map(|saga| (saga.saga, saga.clone())).collect();
    }

    /// Takes a change.
    pub fn change(&mut self, told: &Told) {
        if let Some(now) = &told.now {
            self.sagas.insert(now.saga, InFlight::clone(now));
        }
        if let Some(saga) = told.notice.saga().filter(|_| told.notice.is_end()) {
            self.sagas.remove(&saga);
        }
    }

    /// The sagas in flight, oldest first.
    pub fn sagas(&self) -> impl ExactSizeIterator<Item = &InFlight> {
        self.sagas.values()
    }

    /// One saga; none if it is not in flight.
    pub fn saga(&self, saga: SagaId) -> Option<&InFlight> {
        self.sagas.get(&saga)
    }
}
