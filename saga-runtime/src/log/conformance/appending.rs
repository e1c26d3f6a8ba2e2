//! What a batch does, and what it must not do.

use super::sample::{at, bare_record, end, ended, go_on, late, received, record, saga, start, started};
use super::{Open, promises};
use crate::log::{Batch, LogError, LogReader, Query, RecordRow, SagaLog, Status};

promises![
    everything_of_a_batch_is_there,
    nothing_of_a_refused_batch_is_there,
    numbers_have_no_holes,
    no_record_follows_the_end,
    no_record_comes_before_the_start,
    a_saga_starts_once,
    a_key_starts_one_saga,
    a_saga_can_go_on_after_every_batch,
    a_saga_can_live_in_one_batch,
    a_refusal_leaves_the_log_usable,
    an_empty_batch_is_nothing,
    large_texts_are_kept,
];

/// Appends what must be accepted.
pub(super) fn append(log: &mut Box<dyn SagaLog>, batch: &Batch) {
    log.append(batch.clone()).expect("a batch that follows is accepted");
}

/// A reader of the log.
pub(super) fn reader(log: &dyn SagaLog) -> Box<dyn LogReader> {
    log.reader().expect("a log can be read")
}

/// All records of a saga.
pub(super) fn records(log: &dyn SagaLog, number: u64) -> Vec<RecordRow> {
    reader(log).records(saga(number), 1, usize::MAX).expect("the records can be read")
}

fn refused(log: &mut Box<dyn SagaLog>, batch: &Batch) -> LogError {
    log.append(batch.clone()).expect_err("a batch that does not follow is refused")
}

fn everything_of_a_batch_is_there(open: &mut Open) {
    let mut log = open();
    let batch = Batch {
        reserved: None,
        definitions: vec![super::sample::definition("trip", 1, "f1")],
        started: vec![started(1), started(2)],
        records: vec![record(1, 1), bare_record(2, 1), bare_record(2, 2)],
        ended: vec![ended(2)],
        late: vec![late(1, "too late")],
        received: vec![received("bank", "s1", 3)],
    };
    append(&mut log, &batch);
    assert_eq!(records(&*log, 1), [record(1, 1)]);
    assert_eq!(records(&*log, 2), [bare_record(2, 1), bare_record(2, 2)]);
    let mut reader = reader(&*log);
    assert_eq!(reader.late(saga(1)).expect("late"), batch.late);
    assert_eq!(reader.definition("trip", 1).expect("the definition"), batch.definitions.first().cloned());
    assert_eq!(reader.saga(saga(2)).expect("saga 2").and_then(|saga| saga.outcome), Some(ended(2).outcome));
    assert_eq!(log.recover().expect("recovery").received, batch.received);
}

fn nothing_of_a_refused_batch_is_there(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    let batch = Batch {
        reserved: None,
        definitions: vec![super::sample::definition("trip", 1, "f1")],
        started: vec![started(2)],
        records: vec![record(1, 2), record(2, 1), record(1, 4)],
        ended: Vec::new(),
        late: vec![late(1, "too late")],
        received: vec![received("bank", "s1", 3)],
    };
    refused(&mut log, &batch);
    assert_eq!(records(&*log, 1), [record(1, 1)]);
    assert_eq!(records(&*log, 2), []);
    let mut reader = reader(&*log);
    assert_eq!(reader.find(&Query::default()).expect("a page").sagas.len(), 1);
    assert_eq!(reader.late(saga(1)).expect("late"), []);
    assert_eq!(reader.definition("trip", 1).expect("no definition"), None);
    let recovery = log.recover().expect("recovery");
    assert_eq!((recovery.next, recovery.received, recovery.definitions), (Some(saga(2)), Vec::new(), Vec::new()));
}

fn numbers_have_no_holes(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    append(&mut log, &go_on(1, 2));
    for wrong in [0, 1, 2, 4, u32::MAX] {
        let error = refused(&mut log, &go_on(1, wrong));
        assert!(matches!(error, LogError::Gap { saga: id, number } if id == saga(1) && number == wrong), "{error}");
    }
    drop(log);
    let mut log = open();
    for wrong in [1, 2, 4] {
        let error = refused(&mut log, &go_on(1, wrong));
        assert!(matches!(error, LogError::Gap { .. }), "after a restart: {error}");
    }
    append(&mut log, &go_on(1, 3));
    assert_eq!(records(&*log, 1), [record(1, 1), record(1, 2), record(1, 3)]);
}

fn no_record_follows_the_end(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    append(&mut log, &end(1, 2));
    for batch in [go_on(1, 3), end(1, 3), Batch { ended: vec![ended(1)], ..Batch::default() }] {
        refused(&mut log, &batch);
    }
    assert!(matches!(refused(&mut log, &go_on(1, 3)), LogError::Gap { number: 3, .. }));
    drop(log);
    let mut log = open();
    assert!(matches!(refused(&mut log, &go_on(1, 3)), LogError::Gap { number: 3, .. }));
    assert_eq!(records(&*log, 1), [record(1, 1), bare_record(1, 2)]);
}

