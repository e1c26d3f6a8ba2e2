//! The wall of `deleting`: the transactions that its two databases need, with as many blocks in each commit as can be
//! deleted at once, and nothing else. The tables, the pragmas and the rows are those of the product: the rows are taken
//! from one block that it deleted.
//!
//! A round is five commits, each of which must be durable before the next one may begin: the sagas start; the blocks are
//! deleted, and the inbox remembers it; the sagas record it; the inbox remembers that there was no session to end; the
//! sagas end. With the deletes of a round the inbox forgets those of the last one. Sagas that queue are there already:
//! the end of one round begins the next one, and four commits are enough.

use std::path::Path;
use std::thread;
use std::time::Instant;

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params_from_iter};
use saga_runtime::prelude::SqliteLog;
use sagas::catalogue::DeleteBlock;
use sagas::srv::store::STORE_FILE;
use tokio::sync::mpsc;

use super::deleting::{AT_ONCE, LOG_FILE, Line, furnish, run, srv};
use super::measure::rate;

/// As the log has it.
const PAGES_A_CHECKPOINT: u32 = 4096;

/// Who writes.
#[derive(Clone, Copy)]
pub(crate) enum Writing {
    /// One thread, one commit after another.
    InOrder,
    /// A thread for each database, which waits for nothing. Nobody can do that, but nothing is faster.
    AtOnce,
}

impl Writing {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::InOrder => "one after another",
            Self::AtOnce => "both at once, neither waiting",
        }
    }
}

/// Blocks a second.
pub(crate) fn deletes(blocks: usize, workspaces: usize, writing: Writing) -> f64 {
    let sample = Sample::taken();
    let directory = tempfile::tempdir().expect("a directory for a while");
    let furnished = furnish(directory.path(), blocks, workspaces);
    let rounds: Vec<Vec<_>> = (1..).step_by(workspaces).zip(furnished.chunks(workspaces)).map(round).collect();
    let next = rounds.iter().map(Vec::as_slice).skip(1).chain([&[][..]]);
    let rounds: Vec<_> = rounds.iter().zip(next).collect();
    let mut log = Log { connection: log(directory.path()), sample: &sample, queues: workspaces < AT_ONCE };
    let mut srv = Inbox { connection: inbox_and_store(directory.path()), sample: &sample, last: &[] };
    let begin = Instant::now();
    log.commit(|sample, log| sample.start(log, rounds[0].0));
    match writing {
        Writing::InOrder => rounds.iter().for_each(|(round, next)| {
            srv.delete(round);
            log.record(round);
            srv.find_no_session(round);
            log.end(round, next);
        }),
        Writing::AtOnce => thread::scope(|threads| {
            threads.spawn(|| {
                for (round, next) in &rounds {
                    log.record(round);
                    log.end(round, next);
                }
            });
            for (round, _) in &rounds {
                srv.delete(round);
                srv.find_no_session(round);
            }
        }),
    }
    rate(blocks, begin.elapsed())
}

/// A saga's number, and what it deletes.
type Delete<'a> = (i64, &'a DeleteBlock);

fn round((first, deletes): (i64, &[DeleteBlock])) -> Vec<Delete<'_>> {
    (first..).zip(deletes).collect()
}

/// An empty log, with the tables of the product.
fn log(directory: &Path) -> Connection {
    let path = directory.join(LOG_FILE);
    drop(SqliteLog::open(&path).expect("the directory can be written"));
    let log = connect(&path);
    log.pragma_update(None, "wal_autocheckpoint", PAGES_A_CHECKPOINT).expect("an integer");
    log
}

/// What is there, with the tables of the product.
fn inbox_and_store(directory: &Path) -> Connection {
    drop(srv(directory, mpsc::unbounded_channel().0));
    let srv = connect(&directory.join(STORE_FILE));
    srv.pragma_update(None, "foreign_keys", true).expect("a boolean");
    srv
}

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("it was made just now");
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").expect("on a local disk");
    connection
}

/// The log, one commit after another.
struct Log<'a> {
    connection: Connection,
    sample: &'a Sample,
    queues: bool,
}

impl Log<'_> {
    fn record(&mut self, round: &[Delete<'_>]) {
        self.commit(|sample, log| sample.record(log, round, 1));
    }

    fn end(&mut self, round: &[Delete<'_>], next: &[Delete<'_>]) {
        let queued = if self.queues { next } else { &[] };
        self.commit(|sample, log| {
            sample.end(log, round);
            sample.start(log, queued);
        });
        if !self.queues && !next.is_empty() {
            self.commit(|sample, log| sample.start(log, next));
        }
    }

    /// With the one row about the log itself.
    fn commit(&mut self, work: impl FnOnce(&Sample, &Transaction<'_>)) {
        commit(&mut self.connection, |log| {
            execute(log, "UPDATE meta SET highest = highest + 1, digest = digest + 1, checksum = checksum + 1", &[]);
            work(self.sample, log);
        });
    }
}

/// The participant's database, one commit after another.
struct Inbox<'a> {
    connection: Connection,
    sample: &'a Sample,
    last: &'a [Delete<'a>],
}

