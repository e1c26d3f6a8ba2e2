//! Whether a batch follows from what the log holds: the check that every log makes before it writes.
//!
//! It remembers the last number of the sagas without an end, asks the log for those that it does not remember, and
//! knows nothing of how a log keeps its rows.

use rustc_hash::FxHashMap;

use super::{Batch, EndedRow, LogError, RecordRow};
use crate::message::SagaId;

/// What is remembered of the sagas without an end.
#[derive(Debug, Default)]
pub(super) struct Continuity {
    last: FxHashMap<SagaId, Last>,
    digest: u64,
}

/// The last record of a saga.
#[derive(Debug, Clone, Copy)]
struct Last {
    number: u32,
    /// Whether it has the state from which the saga goes on.
    resumable: bool,
}

impl Continuity {
    /// Of a log with this digest, with nothing remembered yet.
    pub(super) fn new(digest: u64) -> Self {
        Self { last: FxHashMap::default(), digest }
    }

    /// The sum of [`weight`] over the sagas without an end: which they are, and how far each has come.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Takes over what was read: a saga without an end, and the number of its last record.
    pub(super) fn remember(&mut self, saga: SagaId, number: u32) {
        self.last.insert(saga, Last { number, resumable: true });
    }

    /// Checks the batch, and remembers what the log holds once it is written. After an error, or when the batch is not
    /// written in the end, what is remembered is worthless: begin anew.
    ///
    /// `look_up` gives the last number of a saga without an end that is not remembered.
    pub(super) fn follow(
        &mut self,
        batch: &Batch,
        mut look_up: impl FnMut(SagaId) -> Result<Option<u32>, LogError>,
    ) -> Result<(), LogError> {
        for saga in &batch.started {
            if self.last.insert(saga.id, Last { number: 0, resumable: false }).is_some() {
                return Err(LogError::StartedBefore { saga: saga.id });
            }
        }
        for record in &batch.records {
            self.advance(record, &mut look_up)?;
        }
        for ended in &batch.ended {
            self.end(ended)?;
        }
        self.all_can_go_on(batch)
    }

    fn advance(
        &mut self,
        record: &RecordRow,
        look_up: &mut impl FnMut(SagaId) -> Result<Option<u32>, LogError>,
    ) -> Result<(), LogError> {
        let gap = || LogError::Gap { saga: record.saga, number: record.number };
        let before = match self.last.get(&record.saga) {
            Some(last) => last.number,
            None => look_up(record.saga)?.ok_or_else(gap)?,
        };
        if before.checked_add(1) != Some(record.number) {
            return Err(gap());
        }
        let resumable = record.state.is_some() && record.standing.is_some();
        self.last.insert(record.saga, Last { number: record.number, resumable });
        let moved = weight(record.saga, record.number).wrapping_sub(weight(record.saga, before));
        self.digest = self.digest.wrapping_add(moved);
        Ok(())
    }

    fn end(&mut self, ended: &EndedRow) -> Result<(), LogError> {
        let incomplete = |missing| LogError::Incomplete { saga: ended.id, missing };
        if !ended.status.is_end() {
            return Err(incomplete("it ends with a status that is no end"));
        }
        let last = self.last.remove(&ended.id).filter(|last| last.number > 0 && !last.resumable);
        let last = last.ok_or_else(|| incomplete("it ends without a terminal record"))?;
        self.digest = self.digest.wrapping_sub(weight(ended.id, last.number));
        Ok(())
    }

    fn all_can_go_on(&self, batch: &Batch) -> Result<(), LogError> {
        let touched = batch.started.iter().map(|saga| saga.id).chain(batch.records.iter().map(|record| record.saga));
        for saga in touched {
            match self.last.get(&saga) {
                Some(Last { number: 0, .. }) => {
                    return Err(LogError::Incomplete { saga, missing: "it starts without a record" });
                }
                Some(Last { resumable: false, .. }) => {
                    let missing = "its last record has no state or no standing, and it does not end";
                    return Err(LogError::Incomplete { saga, missing });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a saga without an end adds to the digest when its last record has this number.
///
/// Sums of it differ when a saga or its last record is missing (but for one chance in 2⁶⁴). The finalizer of
/// `SplitMix64`, after Sebastiano Vigna (<https://prng.di.unimi.it/splitmix64.c>). It is kept in logs: it must not change.
pub(super) fn weight(saga: SagaId, number: u32) -> u64 {
    if number == 0 {
        return 0;
    }
    let seed = saga.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(number).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}
