//! A saga log in memory: for tests, and for sagas that a crash may take along.
//!
//! It keeps every promise but to outlive its process. It knows no file and no encoding.

mod pruning;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use super::continuity::Continuity;
use super::{
    Batch, Count, DefinitionRow, Details, EndedRow, Family, Group, LateRow, LogError, LogReader, OpenSaga, Page, Prune,
    Pruned, Query, ReceivedRow, RecordRow, Recovery, SagaLog, Standing, StartedRow, Summary,
};
use crate::message::{LogId, SagaId};

/// A saga log that lives as long as someone holds it.
///
/// A clone is the same log. A test that simulates a restart keeps one, drops the coordinator, and gives
/// [`MemoryLog::reopen`] to the next.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    kept: Arc<Mutex<Kept>>,
    epoch: u64,
}

#[derive(Debug)]
struct Kept {
    identity: LogId,
    epoch: u64,
    highest: Option<SagaId>,
    sagas: BTreeMap<SagaId, Saga>,
    /// Every record by saga and number, in the order in which they were appended.
    order: VecDeque<(SagaId, u32)>,
    /// How many were before those.
    forgotten: u64,
    keys: FxHashMap<String, SagaId>,
    definitions: BTreeMap<(String, u32), DefinitionRow>,
    late: BTreeMap<SagaId, Vec<LateRow>>,
    received: BTreeMap<String, ReceivedRow>,
    continuity: Continuity,
}

#[derive(Debug)]
struct Saga {
    started: StartedRow,
    records: Vec<RecordRow>,
    ended: Option<EndedRow>,
}

impl MemoryLog {
    /// An empty log with an identity of its own.
    pub fn new() -> Self {
        let kept = Kept {
            identity: LogId::from_bits(fastrand::u64(..)),
            epoch: 1,
            highest: None,
            sagas: BTreeMap::new(),
            order: VecDeque::new(),
            forgotten: 0,
            keys: FxHashMap::default(),
            definitions: BTreeMap::new(),
            late: BTreeMap::new(),
            received: BTreeMap::new(),
            continuity: Continuity::default(),
        };
        Self { kept: Arc::new(Mutex::new(kept)), epoch: 1 }
    }

    /// The same log for its next owner; whoever owned it until now is fenced.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let mut kept = lock(&self.kept);
        kept.epoch += 1;
        Self { kept: Arc::clone(&self.kept), epoch: kept.epoch }
    }

    /// What is kept, unless somebody else owns it now.
    fn owned(&self) -> Result<MutexGuard<'_, Kept>, LogError> {
        let kept = lock(&self.kept);
        if kept.epoch == self.epoch { Ok(kept) } else { Err(LogError::Fenced { ours: self.epoch, theirs: kept.epoch }) }
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl SagaLog for MemoryLog {
    fn identity(&self) -> LogId {
        lock(&self.kept).identity
    }

    fn recover(&mut self) -> Result<Recovery, LogError> {
        Ok(lock(&self.kept).recover())
    }

    fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        self.owned()?.append(batch)
    }

    fn prune(&mut self, sagas: &[SagaId]) -> Result<Pruned, LogError> {
        let mut kept = self.owned()?;
        Ok(kept.prune(sagas))
    }

    fn waits(&self) -> bool {
        false
    }

    fn reader(&self) -> Result<Box<dyn LogReader>, LogError> {
        Ok(Box::new(MemoryReader(Arc::clone(&self.kept))))
    }
}

