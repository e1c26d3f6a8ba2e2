//! Which sagas are open, in a form small enough to travel with every command.

use std::collections::VecDeque;

use crate::bus::Horizon;
use crate::message::SagaId;

/// How many older sagas a horizon names at most. With more that stay open it stands still until one of them ends.
const OLDER: usize = 64;

/// How long the run of ids from the lowest open one may grow before the lowest is named by itself.
const RUN: usize = 1024;

/// The open sagas: a run of recent ids, and a few older ones.
#[derive(Debug)]
pub(super) struct OpenSagas {
    lowest: u64,
    /// Whether `lowest + index` is open.
    run: VecDeque<bool>,
    older: Vec<SagaId>,
}

impl OpenSagas {
    /// None is open, and none below `lowest` ever will be.
    pub(super) fn new(lowest: SagaId) -> Self {
        Self { lowest: lowest.get(), run: VecDeque::new(), older: Vec::new() }
    }

    /// Ids only grow.
    pub(super) fn opened(&mut self, saga: SagaId) {
        if self.run.is_empty() {
            self.lowest = saga.get();
        }
        let index = usize::try_from(saga.get() - self.lowest).expect("what is open fits into memory");
        self.run.resize(index, false);
        self.run.push_back(true);
        self.shorten();
    }

    pub(super) fn closed(&mut self, saga: SagaId) {
        if let Ok(position) = self.older.binary_search(&saga) {
            self.older.remove(position);
        } else if let Some(open) =
            saga.get().checked_sub(self.lowest).and_then(|index| self.run.get_mut(usize::try_from(index).ok()?))
        {
            *open = false;
        }
        self.shorten();
    }

    pub(super) fn horizon(&self) -> Horizon {
        Horizon { lowest: SagaId::new(self.lowest).unwrap_or(SagaId::FIRST), older: self.older.clone() }
    }

    fn shorten(&mut self) {
        while let Some(&open) = self.run.front() {
            if open && (self.run.len() <= RUN || self.older.len() == OLDER) {
                return;
            }
            if open {
                self.older.extend(SagaId::new(self.lowest));
            }
            self.run.pop_front();
            self.lowest += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SagaId {
        SagaId::new(number).expect("ids in tests are not zero")
    }

    #[test]
    fn closed_sagas_move_the_horizon() {
        let mut open = OpenSagas::new(id(1));
        (1..=3).for_each(|number| open.opened(id(number)));
        open.closed(id(2));
        assert_eq!(open.horizon().lowest, id(1));
        open.closed(id(1));
        assert_eq!(open.horizon().lowest, id(3));
    }

    #[test]
    fn one_that_stays_open_does_not_hold_the_horizon() {
        let mut open = OpenSagas::new(id(1));
        open.opened(id(1));
        for number in 2..=5000 {
            open.opened(id(number));
            open.closed(id(number));
        }
        let horizon = open.horizon();
        assert_eq!(horizon.older, [id(1)]);
        assert!(horizon.lowest > id(3000), "{horizon:?}");
        assert!(horizon.may_be_open(id(1)) && !horizon.may_be_open(id(2)));
        open.closed(id(1));
        assert!(open.horizon().older.is_empty());
    }
}
