//! A reader that changes nothing, whether or not a coordinator runs.
//!
//! Nothing is written, not even the shared memory of the WAL, but by a reader that shares it with the writer of its own
//! process. A log without a WAL beside it had no writer since it was put there: it is read as it is.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::place;
use super::problem::{Problem, damaged};
use super::pruning;
use super::query::{STANDING, SUMMARY, Sql, TABLES};
use super::rows::{self, Columns, ENDED, ENDED_COLUMNS, RECORD, RECORD_COLUMNS, STARTED, STARTED_COLUMNS, id};
use super::schema::{self, Found};
use crate::log::{
    Count, DefinitionRow, Details, Family, Group, LateRow, LogError, LogReader, Page, Prune, Query, RecordRow, Summary,
};
use crate::message::SagaId;
use crate::patience::patiently;

/// How long to wait for a lock that is only ever held for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// In one process the connections to a file share the shared memory of its WAL, with the rights of the first one. So
/// no writer opens a file while someone has it open who may only read.
static READING: RwLock<()> = RwLock::new(());

/// Reads a saga log in a SQLite file, while its coordinator runs or when none does.
///
/// Between two calls it holds nothing open, so it is in nobody's way.
#[derive(Debug)]
pub struct SqliteReader {
    path: PathBuf,
    /// That of a writer's reader, which shares what the writer has open.
    kept: Option<Connection>,
}

impl SqliteReader {
    /// Opens the log at `path` for reading.
    ///
    /// # Errors
    /// [`LogError::NotALog`], [`LogError::NewerSchema`]; [`LogError::Damaged`] or [`LogError::Failed`] when it cannot be
    /// read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LogError> {
        let mut reader = Self { path: path.as_ref().to_owned(), kept: None };
        reader.read("open", |_| Ok(()))?;
        Ok(reader)
    }

    /// A reader in the process of the writer, opened while that has the log open.
    pub(super) fn beside_writer(path: &Path) -> Result<Self, LogError> {
        let connection = connect(path, "").map_err(|problem| problem.at("read", path))?;
        Ok(Self { path: path.to_owned(), kept: Some(connection) })
    }

    fn read<T>(
        &mut self,
        action: &'static str,
        read: impl Fn(&Connection) -> Result<T, Problem>,
    ) -> Result<T, LogError> {
        let found = match &self.kept {
            Some(connection) => read(connection),
            None => look(&self.path, |connection| match schema::inspect(connection, &self.path)? {
                Found::Log => read(connection),
                Found::Nothing => {
                    Err(LogError::NotALog { path: self.path.clone(), reason: "it is empty".to_owned() }.into())
                }
            }),
        };
        found.map_err(|problem| problem.at(action, &self.path))
    }
}

/// Looks what the file is before a writer touches it.
pub(super) fn peek(path: &Path) -> Result<Found, LogError> {
    look(path, |connection| schema::inspect(connection, path)).map_err(|problem| problem.at("read", path))
}

/// What a writer does while no one in this process is reading.
pub(super) fn while_no_one_reads<T>(open: impl FnOnce() -> T) -> T {
    let _no_reader = READING.write().unwrap_or_else(PoisonError::into_inner);
    open()
}

/// What `read` finds in the file as it is now.
fn look<T>(path: &Path, read: impl Fn(&Connection) -> Result<T, Problem>) -> Result<T, Problem> {
    unless_written(|| look_once(path, &read))
}

/// Looks again where a writer was writing. Its readers share a header with it that they read without a lock: one that
/// reads half of it and then finds the writer done takes it for damaged, and may not put it in order itself.
pub(super) fn unless_written<T>(look: impl FnMut() -> Result<T, Problem>) -> Result<T, Problem> {
    patiently(PATIENCE, Problem::may_pass, look)
}