/// What is kept is changed only after every check, so a panic elsewhere leaves it whole.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn recover(&self) -> Recovery {
        Recovery {
            next: self.highest.map(SagaId::next),
            open: self.sagas.values().filter(|saga| saga.ended.is_none()).map(Saga::open).collect(),
            received: self.received.values().cloned().collect(),
            position: self.forgotten + self.order.len() as u64,
            definitions: self
                .definitions
                .values()
                .map(|row| (row.name.clone(), row.version, row.fingerprint.clone()))
                .collect(),
        }
    }

    fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        let digest = self.continuity.digest();
        let checked = self.check(&batch);
        if checked.is_err() {
            self.continuity = Continuity::new(digest);
        } else {
            self.apply(batch);
        }
        checked
    }

    fn check(&mut self, batch: &Batch) -> Result<(), LogError> {
        let sagas = &self.sagas;
        self.continuity.follow(batch, |id| Ok(sagas.get(&id).and_then(Saga::last_if_open)))?;
        if let Some(again) = batch.started.iter().find(|saga| sagas.contains_key(&saga.id)) {
            return Err(LogError::StartedBefore { saga: again.id });
        }
        let mut keys = FxHashSet::default();
        let mut taken = |key: &String| self.keys.contains_key(key) || !keys.insert(key.clone());
        match batch.started.iter().filter_map(|saga| saga.key.as_ref()).find(|key| taken(key)) {
            Some(key) => Err(LogError::KeyTaken { key: key.clone() }),
            None => Ok(()),
        }
    }

    fn apply(&mut self, batch: Batch) {
        for row in batch.definitions {
            self.definitions.insert((row.name.clone(), row.version), row);
        }
        self.highest = self.highest.max(batch.reserved);
        for row in batch.started {
            self.highest = self.highest.max(Some(row.id));
            self.keys.extend(row.key.clone().map(|key| (key, row.id)));
            self.sagas.insert(row.id, Saga { started: row, records: Vec::new(), ended: None });
        }
        for row in batch.records {
            if let Some(saga) = self.sagas.get_mut(&row.saga) {
                self.order.push_back((row.saga, row.number));
                saga.records.push(row);
            }
        }
        for row in batch.ended {
            if let Some(saga) = self.sagas.get_mut(&row.id) {
                saga.ended = Some(row);
            }
        }
        for row in batch.late {
            self.late.entry(row.saga).or_default().push(row);
        }
        for row in batch.received {
            self.received.insert(row.participant.clone(), row);
        }
    }

    fn record(&self, saga: SagaId, number: u32) -> Option<&RecordRow> {
        self.sagas.get(&saga)?.records.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The sagas that match but for the page, newest first.
    fn matching<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = (&'a Saga, Standing)> {
        self.sagas.values().rev().filter_map(|saga| {
            let standing = saga.standing();
            saga.matches(&standing, query).then_some((saga, standing))
        })
    }
}

impl Saga {
    fn last_if_open(&self) -> Option<u32> {
        let last = self.records.last().map_or(0, |record| record.number);
        self.ended.is_none().then_some(last)
    }

    fn open(&self) -> OpenSaga {
        let last = self.records.last().expect("a saga is not kept without its first record");
        let state = last.state.clone().expect("the last record of a saga without an end is not kept without a state");
        OpenSaga {
            id: self.started.id,
            name: self.started.name.clone(),
            version: self.started.version,
            started: self.started.started,
            key: self.started.key.clone(),
            number: last.number,
            state: Ok(state),
        }
    }

    fn standing(&self) -> Standing {
        match &self.ended {
            Some(ended) => ended.standing(),
            None => {
                let standing = self.records.iter().rev().find_map(|record| record.standing.clone());
                standing.expect("the last record of a saga without an end is not kept without a standing")
            }
        }
    }

    fn summary(&self, standing: Standing) -> Summary {
        Summary {
            id: self.started.id,
            name: self.started.name.clone(),
            version: self.started.version,
            standing,
            started: self.started.started,
            ended: self.ended.as_ref().map(|ended| ended.ended),
            parent: self.started.parent,
            key: self.started.key.clone(),
        }
    }

    fn matches(&self, standing: &Standing, query: &Query) -> bool {
        let saga = &self.started;
        (query.names.is_empty() || query.names.contains(&saga.name))
            && (query.statuses.is_empty() || query.statuses.contains(&standing.status))
            && query.step.as_ref().is_none_or(|step| standing.step.as_ref() == Some(step))
            && query.since.is_none_or(|since| saga.started >= since)
            && query.before.is_none_or(|before| saga.started < before)
            && query.key.as_ref().is_none_or(|key| saga.key.as_ref() == Some(key))
            && query.text.as_ref().is_none_or(|text| {
                saga.input.contains(text) || standing.reason.as_ref().is_some_and(|reason| reason.contains(text))
            })
    }
}

struct MemoryReader(Arc<Mutex<Kept>>);

