//! What two processes do to one log, and what is left of it when one is killed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use super::{files, open, place, refused, seen, states};
use crate::log::conformance::sample::{go_on, start};
use crate::log::sqlite::reader::{look_once, unless_written};
use crate::log::sqlite::schema::{Found, inspect};
use crate::log::{LogError, SagaLog, SqliteReader};
use crate::message::SagaId;

/// Set for the process that [`is_another_process`] is run in: the log, and how many sagas it writes before it waits.
pub(super) const ANOTHER: [&str; 2] = ["SAGA_LOG_PATH", "SAGA_LOG_SAGAS"];

/// The other process of the tests below: says the number of every saga that is committed.
#[test]
fn is_another_process() {
    let [Some(path), Some(sagas)] = ANOTHER.map(std::env::var_os) else { return };
    let sagas: u64 = sagas.to_str().and_then(|sagas| sagas.parse().ok()).expect("how many sagas");
    let mut log = open(path.as_ref());
    let found = log.recover().expect("the log recovers");
    for saga in found.open.iter().filter(|saga| saga.number == 1) {
        log.append(go_on(saga.id.get(), 2)).expect("a record");
    }
    let first = found.next.map_or(1, SagaId::get);
    for number in (first..).take(usize::try_from(sagas).expect("not that many")) {
        log.append(start(number)).expect("a start");
        log.append(go_on(number, 2)).expect("a record");
        eprintln!("committed {number}");
    }
    std::io::stdin().read_line(&mut String::new()).expect("waits until it is killed");
}

/// Another process that writes, killed when it is dropped.
pub(super) struct Writer(Child);

impl Writer {
    fn spawn(path: &Path, sagas: usize) -> Self {
        Self::running("log::sqlite::tests::process::is_another_process", path, sagas)
    }

    /// One that does what a test of this program does.
    pub(super) fn running(test: &str, path: &Path, sagas: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let child = Command::new(program)
            .args(["--exact", "--nocapture", test])
            .envs(ANOTHER.into_iter().zip([path.as_os_str(), sagas.to_string().as_ref()]))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.expect("a second process"))
    }

    /// The last number that it committed, once it has committed so many.
    pub(super) fn wait_for(&mut self, many: usize) -> u64 {
        let lines = BufReader::new(self.0.stderr.as_mut().expect("its words are heard")).lines();
        let numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
        numbers.take(many).last().expect("it commits")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.kill().expect("it is killed");
        self.0.wait().expect("it is gone");
    }
}

#[test]
fn a_reader_in_another_process_changes_nothing() {
    let (directory, path) = place();
    let mut writer = Writer::spawn(&path, 5);
    writer.wait_for(5);
    let before = files(directory.path());
    let mut reader = SqliteReader::open(&path).expect("it can be read");
    assert_eq!(seen(&mut reader), 5);
    assert!(files(directory.path()) == before, "beside a writer: nothing has changed, and nothing is new");
    drop(writer);
    assert_eq!(seen(&mut reader), 5);
    assert!(files(directory.path()) == before, "after it was killed: nothing has changed, and nothing is new");
}

/// What a writer shares with its readers. While it writes there, half is new and half is old.
struct Shared {
    file: File,
}

impl Shared {
    /// In the first of the two copies of the header: a count of the changes.
    const CHANGES: u64 = 8;

    fn of(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path.with_extension("db-shm"));
        Self { file: file.expect("a writer has made it") }
    }

    /// The writer begins to write, or has done so.
    fn flip(&self) {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, Self::CHANGES).expect("the header is there");
        self.file.write_all_at(&[!byte[0]], Self::CHANGES).expect("it can be written");
    }
}

#[test]
fn a_reader_that_comes_while_the_writer_writes_looks_again() {
    let (_directory, path) = place();
    let mut writer = Writer::spawn(&path, 5);
    writer.wait_for(5);
    let shared = Shared::of(&path);
    shared.flip();
    let mut looks = Vec::new();
    let found = unless_written(|| {
        let found = look_once(&path, |connection| inspect(connection, &path));
        looks.push(found.is_ok());
        if looks.len() == 1 {
            shared.flip();
        }
        found
    });
    assert!(matches!(found, Ok(Found::Log)), "{found:?}");
    assert_eq!(looks, [false, true]);
}

#[test]
fn a_reader_reads_while_the_writer_writes() {
    let (_directory, path) = place();
    let mut writer = Writer::spawn(&path, 5);
    writer.wait_for(5);
    let shared = Shared::of(&path);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut reader = SqliteReader::open(&path).expect("it can be read");
            (0..100).for_each(|_| assert_eq!(seen(&mut reader), 5));
        });
        while !reading.is_finished() {
            shared.flip();
            thread::yield_now();
        }
    });
}

#[test]
fn a_killed_writer_leaves_no_lock_and_everything_it_committed() {
    let (_directory, path) = place();
    for round in 1..=3 {
        let mut writer = Writer::spawn(&path, usize::MAX);
        let last = writer.wait_for(20 * round);
        assert!(matches!(refused(&path), LogError::InUse { .. }), "another process writes");
        let mut reader = SqliteReader::open(&path).expect("it can be read meanwhile");
        assert!(seen(&mut reader) as u64 >= last);
        drop(writer);
        let states = states(&mut open(&path));
        assert!(states.len() as u64 >= last, "{} of {last}", states.len());
        let (id, newest) = states.last().expect("sagas");
        assert!(*newest == format!("state 2 of {id}") || *newest == format!("state 1 of {id}"), "{newest}");
        for (number, (id, state)) in (1..last).zip(&states) {
            assert_eq!((*id, state), (number, &format!("state 2 of {number}")));
        }
    }
}
