//! The times at which sagas move by themselves: a queue with at most a few stale entries a live one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::message::SagaId;
use crate::time::Timestamp;

/// A queue of (time, saga). An entry is stale when its saga ended or has a later time by now: who pops it checks.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BinaryHeap<Reverse<(Timestamp, SagaId)>>,
}

impl Timers {
    pub(crate) fn push(&mut self, time: Timestamp, saga: SagaId) {
        self.queue.push(Reverse((time, saga)));
    }

    /// The time of the first entry, stale or not: never later than the first that is not.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.queue.peek().map(|Reverse((time, _))| *time)
    }

    /// The saga of the first entry, if that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<SagaId> {
        let due = self.next().is_some_and(|time| time <= now);
        if due { self.queue.pop().map(|Reverse((_, saga))| saga) } else { None }
    }

    /// Drops what is stale once most of it is, so that ended sagas keep no memory. Amortised, a constant a push.
    pub(crate) fn tidy(&mut self, live: usize, is_live: impl Fn(Timestamp, SagaId) -> bool) {
        if self.queue.len() > 2 * live + 64 {
            self.queue.retain(|Reverse((time, saga))| is_live(*time, *saga));
        }
    }
}
