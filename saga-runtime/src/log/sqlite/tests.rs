//! What only a log in a file has to keep.

mod process;
mod pruning;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::SystemTime;

use super::*;
use crate::log::conformance::sample::{end, go_on, saga, start};
use crate::log::{Query, conformance};

/// A private directory with the path of a log in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("sagas.db");
    (directory, path)
}

fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path).expect("the log opens")
}

fn refused(path: &Path) -> LogError {
    SqliteLog::open(path).expect_err("it is refused")
}

/// What a restart would find: the open sagas and their states.
fn states(log: &mut SqliteLog) -> Vec<(u64, String)> {
    let open = log.recover().expect("the log recovers").open;
    open.into_iter().map(|saga| (saga.id.get(), saga.state.expect("its state"))).collect()
}

/// How many sagas a reader sees.
fn seen(reader: &mut SqliteReader) -> usize {
    reader.find(&Query { limit: usize::MAX, ..Query::default() }).expect("a page").sagas.len()
}

/// Every file of a directory with its bytes and the time of its last change.
fn files(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let changed = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("the time of its change");
            (path.clone(), (fs::read(&path).expect("a file can be read"), changed))
        })
        .collect()
}

#[test]
fn keeps_the_promises_of_a_log() {
    conformance::run(|| {
        let (directory, path) = place();
        Box::new(move || {
            let _kept_until_the_end = &directory;
            Box::new(open(&path))
        })
    });
}

#[test]
fn every_file_is_for_this_user_alone() {
    let (directory, path) = place();
    let mut log = open(&path);
    log.append(start(1)).expect("a start");
    let modes: BTreeMap<_, _> = fs::read_dir(directory.path())
        .expect("the directory can be read")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("its metadata").permissions().mode() & 0o777;
            (entry.file_name().into_string().expect("a name in UTF-8"), mode)
        })
        .collect();
    let expected = ["sagas.db", "sagas.db-shm", "sagas.db-wal", "sagas.db.lock"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(modes, BTreeMap::from(expected));
}

#[test]
fn two_logs_have_two_identities() {
    let ((_one, first), (_other, second)) = (place(), place());
    assert_ne!(open(&first).identity(), open(&second).identity());
}

