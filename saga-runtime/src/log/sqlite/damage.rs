//! What a damaged file does: an error or what was written, never a wrong state, never a panic.

use std::fs;
use std::path::Path;

use super::recovery;
use super::schema::Meta;
use super::{LogError, SqliteLog, SqliteReader, place, reader};
use crate::log::conformance::sample::{
    HOSTILE, bare_record, definition, end, go_on, late, received, record, saga, standing, start, started,
};
use crate::log::continuity::Continuity;
use crate::log::{
    Batch, Details, Group, LogReader, OpenSaga, Query, RecordRow, Recovery, SagaLog, Standing, StartedRow, Status,
};
use crate::message::SagaId;
use crate::time::Timestamp;

const SAGAS: u64 = 12;

/// Sagas that have ended, and sagas that have not, with texts of all sizes.
fn history() -> Vec<Batch> {
    let mut batches = Vec::new();
    for number in 1..=SAGAS {
        let key = (number % 3 == 0).then(|| format!("order-{number}"));
        let input = format!("{{\"text\":\"{}\"}}", "lorem ipsum ".repeat(number as usize * 6));
        let parent = (number % 5 == 0).then(|| saga(number - 1));
        let row = StartedRow { key, parent, input, ..started(number) };
        batches.push(Batch {
            definitions: vec![definition("trip", number as u32, "print")],
            started: vec![row],
            received: vec![received("bank", "session", number)],
            ..start(number)
        });
        let stuck = Standing { reason: Some("silent".to_owned()), ..standing(Status::Stuck) };
        let state = Some("state ".repeat(number as usize * 30));
        let large = RecordRow { standing: Some(stuck), state, ..record(number, 3) };
        batches.push(Batch { records: vec![bare_record(number, 2), large], ..Batch::default() });
        let text = HOSTILE[number as usize % HOSTILE.len()];
        batches.push(Batch { late: vec![late(number, text)], ..go_on(number, 4) });
        if number % 2 == 0 {
            batches.push(end(number, 5));
        }
    }
    batches
}

/// What a coordinator relies on, in a form that can be compared.
#[derive(Debug, PartialEq)]
struct Trusted {
    next: Option<u64>,
    open: Vec<Open>,
    received: Vec<(String, u64)>,
    definitions: Vec<(String, u32, String)>,
}

/// A saga without an end, and its state if that is believed.
#[derive(Debug, PartialEq)]
struct Open {
    id: SagaId,
    name: String,
    version: u32,
    number: u32,
    started: Timestamp,
    key: Option<String>,
    state: Option<String>,
}

impl From<OpenSaga> for Open {
    fn from(saga: OpenSaga) -> Self {
        let OpenSaga { id, name, version, started, key, number, state } = saga;
        Self { id, name, version, number, started, key, state: state.ok() }
    }
}

impl Trusted {
    fn of(recovery: Recovery) -> Self {
        Self {
            next: recovery.next.map(SagaId::get),
            open: recovery.open.into_iter().map(Open::from).collect(),
            received: recovery.received.into_iter().map(|row| (row.participant, row.number)).collect(),
            definitions: recovery.definitions,
        }
    }

    /// Whether all that is believed is as written, and every saga is there, with its state or with an error.
    fn is_no_other_than(&self, written: &Self) -> bool {
        let same_saga = |(read, written): (&Open, &Open)| {
            if read.state.is_some() { read == written } else { read.id == written.id }
        };
        (self.next, &self.received, &self.definitions) == (written.next, &written.received, &written.definitions)
            && self.open.len() == written.open.len()
            && self.open.iter().zip(&written.open).all(same_saga)
    }
}

/// What one reading of a log believes.
struct Believed {
    trusted: Result<Trusted, LogError>,
    sagas: Vec<Result<Option<Details>, LogError>>,
    records: Vec<Result<Vec<RecordRow>, LogError>>,
}

/// Reads everything as a restart and a reader would, without writing.
fn read(path: &Path) -> Result<Believed, LogError> {
    reader::peek(path)?;
    let mut reader = SqliteReader::beside_writer(path)?;
    let mut connection = reader::connect(path, "").map_err(|problem| problem.at("read", path))?;
    let all = Query { limit: usize::MAX, text: Some("silent".to_owned()), ..Query::default() };
    // What these give is shown and not relied on: they must only come back.
    let _ = (reader.find(&all), reader.count(&all, &[Group::Name, Group::Status, Group::Step]));
    let _ = (reader.started_with("order-3"), reader.definition("trip", 3));
    let ids = || (1..=SAGAS).map(saga);
    ids().for_each(|id| drop(reader.late(id)));
    let sagas = ids().map(|id| reader.saga(id)).collect();
    let records = ids().map(|id| reader.records(id, 1, usize::MAX)).collect();
    let trusted = Meta::read(&connection)
        .and_then(|meta| recovery::recover(&mut connection, &mut Continuity::default(), meta.epoch))
        .map(Trusted::of)
        .map_err(|problem| problem.at("recover", path));
    Ok(Believed { trusted, sagas, records })
}

