//! The inbox's tables in a participant's own database: what the database is before it is touched, and whose it is now.
//!
//! The file belongs to the participant. Of it only the tables `saga_inbox_…` are ours, and nothing is said in its header.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::error::DatabaseError;
use super::rows::{self, Recalled};
use crate::message::{Bus, EventOf};

/// `SAGA`, in the header of a saga log.
const LOG: u32 = u32::from_be_bytes(*b"SAGA");
/// What this program writes, and the newest that it reads.
const SCHEMA: u32 = 1;
/// How long to wait for a lock that is only ever held for a moment.
const PATIENCE: Duration = Duration::from_secs(5);
/// The names of all our tables begin so.
const OURS: &str = "saga_inbox_";
/// Around each handler.
const SAVEPOINT: &str = "saga_inbox_command";

// `life` grows with each opening: whoever finds another one than its own has been replaced. `data` is the events of a
// handled command, those that a deferred one has emitted so far, or the complaint of a broken one; `command` is the
// bytes of a deferred one, for the life that goes on with it.
const TABLES: &str = "
    CREATE TABLE saga_inbox_meta (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        schema INTEGER NOT NULL, bus TEXT NOT NULL, participant TEXT NOT NULL,
        life INTEGER NOT NULL, forgot_one INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE saga_inbox_log (
        log TEXT NOT NULL PRIMARY KEY, heard INTEGER NOT NULL, lowest INTEGER NOT NULL, older TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE saga_inbox_exchange (
        key TEXT NOT NULL PRIMARY KEY, attempt INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('handled', 'deferred', 'broken', 'barred')),
        unclear INTEGER NOT NULL, command TEXT, data TEXT
    ) STRICT, WITHOUT ROWID;
";

/// A participant's database, with its inbox.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    life: i64,
    /// While it is set, the inbox is not to be touched, and the transaction not to be ended.
    handler_runs: Arc<AtomicBool>,
}

impl Database {
    /// Takes the database over, and makes the tables if there are none. Whoever served this inbox until now is fenced. A
    /// database that is refused is not changed.
    pub(super) fn open<B: Bus>(
        connection: Connection,
        participant: &str,
    ) -> Result<(Self, Recalled<EventOf<B>>), DatabaseError> {
        let path = match connection.path() {
            Some(path) if !path.is_empty() => PathBuf::from(path),
            _ => return Err(DatabaseError::InMemory),
        };
        let failed = |error: rusqlite::Error| DatabaseError::of(&error, "open", &path);
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let is_new = inspect(&connection, &path, [B::NAME, participant])?;
        configure(&connection, &path)?;
        let mut connection = connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        if is_new {
            transaction.execute_batch(TABLES).map_err(failed)?;
            transaction
                .execute(
                    "INSERT INTO saga_inbox_meta VALUES (1, ?1, ?2, ?3, 0, 0)",
                    params![SCHEMA, B::NAME, participant],
                )
                .map_err(failed)?;
        }
        let life = transaction
            .query_row("UPDATE saga_inbox_meta SET life = life + 1 RETURNING life", [], |row| row.get(0))
            .map_err(failed)?;
        let recalled = rows::recall(&transaction, &path)?;
        transaction.commit().map_err(failed)?;
        let handler_runs = guard(&mut connection).map_err(failed)?;
        Ok((Self { connection, path, life, handler_runs }, recalled))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does all of this in one transaction, or nothing of it.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&Work<'_>) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let failed = |error: rusqlite::Error| DatabaseError::of(&error, "write to", &self.path);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let life: i64 = transaction
            .prepare_cached("SELECT life FROM saga_inbox_meta")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(failed)?;
        if life != self.life {
            return Err(DatabaseError::TakenOver { path: self.path.clone() });
        }
        let work_place = Work { transaction, path: &self.path, handler_runs: &self.handler_runs };
        let done = work(&work_place)?;
        work_place.transaction.commit().map_err(failed)?;
        Ok(done)
    }
}

/// One transaction of the participant's database.
pub(super) struct Work<'a> {
    transaction: Transaction<'a>,
    path: &'a Path,
    handler_runs: &'a AtomicBool,
}

