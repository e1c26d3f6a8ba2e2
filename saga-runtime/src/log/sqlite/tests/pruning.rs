//! What pruning a file must hold beyond the promises of every log: at a kill, against another writer, on a damaged row.

use std::collections::BTreeMap;
use std::path::Path;

use super::process::{ANOTHER, Writer};
use super::{open, place, refused};
use crate::log::conformance::sample::{bare_record, end, ended, go_on, saga, start, started};
use crate::log::sqlite::reader;
use crate::log::{Batch, LogError, LogReader, Prune, Pruned, Query, SagaLog, SqliteReader, StartedRow};

/// A family for each number: it and two that it ran. Every tenth goes on.
fn families(path: &Path, many: u64) {
    let mut log = open(path);
    for first in (1..=many).map(|family| family * 3) {
        let child = |number| StartedRow { parent: Some(saga(first)), ..started(number) };
        let sagas = [first, first + 1, first + 2];
        let begin = Batch {
            started: vec![started(first), child(first + 1), child(first + 2)],
            records: sagas.map(|number| bare_record(number, 1)).to_vec(),
            ended: sagas.map(ended).to_vec(),
            ..Batch::default()
        };
        log.append(begin).expect("a family");
        if first % 30 == 0 {
            log.append(start(1_000_000 + first)).expect("one that goes on");
        }
    }
}

/// The other process of the test below: prunes, and says how often it did.
#[test]
fn is_a_process_that_prunes() {
    let [Some(path), Some(_)] = ANOTHER.map(std::env::var_os) else { return };
    let mut log = open(path.as_ref());
    let mut reader = log.reader().expect("a reader");
    let found = reader.prunable(&Prune::default()).expect("what may go");
    for (number, some) in (1..).zip(found.chunks(5)) {
        let sagas: Vec<_> = some.iter().map(|family| family.saga).collect();
        assert_eq!(log.prune(&sagas).expect("it prunes").sagas, 15);
        eprintln!("committed {number}");
    }
    std::io::stdin().read_line(&mut String::new()).expect("waits until it is killed");
}

#[test]
fn a_kill_while_it_prunes_leaves_each_family_whole_or_gone() {
    let (_directory, path) = place();
    families(&path, 300);
    let (mut pruned, mut rounds) = (0, 0);
    while pruned < 300 {
        let mut process = Writer::running("log::sqlite::tests::pruning::is_a_process_that_prunes", &path, 0);
        let said = process.wait_for(13.min((300 - pruned) / 5));
        drop(process);
        let mut log = open(&path);
        let recovery = log.recover().expect("what is left is whole");
        assert_eq!((recovery.open.len(), recovery.position), (30, 930), "what goes on is there");
        let mut left = BTreeMap::<_, u64>::new();
        let all = Query { limit: usize::MAX, ..Query::default() };
        for summary in log.reader().expect("a reader").find(&all).expect("a page").sagas {
            *left.entry(summary.parent.unwrap_or(summary.id)).or_default() += 1;
        }
        left.retain(|_, many| *many > 1);
        assert!(left.values().all(|many| *many == 3), "{left:?}");
        let gone = 300 - left.len();
        assert!(gone as u64 >= pruned as u64 + said * 5, "what was said to be gone is gone");
        (pruned, rounds) = (gone, rounds + 1);
    }
    assert!(rounds > 1, "it was never killed in the middle");
}

#[test]
fn who_prunes_has_the_log_to_itself() {
    let (_directory, path) = place();
    families(&path, 1);
    let log = open(&path);
    assert!(matches!(refused(&path), LogError::InUse { .. }), "a coordinator that starts does not get in between");
    drop(log);
    open(&path);
}

#[test]
fn a_fenced_writer_prunes_nothing() {
    let (_directory, path) = place();
    families(&path, 1);
    let mut old = open(&path);
    let forged = rusqlite::Connection::open(&path).expect("the database");
    let mut meta = super::Meta::read(&forged).expect("its epoch");
    meta.epoch += 1;
    let transaction = forged.unchecked_transaction().expect("a transaction");
    meta.write(&transaction).expect("another epoch");
    transaction.commit().expect("committed");
    assert!(matches!(old.prune(&[saga(3)]), Err(LogError::Fenced { .. })));
    assert!(SqliteReader::open(&path).expect("a reader").saga(saga(3)).expect("it is read").is_some());
}

#[test]
fn a_damaged_row_that_looks_like_an_end_is_not_pruned() {
    let (_directory, path) = place();
    let mut log = open(&path);
    log.append(start(1)).expect("a start");
    log.append(go_on(1, 2)).expect("a record");
    log.append(start(2)).expect("a start");
    log.append(end(2, 2)).expect("an end");
    drop(log);
    let damage = rusqlite::Connection::open(&path).expect("the database");
    damage.execute("UPDATE saga SET ended = 5, status = 'completed', outcome = '' WHERE id = 1", []).expect("damage");
    drop(damage);
    let mut log = open(&path);
    assert_eq!(
        log.prune(&[saga(1), saga(2)]).expect("it prunes"),
        Pruned { families: vec![saga(2)], sagas: 1, records: 2 }
    );
    assert_eq!(log.reader().expect("a reader").records(saga(1), 1, 9).expect("records").len(), 2);
}

#[test]
fn what_was_pruned_leaves_room_for_others() {
    let (_directory, path) = place();
    let size = || std::fs::metadata(&path).expect("the file").len();
    families(&path, 200);
    let before = size();
    let mut log = open(&path);
    let found = log.reader().expect("a reader").prunable(&Prune::default()).expect("what may go");
    crate::log::prune(&mut log, &found).expect("it prunes");
    for number in 1..=200 {
        log.append(start(2_000_000 + number)).expect("a start");
    }
    drop(log);
    assert!(size() <= before, "{} instead of {before}", size());
    reader::peek(&path).expect("it is a log");
}