/// Whether the damage was noticed at all.
fn assert_no_other_than(written: &Believed, path: &Path, damage: &str) -> bool {
    let Ok(found) = read(path) else { return true };
    let expected = written.trusted.as_ref().expect("the undamaged log recovers");
    let mut noticed = found.trusted.is_err();
    if let Ok(trusted) = &found.trusted {
        assert!(trusted.is_no_other_than(expected), "{damage}: {trusted:#?}\ninstead of {expected:#?}");
        noticed |= trusted != expected;
    }
    for (found, written) in found.sagas.iter().zip(&written.sagas) {
        let written = written.as_ref().expect("the undamaged log can be read");
        let believed = found.as_ref().ok().and_then(Option::as_ref);
        assert!(believed.is_none_or(|found| is_or_was(found, written.as_ref())), "{damage}: {found:#?}\n{written:#?}");
        noticed |= found.as_ref().ok() != Some(written);
    }
    for (found, written) in found.records.iter().zip(&written.records) {
        let written = written.as_ref().expect("the undamaged log can be read");
        assert!(found.as_ref().map_or(true, |found| written.starts_with(found)), "{damage}: {found:?}\n{written:?}");
        noticed |= found.as_ref().ok() != Some(written);
    }
    noticed
}

/// Whether a reader shows a saga as it is, or as it stood earlier: that its last record has vanished is missed by
/// recovery, which relies on it, and not by a reader, which sees one saga only.
fn is_or_was(found: &Details, written: Option<&Details>) -> bool {
    let mut found = found.clone();
    if let Some(written) = written.filter(|written| written.summary.ended.is_none()) {
        found.summary.standing.clone_from(&written.summary.standing);
    }
    Some(&found) == written
}

/// A log that was closed, as bytes, and what was written.
fn closed_log(directory: &Path) -> (Vec<u8>, Believed) {
    let path = directory.join("whole.db");
    let mut log = SqliteLog::open(&path).expect("the log opens");
    history().into_iter().for_each(|batch| log.append(batch).expect("a batch that follows"));
    drop(log);
    let written = read(&path).expect("an undamaged log can be read");
    (fs::read(&path).expect("its bytes"), written)
}

#[test]
fn a_flipped_byte_is_an_error_or_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (whole, written) = closed_log(directory.path());
    let path = directory.path().join("damaged.db");
    let mut random = fastrand::Rng::with_seed(17);
    let (mut tried, mut noticed) = (0, 0);
    let mut offset = 0;
    while offset < whole.len() {
        let mut bytes = whole.clone();
        let mask = if random.bool() { 1 << random.u8(..8) } else { random.u8(1..) };
        bytes[offset] ^= mask;
        fs::write(&path, &bytes).expect("a damaged log");
        let damage = format!("byte {offset} xor {mask:#04x}");
        noticed += usize::from(assert_no_other_than(&written, &path, &damage));
        tried += 1;
        offset += random.usize(1..250);
    }
    assert!(noticed > tried / 4, "of {tried} damages {noticed} were noticed: do they hit what is read?");
}

#[test]
fn a_page_of_noise_is_an_error_or_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (whole, written) = closed_log(directory.path());
    let path = directory.path().join("damaged.db");
    let mut random = fastrand::Rng::with_seed(18);
    let pages = whole.len() / 4096;
    for page in 0..pages {
        let at = page * 4096..(page + 1) * 4096;
        let other = random.usize(..pages) * 4096;
        let zeroes = vec![0; 4096];
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(4096).collect();
        let another = whole[other..other + 4096].to_vec();
        for (name, content) in [("zeroes", zeroes), ("noise", noise), ("another", another)] {
            let mut bytes = whole.clone();
            bytes[at.clone()].copy_from_slice(&content);
            fs::write(&path, &bytes).expect("a damaged log");
            assert_no_other_than(&written, &path, &format!("page {page} is {name}"));
        }
    }
}

#[test]
fn a_truncated_file_is_an_error_or_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (whole, written) = closed_log(directory.path());
    let path = directory.path().join("damaged.db");
    for length in (1..whole.len()).step_by(509).chain([1, 15, 16, 99, 100, whole.len() - 1]) {
        fs::write(&path, &whole[..length]).expect("a truncated log");
        let noticed = assert_no_other_than(&written, &path, &format!("{length} bytes"));
        assert!(noticed || length + 4096 > whole.len(), "{length} bytes are noticed");
    }
}