impl<'a> Inbox<'a> {
    fn delete(&mut self, round: &'a [Delete<'a>]) {
        commit(&mut self.connection, |srv| {
            self.sample.forget(srv, self.last);
            self.sample.delete(srv, round);
        });
        self.last = round;
    }

    fn find_no_session(&mut self, round: &[Delete<'_>]) {
        commit(&mut self.connection, |srv| self.sample.find_no_session(srv, round));
    }
}

fn commit(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>)) {
    let transaction = connection.transaction().expect("there is no other writer");
    work(&transaction);
    transaction.commit().expect("the disk takes it");
}

/// What the product wrote for one block.
struct Sample {
    saga: Vec<Value>,
    records: Vec<Vec<Value>>,
    exchanges: Vec<Vec<Value>>,
}

impl Sample {
    fn taken() -> Self {
        let directory = tempfile::tempdir().expect("a directory for a while");
        run(directory.path(), 1, 1, Line::InProcess);
        let log = connect(&directory.path().join(LOG_FILE));
        let srv = connect(&directory.path().join(STORE_FILE));
        let sample = Self {
            saga: rows(&log, "SELECT * FROM saga").remove(0),
            records: rows(&log, "SELECT * FROM record ORDER BY number"),
            exchanges: rows(&srv, "SELECT * FROM saga_inbox_exchange ORDER BY key"),
        };
        assert_eq!((sample.records.len(), sample.exchanges.len()), (3, 2), "what a round consists of");
        sample
    }

    fn start(&self, log: &Transaction<'_>, round: &[Delete<'_>]) {
        let insert = "INSERT INTO saga (id, name, version, input, started, parent, key, checksum)
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        for (id, _) in round {
            let mut values = self.saga[..8].to_vec();
            values[0] = (*id).into();
            execute(log, insert, &values);
        }
        self.record(log, round, 0);
    }

    fn record(&self, log: &Transaction<'_>, round: &[Delete<'_>], number: usize) {
        let insert = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        for (id, _) in round {
            let mut values = self.records[number].clone();
            // The position is given by SQLite.
            values[0] = Value::Null;
            values[1] = (*id).into();
            execute(log, insert, &values);
        }
    }

    fn end(&self, log: &Transaction<'_>, round: &[Delete<'_>]) {
        self.record(log, round, 2);
        let update = "UPDATE saga SET status = ?, ended = ?, step = ?, message = ?, outcome = ?, end_checksum = ?
                      WHERE id = ? AND ended IS NULL";
        for (id, _) in round {
            let mut values = self.saga[8..].to_vec();
            values.push((*id).into());
            execute(log, update, &values);
        }
    }

    fn delete(&self, srv: &Transaction<'_>, round: &[Delete<'_>]) {
        let find = "SELECT layout FROM tab JOIN block ON tab = tab.id WHERE block.id = ? AND tab.id = ?";
        for (id, delete) in round {
            let (tab, block) = (delete.tab.0.cast_signed(), delete.block.0.cast_signed());
            let layout: String = srv
                .prepare_cached(find)
                .and_then(|mut statement| statement.query_row([block, tab], |row| row.get(0)))
                .expect("the block is there");
            let layout = layout.replacen(&format!("[{block}]"), "", 1);
            execute(srv, "UPDATE tab SET layout = ? WHERE id = ?", &[layout.into(), tab.into()]);
            execute(srv, "DELETE FROM block WHERE id = ?", &[block.into()]);
            self.remember(srv, *id, 0);
        }
    }

    fn find_no_session(&self, srv: &Transaction<'_>, round: &[Delete<'_>]) {
        for (id, delete) in round {
            let found = srv
                .prepare_cached("SELECT 1 FROM session WHERE block = ?")
                .and_then(|mut statement| statement.exists([delete.block.0.cast_signed()]));
            assert!(!found.expect("it can be read"), "it has no session");
            self.remember(srv, *id, 1);
        }
    }

    fn remember(&self, srv: &Transaction<'_>, id: i64, exchange: usize) {
        let mut values = self.exchanges[exchange].clone();
        values[0] = key(id, exchange);
        execute(srv, "INSERT INTO saga_inbox_exchange VALUES (?, ?, ?, ?, ?, ?)", &values);
    }

    fn forget(&self, srv: &Transaction<'_>, round: &[Delete<'_>]) {
        for ((id, _), exchange) in round.iter().flat_map(|delete| (0..self.exchanges.len()).map(move |at| (delete, at)))
        {
            execute(srv, "DELETE FROM saga_inbox_exchange WHERE key = ?", &[key(*id, exchange)]);
        }
    }
}

/// As the inbox writes them.
fn key(id: i64, exchange: usize) -> Value {
    let mode = ["forward", "finally"][exchange];
    format!("4f0e9e5c04f1fc05/{id}/{exchange}/0/{mode}").into()
}

fn rows(connection: &Connection, query: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(query).expect("the product has these tables");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
    rows.and_then(Iterator::collect).expect("it can be read")
}

fn execute(transaction: &Transaction<'_>, statement: &str, values: &[Value]) {
    let mut statement = transaction.prepare_cached(statement).expect("the product has these tables");
    statement.execute(params_from_iter(values)).expect("it is a row of the product's");
}
