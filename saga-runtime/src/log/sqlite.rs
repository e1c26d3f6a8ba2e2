//! The saga log in a SQLite file: the usual one.
//!
//! One writer, which holds a lock of the operating system beside the file and an epoch in it; any number of readers
//! in this and other processes. What was written is believed only when its checksum agrees. It knows no saga's types.
//!
//! | module | what it is for |
//! |---|---|
//! | `place` | where the file is: private, ours alone, locked |
//! | `schema` | tables; what a file is before it is touched |
//! | `rows` | rows to and from columns, with their checksums |
//! | `writer` | batches |
//! | `recovery` | what a coordinator finds |
//! | `reader` | a reader that changes nothing, whether or not a coordinator runs |
//! | `query` | `find` and `count` as SQL |
//! | `pruning` | what goes, and what must not go with it |
//! | `problem` | what SQLite says, in the words of the log |

#[cfg(test)]
mod damage;
mod place;
mod problem;
mod pruning;
mod query;
mod reader;
mod recovery;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use self::problem::Problem;
pub use self::reader::SqliteReader;
use self::schema::{Found, Meta};
use super::continuity::Continuity;
use super::{Batch, LogError, LogReader, Pruned, Recovery, SagaLog};
use crate::message::{LogId, SagaId};

/// A saga log in a SQLite file.
///
/// Beside the file stand `-wal` and `-shm`, which belong to it, and `.lock`, which says who writes. While no one has
/// it open everything is in the file itself, unless the last writer was killed.
#[derive(Debug)]
pub struct SqliteLog {
    path: PathBuf,
    // Closed before the lock is let go: fields are dropped in this order.
    connection: Connection,
    _lock: File,
    meta: Meta,
    continuity: Continuity,
}

impl SqliteLog {
    /// Opens the log at `path` for writing, or makes it. Whoever wrote to it until now is fenced.
    ///
    /// The file is made for this user alone. A file that is refused is not changed. Blocks for up to a second while another
    /// process holds it.
    ///
    /// # Errors
    /// [`LogError::InUse`], [`LogError::NotALog`], [`LogError::NewerSchema`], [`LogError::NotPrivate`],
    /// [`LogError::OldSqlite`]; [`LogError::Damaged`] or [`LogError::Failed`] when it cannot be read or made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LogError> {
        let path = path.as_ref();
        schema::check_library(rusqlite::version_number(), rusqlite::version())?;
        if place::inspect(path)? {
            reader::peek(path)?;
        }
        let lock = place::lock(path)?;
        place::create(path)?;
        let connected = reader::while_no_one_reads(|| connect(path));
        let (connection, meta) = connected.map_err(|problem| problem.at("open", path))?;
        let continuity = Continuity::new(meta.digest);
        Ok(Self { path: path.to_owned(), connection, _lock: lock, meta, continuity })
    }
}

fn connect(path: &Path) -> Result<(Connection, Meta), Problem> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    let found = schema::inspect(&connection, path)?;
    schema::configure(&connection)?;
    if found == Found::Nothing {
        schema::create(&mut connection, getrandom::u64().map_err(|error| Problem::Other(error.to_string()))?)?;
    }
    let meta = schema::take_over(&mut connection)?;
    Ok((connection, meta))
}

impl SagaLog for SqliteLog {
    fn identity(&self) -> LogId {
        self.meta.identity
    }

    fn recover(&mut self) -> Result<Recovery, LogError> {
        recovery::recover(&mut self.connection, &mut self.continuity, self.meta.epoch)
            .map_err(|problem| problem.at("recover", &self.path))
    }

    fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        if batch.is_empty() {
            return Ok(());
        }
        match writer::append(&mut self.connection, &mut self.continuity, &self.meta, &batch) {
            Ok(meta) => {
                self.meta = meta;
                Ok(())
            }
            Err(problem) => {
                self.continuity = Continuity::new(self.meta.digest);
                Err(problem.at("append to", &self.path))
            }
        }
    }

    fn prune(&mut self, sagas: &[SagaId]) -> Result<Pruned, LogError> {
        pruning::prune(&mut self.connection, &self.meta, sagas).map_err(|problem| problem.at("prune", &self.path))
    }

    fn reader(&self) -> Result<Box<dyn LogReader>, LogError> {
        Ok(Box::new(SqliteReader::beside_writer(&self.path)?))
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        // Everything into the file itself, so that a copy of it alone is whole. A reader may hold this up: then the
        // rest stays in the `-wal`, where the next one finds it.
        let _ = self.connection.busy_timeout(Duration::ZERO);
        let _ = schema::checkpoint(&self.connection);
    }
}
