//! What a database is, before it is touched.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::vault::{Keeper, connection};
use crate::participant::{DatabaseError, Transactional};
use crate::prelude::SqliteLog;
use crate::rusqlite::{Connection, OpenFlags};

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("vault.db");
    (directory, path)
}

fn open(connection: Connection) -> Result<Transactional<Keeper>, DatabaseError> {
    Transactional::new(connection, Keeper::new(mpsc::unbounded_channel().0))
}

/// Why the file is refused, and that it is as it was.
fn refused(path: &Path) -> DatabaseError {
    let before = fs::read(path).expect("it is there");
    let error = open(Connection::open(path).expect("it is opened")).expect_err("it is none");
    assert!(fs::read(path).expect("it is there") == before, "it was changed: {error}");
    error
}

/// A database in which this was said, after the inbox was made.
fn made_and(statements: &str) -> (TempDir, PathBuf) {
    let (directory, path) = place();
    drop(open(connection(&path)).expect("a new one"));
    Connection::open(&path).and_then(|database| database.execute_batch(statements)).expect("statements");
    (directory, path)
}

#[test]
fn a_database_of_ones_own_is_taken_again_and_again() {
    let (_directory, path) = place();
    for _ in 0..3 {
        assert_eq!(open(connection(&path)).expect("it is ours").path(), path);
    }
}

#[test]
fn one_in_memory_is_refused() {
    for memory in [Connection::open_in_memory(), Connection::open("")] {
        let error = open(memory.expect("it is opened")).expect_err("it would be lost");
        assert_eq!(error, DatabaseError::InMemory);
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let (_directory, path) = place();
    fs::write(&path, "not a database, but long enough to be taken for one: ".repeat(20)).expect("written");
    assert_eq!(refused(&path), DatabaseError::NotADatabase { path });
}

#[test]
fn a_saga_log_is_refused() {
    let (_directory, path) = place();
    drop(SqliteLog::open(&path).expect("a log"));
    assert_eq!(refused(&path), DatabaseError::ALog { path });
}

#[test]
fn a_newer_schema_is_refused() {
    let (_directory, path) = made_and("UPDATE saga_inbox_meta SET schema = 7");
    let error = refused(&path);
    assert!(error.to_string().contains("schema 7") && error.to_string().contains("up to 1"), "{error}");
}

#[test]
fn a_schema_that_never_was_is_refused() {
    let (_directory, path) = made_and("UPDATE saga_inbox_meta SET schema = 0");
    assert!(refused(&path).to_string().contains("no inbox ever had schema 0"));
}

#[test]
fn another_participants_is_refused() {
    let (_directory, path) = made_and("UPDATE saga_inbox_meta SET participant = 'host'");
    let error = refused(&path);
    let (theirs, ours) = ("vault/host".to_owned(), "vault/keeper".to_owned());
    assert_eq!(error, DatabaseError::Anothers { path, theirs, ours });
}

#[test]
fn anothers_tables_are_refused() {
    for tables in [
        "CREATE TABLE saga_inbox_old (key TEXT)",
        "CREATE TABLE saga_inbox_meta (one INTEGER, colour TEXT)",
        "CREATE TABLE saga_inbox_meta (one INTEGER, schema INTEGER, bus TEXT, participant TEXT)",
    ] {
        let (_directory, path) = place();
        Connection::open(&path).and_then(|database| database.execute_batch(tables)).expect("tables");
        let error = refused(&path);
        assert!(matches!(error, DatabaseError::Foreign { .. }), "{tables}: {error}");
    }
}

#[test]
fn a_damaged_row_is_named() {
    for (row, reason) in [
        ("('one', 1, 'barred', 0, NULL, NULL)", "is no idempotency key"),
        ("('00000000000000aa/1/0/0/forward', 1, 'handled', 0, NULL, '[')", "EOF"),
    ] {
        let (_directory, path) = made_and(&format!("INSERT INTO saga_inbox_exchange VALUES {row}"));
        let error = refused(&path);
        assert!(matches!(error, DatabaseError::Damaged { .. }) && error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn one_that_may_only_be_read_is_refused() {
    let (_directory, path) = made_and("VACUUM");
    let database = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("it is opened");
    assert_eq!(open(database).expect_err("it cannot be written"), DatabaseError::ReadOnly { path });
}

#[test]
fn one_whose_disk_is_full_is_refused() {
    let (_directory, path) = place();
    let database = connection(&path);
    database.execute_batch("PRAGMA max_page_count = 1").expect("a small disk");
    assert_eq!(open(database).expect_err("there is no room"), DatabaseError::Full { path });
}