#[test]
fn a_file_that_is_no_log_is_refused_unchanged() {
    let text = |path: &Path| fs::write(path, "a diary, ".repeat(1000)).expect("a text");
    let other = |path: &Path| {
        let connection = Connection::open(path).expect("a database");
        connection.execute_batch("CREATE TABLE diary (day TEXT)").expect("a table");
    };
    let other_wal = |path: &Path| {
        let connection = Connection::open(path).expect("a database");
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE diary (day TEXT)").expect("a table");
    };
    let other_application = |path: &Path| {
        let connection = Connection::open(path).expect("a database");
        connection.execute_batch("PRAGMA application_id = 17; PRAGMA user_version = 1").expect("pragmas");
    };
    let cases: [(fn(&Path), _); 4] = [
        (text, "no SQLite database"),
        (other, "another program"),
        (other_wal, "another program"),
        (other_application, "another program"),
    ];
    for (make, reason) in cases {
        let (directory, path) = place();
        make(&path);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
        let before = files(directory.path());
        let error = refused(&path);
        assert!(matches!(error, LogError::NotALog { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(reason) && message.contains("sagas.db"), "{message}");
        let error = SqliteReader::open(&path).expect_err("it is refused to readers too");
        assert!(matches!(error, LogError::NotALog { .. }), "{error:?}");
        assert!(files(directory.path()) == before, "{reason}: nothing has changed, and nothing is new");
    }
}

#[test]
fn a_newer_schema_is_refused_unchanged() {
    let (directory, path) = place();
    open(&path).append(start(1)).expect("a start");
    Connection::open(&path).and_then(|log| log.pragma_update(None, "user_version", 7)).expect("a newer schema");
    let before = files(directory.path());
    for error in [refused(&path), SqliteReader::open(&path).expect_err("it is refused to readers too")] {
        assert!(matches!(error, LogError::NewerSchema { found: 7, known: 1, .. }), "{error:?}");
        assert!(error.to_string().contains('7') && error.to_string().contains("sagas.db"), "{error}");
    }
    assert!(files(directory.path()) == before, "nothing has changed");
    Connection::open(&path).and_then(|log| log.pragma_update(None, "user_version", -7)).expect("a wrong schema");
    assert!(matches!(refused(&path), LogError::NewerSchema { .. }));
    Connection::open(&path).and_then(|log| log.pragma_update(None, "user_version", 0)).expect("a wrong schema");
    assert!(matches!(refused(&path), LogError::NotALog { .. }));
}

#[test]
fn what_is_no_file_is_refused() {
    let (directory, path) = place();
    let log = directory.path().join("real.db");
    drop(open(&log));
    symlink(&log, &path).expect("a link");
    assert!(refused(&path).to_string().contains("symbolic link"));

    fs::remove_file(&path).expect("the link goes");
    symlink(directory.path().join("nowhere"), &path).expect("a link to nothing");
    assert!(refused(&path).to_string().contains("symbolic link"));

    let inner = directory.path().join("inner");
    fs::create_dir(&inner).expect("a directory");
    assert!(refused(&inner).to_string().contains("it is a directory"));

    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    assert!(refused(&pipe).to_string().contains("pipe"));
    assert!(SqliteReader::open(&pipe).expect_err("no log").to_string().contains("pipe"));

    let missing = directory.path().join("missing").join("sagas.db");
    let error = refused(&missing);
    assert!(matches!(error, LogError::Failed { .. }) && error.to_string().contains("missing"), "{error}");
    assert!(matches!(SqliteReader::open(&missing), Err(LogError::Failed { .. })));
}

#[test]
fn what_others_can_change_is_refused() {
    let (directory, path) = place();
    drop(open(&path));
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("permissions");
        let error = refused(&path);
        assert!(matches!(error, LogError::NotPrivate { remedy: "0600", .. }), "{error:?}");
        assert!(error.to_string().contains("sagas.db") && error.to_string().contains("chmod 0600"), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
    for mode in [0o720, 0o1777] {
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).expect("permissions");
        for path in [path.clone(), directory.path().join("new.db")] {
            let error = refused(&path);
            assert!(matches!(error, LogError::NotPrivate { remedy: "0700", .. }), "{error:?}");
        }
        assert!(!directory.path().join("new.db").exists());
    }
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("permissions");
    drop(open(&path));
}

#[test]
fn an_empty_file_becomes_a_log() {
    let (_directory, path) = place();
    fs::write(&path, "").expect("an empty file");
    assert!(SqliteReader::open(&path).expect_err("nothing to read").to_string().contains("empty"));
    open(&path).append(start(1)).expect("a start");
    assert_eq!(states(&mut open(&path)).len(), 1);
}

#[test]
fn a_log_that_was_not_made_to_the_end_is_made_again() {
    let (_directory, path) = place();
    // What a crash leaves after the journal became a WAL and before the tables were committed.
    Connection::open(&path)
        .and_then(|connection| connection.pragma_update(None, "journal_mode", "WAL"))
        .expect("a database without tables");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("permissions");
    open(&path).append(start(1)).expect("a start");
    assert_eq!(states(&mut open(&path)).len(), 1);
}

#[test]
fn it_has_one_writer() {
    let (_directory, path) = place();
    let mut log = open(&path);
    let error = refused(&path);
    assert!(matches!(error, LogError::InUse { .. }) && error.to_string().contains("sagas.db"), "{error}");
    log.append(start(1)).expect("the first one goes on");
    drop(log);
    open(&path).append(start(2)).expect("the next one writes");
}

#[test]
fn a_writer_whose_epoch_is_over_is_fenced() {
    let (_directory, path) = place();
    let mut old = open(&path);
    old.append(start(1)).expect("a start");
    // As a file system without locks would, or someone who tidies up.
    fs::remove_file(place::beside(&path, ".lock")).expect("the lock goes");
    let mut new = open(&path);
    new.append(go_on(1, 2)).expect("the owner appends");
    for batch in [go_on(1, 2), go_on(1, 3), start(2)] {
        let error = old.append(batch.clone()).expect_err("it is fenced");
        assert!(matches!(error, LogError::Fenced { ours: 1, theirs: 2 }), "{error:?}");
    }
    assert!(matches!(old.recover(), Err(LogError::Fenced { .. })));
    drop(old);
    assert_eq!(states(&mut new), [(1, "state 2 of 1".to_owned())]);
}

#[test]
fn what_is_committed_survives_without_a_close() {
    let (directory, path) = place();
    let mut log = open(&path);
    let copy = directory.path().join("copy.db");
    for number in 1..20 {
        log.append(start(number)).expect("a start");
        log.append(go_on(number, 2)).expect("a record");
        fs::copy(&path, &copy).expect("a copy of the file");
        fs::copy(place::beside(&path, "-wal"), place::beside(&copy, "-wal")).expect("a copy of its WAL");
        let mut copied = open(&copy);
        assert_eq!(copied.identity(), log.identity());
        assert_eq!(states(&mut copied), states(&mut log));
        copied.append(end(number, 3)).expect("it goes on from there");
        drop(copied);
        for suffix in ["", "-wal", "-shm", ".lock"] {
            fs::remove_file(place::beside(&copy, suffix)).expect("the copy goes");
        }
    }
}

#[test]
fn after_a_close_the_file_alone_is_the_log() {
    let (directory, path) = place();
    let mut log = open(&path);
    (1..50).for_each(|number| log.append(start(number)).expect("a start"));
    let expected = states(&mut log);
    drop(log);
    let copy = directory.path().join("copy.db");
    fs::copy(&path, &copy).expect("a copy of the file");
    assert_eq!(states(&mut open(&copy)), expected);
}

#[test]
fn a_reader_changes_nothing_while_no_one_writes() {
    let (closed, path) = place();
    let mut log = open(&path);
    log.append(start(1)).expect("a start");
    let (killed, killed_path) = place();
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(place::beside(&path, suffix), place::beside(&killed_path, suffix)).expect("a copy");
    }
    drop(log);
    let (bare, bare_path) = place();
    fs::copy(&path, bare_path).expect("a copy of the file alone");
    for (directory, name) in [(closed, "closed"), (killed, "killed"), (bare, "copied alone")] {
        let before = files(directory.path());
        let mut reader = SqliteReader::open(directory.path().join("sagas.db")).expect("it can be read");
        assert_eq!(seen(&mut reader), 1, "{name}");
        assert!(reader.saga(saga(1)).expect("the saga can be read").is_some(), "{name}");
        drop(reader);
        assert!(files(directory.path()) == before, "{name}: nothing has changed, and nothing is new");
    }
}

#[test]
fn a_reader_stays_when_writers_come_and_go() {
    let (_directory, path) = place();
    drop(open(&path));
    let bare = path.with_file_name("copy.db");
    fs::copy(&path, &bare).expect("a copy of the file alone");
    let mut reader = SqliteReader::open(&bare).expect("it can be read");
    assert_eq!(seen(&mut reader), 0);
    for number in 1..10 {
        let mut log = open(&bare);
        log.append(start(number)).expect("a start");
        assert_eq!(seen(&mut reader) as u64, number, "while the writer is there");
        let mut beside = log.reader().expect("a log can be read");
        drop(log);
        assert_eq!(seen(&mut reader) as u64, number, "after it has gone");
        let mut next = open(&bare);
        next.append(go_on(number, 2)).expect("a record");
        assert_eq!(beside.records(saga(number), 1, 9).expect("records").len(), 2, "the next one's are seen");
    }
}

#[test]
fn a_reader_does_not_hold_up_the_writer() {
    let (_directory, path) = place();
    let mut log = open(&path);
    let mut reader = SqliteReader::open(&path).expect("it can be read");
    let large = "x".repeat(20_000);
    // Enough for the WAL to be taken over and begun anew, and then again.
    for number in 1..=2000 {
        let mut batch = start(number);
        batch.started.iter_mut().for_each(|saga| saga.input.clone_from(&large));
        log.append(batch).expect("a start");
        if number % 50 == 0 {
            assert_eq!(seen(&mut reader) as u64, number);
        }
    }
    let wal = fs::metadata(place::beside(&path, "-wal")).expect("a WAL").len();
    assert!(wal < 20 << 20, "the WAL does not grow without end: {wal}");
}

#[test]
fn any_path_will_do() {
    let (directory, _) = place();
    for name in ["100 % of ü?mode=rw#x&y", "-", "a'b\"c", "//double"] {
        let path = PathBuf::from(format!("{}/{name}.db", directory.path().display()));
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        let mut log = open(&path);
        log.append(start(1)).expect("a start");
        assert!(path.exists(), "{name}");
        assert_eq!(seen(&mut SqliteReader::open(&path).expect("it can be read")), 1, "{name}");
    }
    let doubled = PathBuf::from(format!("/{}", directory.path().join("-.db").display()));
    assert_eq!(seen(&mut SqliteReader::open(doubled).expect("it can be read")), 1);
}