#[test]
fn a_damaged_log_opens_with_an_error_or_for_good() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (whole, written) = closed_log(directory.path());
    let path = directory.path().join("damaged.db");
    let written = written.trusted.expect("the undamaged log recovers");
    for offset in (0..whole.len()).step_by(1999) {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x41;
        let _ = ["", "-wal", "-shm"].map(|suffix| fs::remove_file(place::beside(&path, suffix)));
        fs::write(&path, &bytes).expect("a damaged log");
        let Ok(mut log) = SqliteLog::open(&path) else { continue };
        if let Ok(recovery) = log.recover() {
            let found = Trusted::of(recovery);
            assert!(found.is_no_other_than(&written), "byte {offset}: {found:#?}\ninstead of {written:#?}");
        }
    }
}

#[test]
fn a_damaged_wal_gives_what_was_committed_up_to_there() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (path, copy) = (directory.path().join("whole.db"), directory.path().join("damaged.db"));
    let mut log = SqliteLog::open(&path).expect("the log opens");
    let mut states = vec![Trusted::of(log.recover().expect("an empty log recovers"))];
    for batch in history().into_iter().take(30) {
        log.append(batch).expect("a batch that follows");
        states.push(Trusted::of(log.recover().expect("it recovers")));
    }
    let file = fs::read(&path).expect("its bytes");
    let wal = fs::read(place::beside(&path, "-wal")).expect("the bytes of its WAL");
    let mut random = fastrand::Rng::with_seed(19);
    let mut depths = std::collections::BTreeSet::new();
    for offset in (0..wal.len()).step_by(3001) {
        let mut flipped = wal.clone();
        flipped[offset] ^= random.u8(1..);
        for (name, damaged) in [("flipped", &flipped[..]), ("cut", &wal[..offset])] {
            let _ = ["-shm"].map(|suffix| fs::remove_file(place::beside(&copy, suffix)));
            fs::write(&copy, &file).expect("a copy");
            fs::write(place::beside(&copy, "-wal"), damaged).expect("a damaged WAL");
            let found = read(&copy).expect("it can be read").trusted.expect("it recovers");
            let depth = states.iter().position(|state| *state == found);
            assert!(depth.is_some(), "the WAL {name} at {offset}: {found:#?}");
            depths.extend(depth);
        }
    }
    assert!(depths.len() > 10, "the damage hits many commits: {depths:?}");
}

#[test]
fn a_damaged_saga_hides_no_other() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (whole, written) = closed_log(directory.path());
    let path = directory.path().join("damaged.db");
    let needle = b"state 4 of 7";
    let offset = whole.windows(needle.len()).position(|bytes| bytes == needle).expect("the last state of saga 7");
    let mut bytes = whole;
    bytes[offset] = b'S';
    fs::write(&path, &bytes).expect("a damaged log");
    let mut log = SqliteLog::open(&path);
    let recovery = log.as_mut().map(SagaLog::recover).expect("it opens").expect("it recovers");
    let errors: Vec<_> = recovery.open.iter().filter_map(|saga| saga.state.as_ref().err()).collect();
    let [error] = &errors[..] else { panic!("one saga is damaged: {errors:?}") };
    assert!(matches!(error, LogError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("record 4 of saga 7") && error.to_string().contains("backup"), "{error}");
    assert_eq!(recovery.open.len(), written.trusted.expect("the undamaged log recovers").open.len());
}

#[test]
fn a_record_that_vanished_is_missed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (sql, name) in [
        ("DELETE FROM record WHERE saga = 7 AND number = 4", "the last record of a saga"),
        ("DELETE FROM saga WHERE id = 7", "a saga"),
        ("UPDATE saga SET ended = 1 WHERE id = 7", "the place of a saga among the open ones"),
        ("UPDATE saga SET ended = NULL WHERE id = 8", "the end of a saga"),
        ("DELETE FROM record", "all records"),
        ("DELETE FROM meta", "what the log is"),
        ("UPDATE meta SET highest = 2", "the highest id"),
    ] {
        let (whole, _) = closed_log(directory.path());
        let path = directory.path().join("damaged.db");
        fs::write(&path, whole).expect("a copy");
        rusqlite::Connection::open(&path).and_then(|log| log.execute_batch(sql)).expect(sql);
        let recovered = SqliteLog::open(&path).and_then(|mut log| log.recover().map(Trusted::of));
        assert!(matches!(recovered, Err(LogError::Damaged { .. })), "{name}: {recovered:?}");
        for path in ["whole.db", "damaged.db"].map(|name| directory.path().join(name)) {
            let _ = ["", "-wal", "-shm"].map(|suffix| fs::remove_file(place::beside(&path, suffix)));
        }
    }
}
