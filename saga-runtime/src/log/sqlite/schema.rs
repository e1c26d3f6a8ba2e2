//! The tables of the log, and what a file is before it is touched.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::problem::Problem;
use super::rows::Checksum;
use crate::log::LogError;
use crate::message::LogId;

/// `SAGA`, in the header of the file.
const APPLICATION: u32 = u32::from_be_bytes(*b"SAGA");
/// What this program writes, and the newest that it reads.
pub(super) const SCHEMA: u32 = 1;

/// The first version without the fault by which a reset of the WAL could lose it (<https://sqlite.org/wal.html>).
const OLDEST_LIBRARY: (i32, &str) = (3_051_003, "3.51.3");
/// How long to wait for a lock that is only ever held for a moment.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many pages of the `-wal` are taken over into the file at once: 16 MiB.
const PAGES_A_CHECKPOINT: u32 = 4096;
/// To this the `-wal` is cut back after a long reader has made it grow.
const LARGEST_WAL_KEPT: u32 = 64 << 20;

// `highest` outlives pruned sagas, so that no id is used twice. `digest` says which sagas have no end and how far each
// has come, so that a row that vanished is missed.
//
// Records stand in the order in which they were written, beside an index of them by saga: the records of a commit are
// of many sagas, and fill few pages so. `position` is that order, and what a watcher goes on from: where the last record
// is removed a row stays in its place, or its position would be given again.
//
// The index `saga_open` is for recovery and for lists of what is in flight, however many ended sagas are kept;
// `saga_parent` leads to what a saga ran, which is removed with it.
const TABLES: &str = "
    CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        identity INTEGER NOT NULL, epoch INTEGER NOT NULL, highest INTEGER NOT NULL, digest INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE saga (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL, version INTEGER NOT NULL, input TEXT NOT NULL, started INTEGER NOT NULL,
        parent INTEGER, key TEXT, checksum INTEGER NOT NULL,
        status TEXT, ended INTEGER, step TEXT, message TEXT, outcome TEXT, end_checksum INTEGER
    ) STRICT;
    CREATE INDEX saga_open ON saga (id) WHERE ended IS NULL;
    CREATE INDEX saga_parent ON saga (parent) WHERE parent IS NOT NULL;
    CREATE UNIQUE INDEX saga_key ON saga (key) WHERE key IS NOT NULL;
    CREATE TABLE record (
        position INTEGER PRIMARY KEY,
        saga INTEGER NOT NULL, number INTEGER NOT NULL,
        time INTEGER NOT NULL, what TEXT NOT NULL, step TEXT, attempt INTEGER, data TEXT NOT NULL,
        status TEXT, standing_step TEXT, waiting_for TEXT, participant TEXT, since INTEGER, until INTEGER, reason TEXT,
        state TEXT, checksum INTEGER NOT NULL,
        UNIQUE (saga, number)
    ) STRICT;
    CREATE TABLE late (
        saga INTEGER NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, step TEXT, data TEXT NOT NULL,
        PRIMARY KEY (saga, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE definition (
        name TEXT NOT NULL, version INTEGER NOT NULL, fingerprint TEXT NOT NULL, description TEXT NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (name, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE session (
        participant TEXT NOT NULL PRIMARY KEY, session TEXT NOT NULL, number INTEGER NOT NULL, checksum INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet: no tables, and no one's.
    Nothing,
    /// A log that this program knows.
    Log,
}

/// The one row about the log itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) identity: LogId,
    pub(super) epoch: u64,
    /// The highest id that a saga ever had; 0 before the first.
    pub(super) highest: u64,
    pub(super) digest: u64,
}

/// Refuses a library that can corrupt a log.
pub(super) fn check_library(number: i32, name: &str) -> Result<(), LogError> {
    let (oldest, needed) = OLDEST_LIBRARY;
    if number < oldest {
        return Err(LogError::OldSqlite { found: name.to_owned(), needed });
    }
    Ok(())
}

/// What the file is. Only reads.
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<Found, Problem> {
    let not_a_log = |reason: String| Err(LogError::NotALog { path: path.to_owned(), reason }.into());
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    let application: i32 = number("application_id")?;
    let found: i32 = number("user_version")?;
    match (application.cast_unsigned(), found.cast_unsigned()) {
        (APPLICATION, SCHEMA) => Ok(Found::Log),
        (APPLICATION, found) if found > SCHEMA => {
            Err(LogError::NewerSchema { path: path.to_owned(), found, known: SCHEMA }.into())
        }
        (APPLICATION, found) => not_a_log(format!("no log ever had schema {found}")),
        (0, 0) if is_empty(connection)? => Ok(Found::Nothing),
        _ => not_a_log("it is the SQLite database of another program".to_owned()),
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// What a writer needs of its connection.
pub(super) fn configure(connection: &Connection) -> Result<(), Problem> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(32);
    // A reader may only use the `-wal` and `-shm` of a log, not make them: so they stay.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Problem::Other(format!("its journal cannot be a WAL, only {mode}: keep it on a local disk")));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LARGEST_WAL_KEPT)?;
    connection.pragma_update(None, "wal_autocheckpoint", PAGES_A_CHECKPOINT)?;
    distrust(connection)?;
    Ok(())
}

/// What every connection does to a file that someone may have tampered with.
pub(super) fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Makes an empty log, at once or not at all.
pub(super) fn create(connection: &mut Connection, identity: u64) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION.cast_signed())?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    let meta = Meta { identity: LogId::from_bits(identity), epoch: 0, highest: 0, digest: 0 };
    transaction.execute(
        "INSERT INTO meta (one, identity, epoch, highest, digest, checksum) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
        meta.columns(),
    )?;
    transaction.commit()?;
    checkpoint(connection)
}

/// Takes everything over into the file itself, so that it is a log even if its `-wal` is lost.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), Problem> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// Begins an epoch: whoever wrote until now is fenced.
pub(super) fn take_over(connection: &mut Connection) -> Result<Meta, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut meta = Meta::read(&transaction)?;
    meta.epoch += 1;
    meta.write(&transaction)?;
    transaction.commit()?;
    Ok(meta)
}

impl Meta {
    /// Reads the row, and believes it only if its checksum agrees.
    pub(super) fn read(connection: &Connection) -> Result<Self, Problem> {
        let mut statement =
            connection.prepare_cached("SELECT identity, epoch, highest, digest, checksum FROM meta WHERE one = 1")?;
        let columns: [i64; 5] = statement
            .query_row([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]))
            .map_err(|error| match error {
                rusqlite::Error::SqliteFailure(..) => Problem::Sqlite(error),
                other => Problem::damaged("the row that says which log this is", &other.to_string()),
            })?;
        let [identity, epoch, highest, digest] = [0, 1, 2, 3].map(|column| columns[column].cast_unsigned());
        let meta = Self { identity: LogId::from_bits(identity), epoch, highest, digest };
        if meta.columns() != columns {
            return Err(Problem::damaged("the row that says which log this is", "its checksum does not agree"));
        }
        Ok(meta)
    }

    /// Writes what changes in a log's life.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<(), Problem> {
        let [_, epoch, highest, digest, checksum] = self.columns();
        transaction
            .prepare_cached("UPDATE meta SET epoch = ?1, highest = ?2, digest = ?3, checksum = ?4 WHERE one = 1")?
            .execute([epoch, highest, digest, checksum])?;
        Ok(())
    }

    fn columns(&self) -> [i64; 5] {
        let fields = [self.identity.to_bits(), self.epoch, self.highest, self.digest].map(u64::cast_signed);
        let checksum = fields.into_iter().fold(Checksum::new("meta"), Checksum::number).finish();
        let [identity, epoch, highest, digest] = fields;
        [identity, epoch, highest, digest, checksum]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_can_corrupt_a_log_is_refused() {
        let error = check_library(3_051_002, "3.51.2").expect_err("too old");
        assert!(error.to_string().contains("3.51.2") && error.to_string().contains("3.51.3"), "{error}");
        assert!(check_library(3_051_003, "3.51.3").is_ok());
        assert!(check_library(rusqlite::version_number(), rusqlite::version()).is_ok());
    }
}
