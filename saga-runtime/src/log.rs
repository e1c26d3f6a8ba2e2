//! The saga log: what must survive a crash, and what is looked up afterwards.
//!
//! One row a transition: a [`RecordRow`] says what happened, what followed, and (the last of a saga in a batch) the
//! state that resulted. There is no other place for a state, so none that could disagree. The log knows no saga's
//! types: states, inputs and commands are text.
//!
//! | module | what it is for |
//! |---|---|
//! | `row` | the rows: what is committed, and what is found again |
//! | `query` | what can be looked for |
//! | `error` | why a log cannot |
//! | `continuity` | whether a batch follows: the check that every log makes |
//! | `pruning` | what may be removed, and what was |
//! | `memory` | a log that lives as long as its process |
//! | `sqlite` | a log in a file: the usual one |
//! | [`conformance`] | the promises, as a suite for any log |

pub mod conformance;
mod continuity;
mod error;
mod memory;
mod pruning;
mod query;
mod row;
mod sqlite;

use crate::message::{LogId, SagaId};

pub use error::LogError;
pub use memory::MemoryLog;
pub(crate) use pruning::FAMILIES_A_COMMIT;
pub use pruning::{Family, Prune, Pruned, Removed, RemovedFamilies, prune};
pub use query::{Count, Details, Group, Page, Query, Summary};
pub use row::{
    Batch, DefinitionRow, EndedRow, LateRow, OpenSaga, ReceivedRow, RecordRow, Recovery, Standing, StartedRow, Status,
};
pub use sqlite::{SqliteLog, SqliteReader};

/// A saga log, owned by one writer.
///
/// The promises are checked by the conformance suite, which every implementation runs.
pub trait SagaLog: Send + 'static {
    /// The identity of the log: random, made with it, the same for ever.
    fn identity(&self) -> LogId;

    /// Everything that a coordinator needs to go on: the sagas that have no end, oldest first, and what was received.
    ///
    /// A damaged row does not hide the others: it comes as an error in its saga's place.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn recover(&mut self) -> Result<Recovery, LogError>;

    /// All of the batch or nothing of it; durable when this returns (for a log that is durable at all).
    ///
    /// # Errors
    /// [`LogError::Gap`] for a record whose number does not follow the last one of its saga, or of a saga that has
    /// ended or was never started; [`LogError::StartedBefore`] and [`LogError::KeyTaken`] for a start that would be a
    /// second one; [`LogError::Incomplete`] for a batch from which no one could go on; [`LogError::Fenced`] when
    /// another writer has taken the log over; others when it cannot be written. After an error nothing of the batch
    /// is there.
    fn append(&mut self, batch: Batch) -> Result<(), LogError>;

    /// Removes these sagas, each with all that it ran: all of them that may go, in one commit, durable when this returns.
    ///
    /// Left alone is a family of which a saga has not ended, and an id that names none: because there is no such saga any
    /// more, or another one ran it. With a saga go its records, what came too late for it, and its key, with which another
    /// one may be started then. What stays for ever: no id and no position is given again, and how far each participant's
    /// reports have been taken over.
    ///
    /// # Errors
    /// [`LogError::Fenced`] as [`SagaLog::append`]; others when it cannot be written. After an error nothing of it is
    /// removed.
    fn prune(&mut self, sagas: &[SagaId]) -> Result<Pruned, LogError>;

    /// Whether [`SagaLog::append`] waits for something outside of this process, as a disk. Then a coordinator appends in
    /// a thread of its own, and decides meanwhile; otherwise at once, where it decides.
    fn waits(&self) -> bool {
        true
    }

    /// A reader that sees what is committed, usable in another thread while the writer goes on.
    ///
    /// # Errors
    /// If the log cannot be opened for reading.
    fn reader(&self) -> Result<Box<dyn LogReader>, LogError>;
}

/// Looks things up, and can change nothing.
pub trait LogReader: Send {
    /// The sagas that match, newest first; at most `limit`.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn find(&mut self, query: &Query) -> Result<Page, LogError>;

    /// How many match, counted by these groups; an empty `by` gives one count without values. Most first.
    ///
    /// All that match are counted: [`Query::below`] and [`Query::limit`] mean nothing here.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn count(&mut self, query: &Query, by: &[Group]) -> Result<Vec<Count>, LogError>;

    /// One saga with its input and outcome.
    ///
    /// # Errors
    /// If the log cannot be read, or the row is damaged.
    fn saga(&mut self, id: SagaId) -> Result<Option<Details>, LogError>;

    /// The records of a saga from number `from` on, in order; at most `limit`.
    ///
    /// # Errors
    /// If the log cannot be read, or a row is damaged.
    fn records(&mut self, id: SagaId, from: u32, limit: usize) -> Result<Vec<RecordRow>, LogError>;

    /// The records of all sagas after this position, in the order in which they were appended; at most `limit`. The
    /// first record of a log has position 1, and every further one the next: a record keeps its position for ever, and where one
    /// was removed there is a gap.
    ///
    /// # Errors
    /// If the log cannot be read, or a row is damaged.
    fn after(&mut self, position: u64, limit: usize) -> Result<Vec<(u64, RecordRow)>, LogError>;

    /// What was said to a saga when nobody waited for it any more, oldest first.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn late(&mut self, id: SagaId) -> Result<Vec<LateRow>, LogError>;

    /// The saga that was started with this key, in flight or ended.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn started_with(&mut self, key: &str) -> Result<Option<SagaId>, LogError>;

    /// The families that [`SagaLog::prune`] may remove and that are to be removed, in the order in which they ended.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn prunable(&mut self, prune: &Prune) -> Result<Vec<Family>, LogError>;

    /// A definition as it was recorded.
    ///
    /// # Errors
    /// If the log cannot be read, or the row is damaged.
    fn definition(&mut self, name: &str, version: u32) -> Result<Option<DefinitionRow>, LogError>;
}