pub(super) fn look_once<T>(path: &Path, read: impl Fn(&Connection) -> Result<T, Problem>) -> Result<T, Problem> {
    let _no_writer_opens = READING.read().unwrap_or_else(PoisonError::into_inner);
    let metadata = fs::metadata(path).map_err(place::failed("read", path))?;
    place::regular(path, &metadata)?;
    if !has_wal(path) {
        let found = connect(path, "&immutable=1").and_then(|connection| read(&connection));
        // When a WAL has come meanwhile, what was read may be half old and half new.
        if !has_wal(path) {
            return found;
        }
    }
    // Someone copied the log and its WAL alone: only who makes the shared memory anew can read them together.
    let alone = !place::beside(path, "-shm").exists();
    read(&connect(path, if alone { "" } else { "&readonly_shm=1" })?)
}

pub(super) fn connect(path: &Path, parameters: &str) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, parameters), flags)?;
    connection.busy_timeout(PATIENCE)?;
    schema::distrust(&connection)?;
    Ok(connection)
}

fn has_wal(path: &Path) -> bool {
    place::beside(path, "-wal").exists()
}

/// As <https://sqlite.org/uri.html> wants it.
fn uri(path: &Path, parameters: &str) -> String {
    // Without an authority the two slashes of a path that begins with two would be taken for one.
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "file:" });
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(byte.into()),
            _ => write!(uri, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    uri + "?mode=ro" + parameters
}

impl LogReader for SqliteReader {
    fn find(&mut self, query: &Query) -> Result<Page, LogError> {
        let sql = Sql::matching(SUMMARY, query).page(query);
        let mut sagas = self.read("search", |connection| list(connection, &sql, summary))?;
        let more = sagas.len() > query.limit;
        sagas.truncate(query.limit);
        Ok(Page { next: sagas.last().map(|last| last.id).filter(|_| more), sagas })
    }

    fn count(&mut self, query: &Query, by: &[Group]) -> Result<Vec<Count>, LogError> {
        let sql = Sql::counted(by, query);
        self.read("count in", |connection| {
            list(connection, &sql, |columns| {
                let values = (0..by.len()).map(|column| columns.text(column)).collect();
                Ok(Count { values, count: columns.some_number(by.len()).max(0).cast_unsigned() })
            })
        })
    }

    fn saga(&mut self, saga: SagaId) -> Result<Option<Details>, LogError> {
        let text = format!("SELECT {STARTED}, {ENDED}, {RECORD} FROM {TABLES} WHERE s.id = ?");
        let sql = Sql { text, parameters: vec![id(saga).into()] };
        let found = self.read("read", |connection| list(connection, &sql, |columns| details(columns, saga)))?;
        Ok(found.into_iter().next())
    }

    fn records(&mut self, saga: SagaId, from: u32, limit: usize) -> Result<Vec<RecordRow>, LogError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let text =
            format!("SELECT {RECORD} FROM record AS r WHERE r.saga = ? AND r.number >= ? ORDER BY r.number LIMIT ?");
        let sql = Sql { text, parameters: vec![id(saga).into(), from.into(), limit.into()] };
        let records =
            self.read("read", |connection| list(connection, &sql, |columns| rows::record(columns, saga, 0)))?;
        without_holes(&records, from.max(1))?;
        Ok(records)
    }

    fn after(&mut self, position: u64, limit: usize) -> Result<Vec<(u64, RecordRow)>, LogError> {
        let text =
            format!("SELECT {RECORD}, r.position FROM record AS r WHERE r.position > ? ORDER BY r.position LIMIT ?");
        // One more, since one of them may be no record.
        let rows = [position, (limit as u64).saturating_add(1)];
        let [position, rows] = rows.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        let sql = Sql { text, parameters: vec![position.into(), rows.into()] };
        let found = self.read("read", |connection| list(connection, &sql, appended))?;
        Ok(found.into_iter().flatten().take(limit).collect())
    }

    fn late(&mut self, saga: SagaId) -> Result<Vec<LateRow>, LogError> {
        let text = "SELECT time, step, data FROM late WHERE saga = ? ORDER BY number".to_owned();
        let sql = Sql { text, parameters: vec![id(saga).into()] };
        self.read("read", |connection| list(connection, &sql, |columns| Ok(rows::late(columns, saga))))
    }

    fn started_with(&mut self, key: &str) -> Result<Option<SagaId>, LogError> {
        let sql = Sql { text: "SELECT id FROM saga WHERE key = ?".to_owned(), parameters: vec![key.to_owned().into()] };
        let found = self.read("search", |connection| list(connection, &sql, |columns| Ok(columns.id(0))))?;
        Ok(found.into_iter().flatten().next())
    }

    fn prunable(&mut self, prune: &Prune) -> Result<Vec<Family>, LogError> {
        let sql = pruning::prunable(prune);
        let found = self.read("search", |connection| list(connection, &sql, pruning::family))?;
        Ok(found.into_iter().flatten().collect())
    }

    fn definition(&mut self, name: &str, version: u32) -> Result<Option<DefinitionRow>, LogError> {
        let text = "SELECT name, version, fingerprint, description, checksum FROM definition
            WHERE name = ? AND version = ?"
            .to_owned();
        let sql = Sql { text, parameters: vec![name.to_owned().into(), version.into()] };
        let found = self.read("read", |connection| list(connection, &sql, rows::definition))?;
        Ok(found.into_iter().next())
    }
}

