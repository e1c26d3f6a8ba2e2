//! The walls: SQLite and sockets without anything of ours.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

/// About as long as what a record of the job takes: what happened, and the state.
const ROW_BYTES: usize = 400;

/// Opens a database as durable as the log: WAL, FULL.
fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the directory can be written");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS row (saga INTEGER NOT NULL, number INTEGER NOT NULL, data TEXT NOT NULL,
             PRIMARY KEY (saga, number)) STRICT, WITHOUT ROWID;",
        )
        .expect("an empty database takes a table");
    connection
}

/// How long it takes to write so many rows, so many of them in one commit.
pub(crate) fn write_rows(path: &Path, rows: usize, a_commit: usize) -> Duration {
    let mut connection = open(path);
    let text = "x".repeat(ROW_BYTES);
    let begin = Instant::now();
    for first in (0..rows).step_by(a_commit) {
        let transaction = connection.transaction().expect("there is no other writer");
        {
            let mut statement =
                transaction.prepare_cached("INSERT INTO row VALUES (?1, ?2, ?3)").expect("the table is there");
            for row in first..rows.min(first + a_commit) {
                let (saga, number) = (row as i64 / 4, row as i64 % 4);
                statement.execute(params![saga, number, text]).expect("no row is there twice");
            }
        }
        transaction.commit().expect("the disk takes it");
    }
    begin.elapsed()
}

/// How long it takes to read the last record of every saga in a log.
pub(crate) fn read_log(path: &Path) -> (usize, Duration) {
    let connection = Connection::open(path).expect("the log is there");
    let begin = Instant::now();
    let mut statement = connection
        .prepare("SELECT s.id, s.name, s.input, r.data, r.state FROM saga s JOIN record r ON r.saga = s.id")
        .expect("a log has these tables");
    let mut rows = statement.query([]).expect("it can be read");
    let (mut read, mut bytes) = (0, 0);
    while let Some(row) = rows.next().expect("it can be read") {
        let state: Option<String> = row.get(4).expect("a text");
        bytes += row.get::<_, String>(3).expect("a text").len() + state.map_or(0, |state| state.len());
        read += 1;
    }
    assert!(bytes > read, "rows hold something");
    (read, begin.elapsed())
}

/// One line of about the length of a frame.
fn line() -> Vec<u8> {
    let mut line = vec![b'x'; 150];
    line.push(b'\n');
    line
}

/// Answers every line with the same, until the other end is closed.
fn echo(listener: &UnixListener) {
    let (stream, _) = listener.accept().expect("somebody connects");
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is left"));
    let (mut writer, mut line) = (stream, Vec::new());
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        if reader.buffer().is_empty() || line.len() > 16_384 {
            writer.write_all(&line).expect("the other end reads");
            line.clear();
        }
    }
}

/// How long so many lines there and back take, with so many on their way at once.
pub(crate) fn round_trips(directory: &Path, trips: usize, at_once: usize) -> Duration {
    let path = directory.join("raw.sock");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("the directory can be written");
    let other = thread::spawn(move || echo(&listener));
    let mut stream = UnixStream::connect(&path).expect("it listens");
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is left"));
    let (one, mut answer) = (line(), Vec::new());
    let burst = one.repeat(at_once);
    let begin = Instant::now();
    for _ in 0..trips / at_once {
        stream.write_all(&burst).expect("the other end reads");
        for _ in 0..at_once {
            answer.clear();
            reader.read_until(b'\n', &mut answer).expect("the other end answers");
        }
    }
    let took = begin.elapsed();
    drop((stream, reader));
    other.join().expect("the other end ends with us");
    took
}