fn no_record_comes_before_the_start(open: &mut Open) {
    let mut log = open();
    assert!(matches!(refused(&mut log, &go_on(1, 1)), LogError::Gap { number: 1, .. }));
    assert!(matches!(refused(&mut log, &end(1, 1)), LogError::Gap { number: 1, .. }));
    let starts_with_two = Batch { records: vec![record(1, 2)], ..start(1) };
    assert!(matches!(refused(&mut log, &starts_with_two), LogError::Gap { number: 2, .. }));
    assert_eq!(records(&*log, 1), []);
}

fn a_saga_starts_once(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    assert!(matches!(refused(&mut log, &start(1)), LogError::StartedBefore { .. }));
    append(&mut log, &end(1, 2));
    assert!(matches!(refused(&mut log, &start(1)), LogError::StartedBefore { .. }));
    drop(log);
    let mut log = open();
    assert!(matches!(refused(&mut log, &start(1)), LogError::StartedBefore { .. }));
    let twice = Batch { started: vec![started(2), started(2)], records: vec![record(2, 1)], ..Batch::default() };
    assert!(matches!(refused(&mut log, &twice), LogError::StartedBefore { .. }));
    assert_eq!(records(&*log, 1), [record(1, 1), bare_record(1, 2)]);
}

fn a_key_starts_one_saga(open: &mut Open) {
    let with_key = |number, key: &str| {
        let mut batch = start(number);
        batch.started.iter_mut().for_each(|saga| saga.key = Some(key.to_owned()));
        batch
    };
    let mut log = open();
    for (number, key) in (1..).zip(super::sample::HOSTILE) {
        append(&mut log, &with_key(number, key));
        assert_eq!(reader(&*log).started_with(key).expect("a look at the key"), Some(saga(number)), "{key:?}");
    }
    append(&mut log, &end(1, 2));
    for key in super::sample::HOSTILE {
        let error = refused(&mut log, &with_key(100, key));
        assert!(matches!(&error, LogError::KeyTaken { key: taken } if taken == key), "{error}");
    }
    let mut both = with_key(101, "new");
    both.started.extend(with_key(102, "new").started);
    both.records.extend(start(102).records);
    assert!(matches!(refused(&mut log, &both), LogError::KeyTaken { .. }));
    append(&mut log, &start(103));
    append(&mut log, &start(104));
    assert_eq!(reader(&*log).started_with("new").expect("a look at the key"), None);
}

fn a_saga_can_go_on_after_every_batch(open: &mut Open) {
    let mut log = open();
    let without_record = Batch { started: vec![started(1)], ..Batch::default() };
    let without_state = Batch { records: vec![bare_record(1, 1)], ..start(1) };
    let stateless = RecordRow { state: None, ..record(1, 1) };
    let state_in_the_middle = Batch { records: vec![record(1, 1), bare_record(1, 2)], ..start(1) };
    let without_terminal = Batch { ended: vec![ended(1)], ..start(1) };
    let no_end = Batch {
        ended: vec![crate::log::EndedRow { status: Status::Stuck, ..ended(1) }],
        records: vec![bare_record(1, 1)],
        ..start(1)
    };
    let two_ends = Batch { ended: vec![ended(1), ended(1)], records: vec![bare_record(1, 1)], ..start(1) };
    for batch in [
        without_record,
        without_state,
        Batch { records: vec![stateless], ..start(1) },
        state_in_the_middle,
        without_terminal,
        no_end,
        two_ends,
    ] {
        let error = refused(&mut log, &batch);
        assert!(matches!(error, LogError::Incomplete { .. }), "{error} for {batch:?}");
    }
    assert_eq!(records(&*log, 1), []);
    append(&mut log, &start(1));
}

fn a_saga_can_live_in_one_batch(open: &mut Open) {
    let mut log = open();
    append(&mut log, &Batch { records: vec![bare_record(1, 1)], ended: vec![ended(1)], ..start(1) });
    assert!(log.recover().expect("recovery").open.is_empty());
    assert_eq!(records(&*log, 1), [bare_record(1, 1)]);
}

fn a_refusal_leaves_the_log_usable(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    let wrong = Batch {
        started: vec![started(2)],
        records: vec![record(1, 2), record(1, 3), record(2, 1), record(3, 1)],
        ..Batch::default()
    };
    refused(&mut log, &wrong);
    append(&mut log, &go_on(1, 2));
    append(&mut log, &start(2));
    append(&mut log, &end(1, 3));
    let open_sagas: Vec<_> = log.recover().expect("recovery").open.into_iter().map(|saga| saga.id).collect();
    assert_eq!(open_sagas, [saga(2)]);
}

fn an_empty_batch_is_nothing(open: &mut Open) {
    let mut log = open();
    append(&mut log, &Batch::default());
    assert_eq!(log.recover().expect("recovery").next, None);
}

fn large_texts_are_kept(open: &mut Open) {
    let mut log = open();
    let large = "ü".repeat(300_000);
    let mut batch = start(1);
    batch.started.iter_mut().for_each(|saga| saga.input.clone_from(&large));
    batch.records.iter_mut().for_each(|record| {
        record.data.clone_from(&large);
        record.state = Some(large.clone());
        record.time = at(u64::from(u32::MAX));
    });
    append(&mut log, &batch);
    assert!(records(&*log, 1) == batch.records, "a large record reads back");
    let details = reader(&*log).saga(saga(1)).expect("the saga can be read").expect("it is there");
    assert!(details.input == large, "a large input reads back");
}
