//! Which of the waiting commands is next: each saga has a lane, in which one runs at a time, in order of arrival. It
//! knows nothing of what it lines up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::message::{LogId, SagaId};

type Owner = (LogId, SagaId);

/// Waiting items of type `T`, in lanes.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    lanes: BTreeMap<Owner, Lane<T>>,
    /// The first item of each lane in which none runs, by its arrival.
    ready: BTreeSet<(u64, Owner)>,
    arrivals: u64,
    busy: usize,
    waiting: usize,
}

#[derive(Debug)]
struct Lane<T> {
    busy: bool,
    waiting: VecDeque<(u64, T)>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { lanes: BTreeMap::new(), ready: BTreeSet::new(), arrivals: 0, busy: 0, waiting: 0 }
    }
}

impl<T> Lanes<T> {
    /// At the end of the owner's lane.
    pub(super) fn push(&mut self, owner: Owner, item: T) {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.change(owner, |lane| lane.waiting.push_back((arrival, item)));
        self.waiting += 1;
    }

    /// The oldest item in whose lane none runs; from now on it does.
    pub(super) fn next(&mut self) -> Option<T> {
        let (_, owner) = self.ready.first().copied()?;
        let item = self.change(owner, |lane| {
            lane.busy = true;
            lane.waiting.pop_front()
        });
        self.busy += 1;
        self.waiting -= 1;
        item.map(|(_, item)| item)
    }

    /// What ran in this lane no longer does.
    pub(super) fn release(&mut self, owner: Owner) {
        let was_busy = self.change(owner, |lane| std::mem::take(&mut lane.busy));
        self.busy -= usize::from(was_busy);
    }

    /// Removes the waiting items of this lane that match.
    pub(super) fn take_out(&mut self, owner: Owner, matches: impl Fn(&T) -> bool) -> Vec<T> {
        let taken: VecDeque<(u64, T)> = self.change(owner, |lane| {
            let (taken, kept) = std::mem::take(&mut lane.waiting).into_iter().partition(|(_, item)| matches(item));
            lane.waiting = kept;
            taken
        });
        self.waiting -= taken.len();
        taken.into_iter().map(|(_, item)| item).collect()
    }

    /// Removes all that waits in the lanes of this log whose saga, before `below`, is chosen.
    pub(super) fn drop_owners(&mut self, log: LogId, below: Option<SagaId>, chosen: impl Fn(SagaId) -> bool) -> Vec<T> {
        let owners: Vec<Owner> = self
            .lanes
            .range((log, SagaId::FIRST)..)
            .map(|(owner, _)| *owner)
            .take_while(|(of, saga)| *of == log && below.is_none_or(|below| *saga < below))
            .filter(|(_, saga)| chosen(*saga))
            .collect();
        owners.into_iter().flat_map(|owner| self.take_out(owner, |_| true)).collect()
    }

    /// How many items run.
    pub(super) fn busy(&self) -> usize {
        self.busy
    }

    /// How many items wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The only way to a lane: what is ready follows from it.
    fn change<V>(&mut self, owner: Owner, change: impl FnOnce(&mut Lane<T>) -> V) -> V {
        let lane = self.lanes.entry(owner).or_insert_with(|| Lane { busy: false, waiting: VecDeque::new() });
        if let Some((arrival, _)) = lane.waiting.front() {
            self.ready.remove(&(*arrival, owner));
        }
        let value = change(lane);
        match lane.waiting.front() {
            Some((arrival, _)) if !lane.busy => {
                self.ready.insert((*arrival, owner));
            }
            None if !lane.busy => {
                self.lanes.remove(&owner);
            }
            _ => {}
        }
        value
    }
}
