//! The wall of `deleting`: the transactions that its two databases need, with as many blocks in each commit as can be
//! deleted at once, and nothing else. The tables, the pragmas and the rows are those of the product: the rows are taken
//! from one block that it deleted.
//!
//! A round needs three commits of the log (the sagas start, they record that the block is gone, they end) and two of the
//! participant's database (the blocks are deleted, there is no session to end; the inbox remembers both, and forgets those
//! of the last round). Sagas that queue are there already: then the end of one round begins the next one, and two commits
//! of the log are enough.
//!
//! Each database is written by a thread of its own, which waits for nothing. Nobody can do that, for a block is deleted
//! only when its saga's start is durable: it is what no disk and no processor would be faster than.

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

/// Blocks a second.
pub(crate) fn deletes(blocks: usize, workspaces: usize) -> f64 {
    let sample = Sample::taken();
    let directory = tempfile::tempdir().expect("a directory for a while");
    let furnished = furnish(directory.path(), blocks, workspaces);
    let rounds: Vec<Vec<_>> = (1..).step_by(workspaces).zip(furnished.chunks(workspaces)).map(round).collect();
    let mut log = log(directory.path());
    let mut srv = inbox_and_store(directory.path());
    let begin = Instant::now();
    thread::scope(|threads| {
        threads.spawn(|| sample.write_log(&mut log, &rounds, workspaces < AT_ONCE));
        sample.write_srv(&mut srv, &rounds);
    });
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

/// A commit of the log, with the one row about the log itself.
fn write(log: &mut Connection, work: impl FnOnce(&Transaction<'_>)) {
    commit(log, |log| {
        execute(log, "UPDATE meta SET highest = highest + 1, digest = digest + 1, checksum = checksum + 1", &[]);
        work(log);
    });
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

    fn write_log(&self, log: &mut Connection, rounds: &[Vec<Delete<'_>>], queues: bool) {
        write(log, |log| self.start(log, &rounds[0]));
        for (number, round) in rounds.iter().enumerate() {
            write(log, |log| self.record(log, round, 1));
            let next = rounds.get(number + 1).map_or(&[][..], Vec::as_slice);
            write(log, |log| {
                self.end(log, round);
                self.start(log, if queues { next } else { &[] });
            });
            if !queues && !next.is_empty() {
                write(log, |log| self.start(log, next));
            }
        }
    }

    fn write_srv(&self, srv: &mut Connection, rounds: &[Vec<Delete<'_>>]) {
        let mut last: &[Delete<'_>] = &[];
        for round in rounds {
            commit(srv, |srv| {
                self.forget(srv, last);
                self.delete(srv, round);
            });
            commit(srv, |srv| self.find_no_session(srv, round));
            last = round;
        }
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
