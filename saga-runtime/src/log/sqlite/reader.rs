//! A reader that changes nothing, whether or not a coordinator runs.
//!
//! Nothing is written, not even the shared memory of the WAL. A log without a WAL beside it had no writer since it was
//! put there: it is read as it is, until a WAL appears.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::place;
use super::problem::{Problem, damaged};
use super::query::{STANDING, SUMMARY, Sql, TABLES};
use super::rows::{self, Columns, ENDED, ENDED_COLUMNS, RECORD, STARTED, STARTED_COLUMNS, id};
use super::schema::{self, Found};
use crate::log::{Count, DefinitionRow, Details, Group, LateRow, LogError, LogReader, Page, Query, RecordRow, Summary};
use crate::message::SagaId;

/// How long to wait for a lock that is only ever held for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads a saga log in a SQLite file, while its coordinator runs or when none does.
#[derive(Debug)]
pub struct SqliteReader {
    path: PathBuf,
    connection: Connection,
    /// No WAL was there.
    frozen: bool,
}

impl SqliteReader {
    /// Opens the log at `path` for reading.
    ///
    /// # Errors
    /// [`LogError::NotALog`], [`LogError::NewerSchema`]; [`LogError::Damaged`] or [`LogError::Failed`] when it cannot be
    /// read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LogError> {
        let path = path.as_ref();
        let (reader, found) = open(path)?;
        if found == Found::Nothing {
            return Err(LogError::NotALog { path: path.to_owned(), reason: "it is empty".to_owned() });
        }
        Ok(reader)
    }

    /// What `read` finds. When a WAL appears meanwhile, what was read may be half old and half new: it is read again.
    fn read<T>(
        &mut self,
        action: &'static str,
        read: impl Fn(&Connection) -> Result<T, Problem>,
    ) -> Result<T, LogError> {
        let mut found = read(&self.connection);
        if self.frozen && has_wal(&self.path) {
            (*self, _) = open(&self.path)?;
            found = read(&self.connection);
        }
        found.map_err(|problem| problem.at(action, &self.path))
    }
}

/// Looks what the file is, as a reader does, before a writer touches it.
pub(super) fn peek(path: &Path) -> Result<Found, LogError> {
    open(path).map(|(_, found)| found)
}

fn open(path: &Path) -> Result<(SqliteReader, Found), LogError> {
    let metadata = fs::metadata(path).map_err(place::failed("read", path))?;
    place::regular(path, &metadata)?;
    let frozen = !has_wal(path);
    let parameters = match (frozen, place::beside(path, "-shm").exists()) {
        (true, _) => "immutable=1",
        (false, true) => "readonly_shm=1",
        // Someone copied the log and its WAL: only who makes the shared memory anew can read them together.
        (false, false) => "",
    };
    let (connection, found) = connect(path, parameters).map_err(|problem| problem.at("read", path))?;
    Ok((SqliteReader { path: path.to_owned(), connection, frozen }, found))
}

fn connect(path: &Path, parameters: &str) -> Result<(Connection, Found), Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, parameters), flags)?;
    connection.busy_timeout(PATIENCE)?;
    schema::distrust(&connection)?;
    let found = schema::inspect(&connection, path)?;
    Ok((connection, found))
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
    uri + "?mode=ro&" + parameters
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