impl Work<'_> {
    pub(super) fn transaction(&self) -> &Transaction<'_> {
        &self.transaction
    }

    /// An error of SQLite, as one of this database.
    pub(super) fn failed(&self, error: &rusqlite::Error) -> DatabaseError {
        DatabaseError::of(error, "write to", self.path)
    }

    /// A handler has ended the transaction.
    pub(super) fn ended(&self, command: &str) -> DatabaseError {
        let reason = format!(
            "the handler of `{command}` ended the transaction (by `OR ROLLBACK`?); let it refuse, or give an error"
        );
        DatabaseError::Failed { action: "go on in", path: self.path.to_owned(), reason }
    }

    /// Runs a handler, and undoes what it wrote if it is not to be kept. Only the handler's own writes are undone.
    pub(super) fn apart<T>(
        &self,
        handler: impl FnOnce() -> Result<T, DatabaseError>,
        is_kept: impl FnOnce(&T) -> bool,
    ) -> Result<T, DatabaseError> {
        self.say(&format!("SAVEPOINT {SAVEPOINT}"))?;
        self.handler_runs.store(true, Ordering::Relaxed);
        let result = handler();
        self.handler_runs.store(false, Ordering::Relaxed);
        let value = result?;
        if !is_kept(&value) {
            self.say(&format!("ROLLBACK TO {SAVEPOINT}"))?;
        }
        self.say(&format!("RELEASE {SAVEPOINT}"))?;
        Ok(value)
    }

    fn say(&self, statement: &str) -> Result<(), DatabaseError> {
        let said = self.transaction.prepare_cached(statement).and_then(|mut statement| statement.execute([]));
        said.map(|_| ()).map_err(|error| self.failed(&error))
    }
}

/// Whether there is no inbox yet. Only reads.
fn inspect(connection: &Connection, path: &Path, ours: [&str; 2]) -> Result<bool, DatabaseError> {
    let failed = |error: rusqlite::Error| DatabaseError::of(&error, "read", path);
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    if application.cast_unsigned() == LOG {
        return Err(DatabaseError::ALog { path: path.to_owned() });
    }
    let count = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1";
    let tables: u32 = connection.query_row(count, [OURS], |row| row.get(0)).map_err(failed)?;
    if tables == 0 {
        return Ok(true);
    }
    let foreign = |reason: String| DatabaseError::Foreign { path: path.to_owned(), reason };
    let columns = "SELECT schema, bus, participant FROM saga_inbox_meta WHERE one = 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, [row.get(1)?, row.get(2)?]));
    let found: Option<(u32, [String; 2])> =
        connection.query_row(columns, [], read).optional().map_err(|error| foreign(error.to_string()))?;
    match found {
        None => Err(foreign("they do not say of whom they are".to_owned())),
        Some((found, _)) if found > SCHEMA => {
            Err(DatabaseError::NewerSchema { path: path.to_owned(), found, known: SCHEMA })
        }
        Some((found, _)) if found < SCHEMA => Err(foreign(format!("no inbox ever had schema {found}"))),
        Some((_, theirs)) if theirs != ours => {
            Err(DatabaseError::Anothers { path: path.to_owned(), theirs: theirs.join("/"), ours: ours.join("/") })
        }
        Some(_) => Ok(false),
    }
}

/// What it takes for a commit to be one, whatever happens to the machine.
fn configure(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let failed = |error: rusqlite::Error| DatabaseError::of(&error, "open", path);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        let reason = format!("its journal cannot be a WAL, only {mode}: keep it on a local disk");
        return Err(DatabaseError::Failed { action: "open", path: path.to_owned(), reason });
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A handler that ends the transaction would part its effect from the inbox: it gets an error when it tries.
fn guard(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicBool>> {
    let handler_runs = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&handler_runs);
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        if runs.load(Ordering::Relaxed) && is_ours(context.action) { Authorization::Deny } else { Authorization::Allow }
    }))?;
    Ok(handler_runs)
}

fn is_ours(action: AuthAction<'_>) -> bool {
    match action {
        AuthAction::Transaction { .. } => true,
        AuthAction::Savepoint { savepoint_name, .. } => savepoint_name == SAVEPOINT,
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
        | AuthAction::DropTable { table_name }
        | AuthAction::AlterTable { table_name, .. } => table_name.starts_with(OURS),
        _ => false,
    }
}
