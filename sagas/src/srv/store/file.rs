//! The database file: made for this user alone, and refused if it is something else. It knows no rows.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use saga_runtime::rusqlite::{self, Connection, TransactionBehavior};

use super::rows::TABLES;

/// The name of the database, in the directory in which the processes meet.
pub const STORE_FILE: &str = "srv.db";

/// What this program writes, and the newest that it reads.
const SCHEMA: u32 = 1;

/// How long to wait for a lock that is only ever held for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever may write there may put another file in its place.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why a file is not the database of a srv.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is something else.
    #[error("{path} is not the database of a srv: {reason}; move it away, or give another directory")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: String,
    },
    /// Others may write to it.
    #[error("{path} is open to other users; make it private to you: chmod 600 {path}")]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// A later version made it.
    #[error("{path} has schema {found}, and this program knows {known}; run the program that wrote it, or a newer one")]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// In it.
        found: u32,
        /// Here.
        known: u32,
    },
    /// The system or SQLite says no.
    #[error("cannot open {path}: {reason}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
}

/// Opens the database, and makes it if there is none.
///
/// # Errors
/// If the file is something else, open to others, of a newer program, or cannot be used.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = |reason: String| StoreError::Failed { path: path.to_owned(), reason };
    make(path)?;
    let mut connection = Connection::open(path).map_err(|error| failed(error.to_string()))?;
    configure(&connection).map_err(|error| told(path, &error))?;
    let found: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| told(path, &error))?;
    match found {
        SCHEMA => Ok(connection),
        0 => {
            lay_out(&mut connection, path)?;
            Ok(connection)
        }
        found => Err(StoreError::NewerSchema { path: path.to_owned(), found, known: SCHEMA }),
    }
}

/// Makes the file for this user alone; if it is there, checks that it is.
fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::Failed { path: path.to_owned(), reason: error.to_string() };
    match OpenOptions::new().write(true).mode(0o600).create_new(true).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(StoreError::Foreign { path: path.to_owned(), reason: "it is no regular file".to_owned() });
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(StoreError::NotPrivate { path: path.to_owned() });
    }
    Ok(())
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the tables, unless another connection has made them meanwhile.
fn lay_out(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let mut made = || -> rusqlite::Result<bool> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let others: u32 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if found == 0 && others > 0 {
            return Ok(false);
        }
        if found == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
        }
        transaction.commit()?;
        Ok(true)
    };
    match made() {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(StoreError::Foreign { path: path.to_owned(), reason: "it has tables of another program".to_owned() })
        }
        Err(error) => Err(told(path, &error)),
    }
}

fn told(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign { path, reason: error.to_string() },
        _ => StoreError::Failed { path, reason: error.to_string() },
    }
}