impl LogReader for MemoryReader {
    fn find(&mut self, query: &Query) -> Result<Page, LogError> {
        let kept = lock(&self.0);
        let below = |saga: &Saga| query.below.is_none_or(|below| saga.started.id < below);
        let mut found = kept.matching(query).filter(|(saga, _)| below(saga));
        let sagas: Vec<_> = found.by_ref().take(query.limit).map(|(saga, standing)| saga.summary(standing)).collect();
        let more = found.next().is_some();
        Ok(Page { next: sagas.last().map(|last| last.id).filter(|_| more), sagas })
    }

    fn count(&mut self, query: &Query, by: &[Group]) -> Result<Vec<Count>, LogError> {
        let mut counts = BTreeMap::<Vec<Option<String>>, u64>::new();
        if by.is_empty() {
            counts.insert(Vec::new(), 0);
        }
        for (saga, standing) in lock(&self.0).matching(query) {
            let values = by.iter().map(|group| match group {
                Group::Name => Some(saga.started.name.clone()),
                Group::Status => Some(standing.status.as_str().to_owned()),
                Group::Step => standing.step.clone(),
            });
            *counts.entry(values.collect()).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().map(|(values, count)| Count { values, count }).collect();
        counts.sort_by_key(|count| Reverse(count.count));
        Ok(counts)
    }

    fn saga(&mut self, id: SagaId) -> Result<Option<Details>, LogError> {
        Ok(lock(&self.0).sagas.get(&id).map(|saga| Details {
            summary: saga.summary(saga.standing()),
            input: saga.started.input.clone(),
            outcome: saga.ended.as_ref().map(|ended| ended.outcome.clone()),
        }))
    }

    fn records(&mut self, id: SagaId, from: u32, limit: usize) -> Result<Vec<RecordRow>, LogError> {
        let kept = lock(&self.0);
        let records = kept.sagas.get(&id).map_or(&[][..], |saga| &saga.records);
        Ok(records.iter().filter(|record| record.number >= from).take(limit).cloned().collect())
    }

    fn after(&mut self, position: u64, limit: usize) -> Result<Vec<(u64, RecordRow)>, LogError> {
        let kept = lock(&self.0);
        let before = position.max(kept.forgotten);
        let known = usize::try_from(before - kept.forgotten).unwrap_or(usize::MAX);
        let there = kept.order.iter().skip(known).zip(before.saturating_add(1)..);
        let records = there.filter_map(|((saga, number), at)| Some((at, kept.record(*saga, *number)?.clone())));
        Ok(records.take(limit).collect())
    }

    fn late(&mut self, id: SagaId) -> Result<Vec<LateRow>, LogError> {
        Ok(lock(&self.0).late.get(&id).cloned().unwrap_or_default())
    }

    fn started_with(&mut self, key: &str) -> Result<Option<SagaId>, LogError> {
        Ok(lock(&self.0).keys.get(key).copied())
    }

    fn prunable(&mut self, prune: &Prune) -> Result<Vec<Family>, LogError> {
        Ok(lock(&self.0).prunable(prune))
    }

    fn definition(&mut self, name: &str, version: u32) -> Result<Option<DefinitionRow>, LogError> {
        Ok(lock(&self.0).definitions.get(&(name.to_owned(), version)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance;
    use super::*;

    #[test]
    fn keeps_the_promises_of_a_log() {
        conformance::run(|| {
            let log = MemoryLog::new();
            Box::new(move || Box::new(log.reopen()))
        });
    }

    #[test]
    fn a_clone_is_the_same_log_and_the_same_owner() {
        let mut log = MemoryLog::new();
        let mut other = log.clone();
        let batch = conformance::sample::start(1);
        log.append(batch.clone()).expect("the first start");
        assert_eq!(other.identity(), log.identity());
        assert!(matches!(other.append(batch.clone()), Err(LogError::StartedBefore { .. })));
    }

    #[test]
    fn who_owned_it_before_is_fenced() {
        let mut old = MemoryLog::new();
        let mut new = old.reopen();
        let batch = conformance::sample::start(1);
        assert!(matches!(old.append(batch.clone()), Err(LogError::Fenced { ours: 1, theirs: 2 })));
        new.append(batch.clone()).expect("the owner appends");
    }
}