fn list<T>(
    connection: &Connection,
    sql: &Sql,
    read: impl Fn(&Columns<'_, '_>) -> Result<T, LogError>,
) -> Result<Vec<T>, Problem> {
    let mut statement = connection.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.parameters))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Columns(row))?);
    }
    Ok(found)
}

/// A record with its position; none for the place of one that was removed.
fn appended(columns: &Columns<'_, '_>) -> Result<Option<(u64, RecordRow)>, LogError> {
    if pruning::is_place(columns) {
        return Ok(None);
    }
    let position = columns.some_number(RECORD_COLUMNS).cast_unsigned();
    let saga = columns.id(0).ok_or_else(|| damaged(format!("record {position} of the log"), "it has no saga"))?;
    Ok(Some((position, rows::record(columns, saga, 0)?)))
}

fn summary(columns: &Columns<'_, '_>) -> Result<Summary, LogError> {
    let id = columns.id(0).ok_or_else(|| damaged("a saga", "it has no id"))?;
    Ok(Summary {
        id,
        name: columns.some_text(1),
        version: columns.small(2).unwrap_or_default(),
        started: columns.time(3).unwrap_or_default(),
        parent: columns.id(4),
        key: columns.text(5),
        ended: columns.time(6),
        standing: columns
            .standing(STANDING)
            .ok_or_else(|| damaged(format!("saga {id}"), "it has a status that there is not"))?,
    })
}

fn details(columns: &Columns<'_, '_>, id: SagaId) -> Result<Details, LogError> {
    let (started, believed) = rows::started(columns, id, 0);
    believed?;
    let ended = rows::ended(columns, id, STARTED_COLUMNS)?;
    let standing = match &ended {
        Some(ended) => ended.standing(),
        None => rows::record(columns, id, STARTED_COLUMNS + ENDED_COLUMNS)?
            .standing
            .ok_or_else(|| damaged(format!("saga {id}"), "no record says where it stands"))?,
    };
    Ok(Details {
        summary: Summary {
            id,
            name: started.name,
            version: started.version,
            standing,
            started: started.started,
            ended: ended.as_ref().map(|ended| ended.ended),
            parent: started.parent,
            key: started.key,
        },
        input: started.input,
        outcome: ended.map(|ended| ended.outcome),
    })
}

/// A record that is missing in the middle of a saga shows.
fn without_holes(records: &[RecordRow], from: u32) -> Result<(), LogError> {
    match records.iter().zip(u64::from(from)..).find(|(record, expected)| u64::from(record.number) != *expected) {
        Some((record, expected)) => Err(damaged(format!("record {expected} of saga {}", record.saga), "it is missing")),
        None => Ok(()),
    }
}
