//! What a coordinator finds when it opens the log again.

use super::appending::{append, records};
use super::sample::{HOSTILE, bare_record, definition, end, ended, go_on, received, record, saga, start, started};
use super::{Open, promises};
use crate::log::{Batch, RecordRow, Recovery, SagaLog};

promises![
    the_identity_stays,
    an_empty_log_recovers,
    the_last_state_of_every_open_saga_is_found,
    sagas_are_found_oldest_first,
    no_id_is_used_twice,
    a_reserved_id_is_not_used_by_the_next_owner,
    what_was_received_replaces_what_was_known,
    a_definition_is_the_one_that_came_last,
    hostile_texts_are_kept,
    recovery_can_be_asked_again,
];

fn recover(log: &mut Box<dyn SagaLog>) -> Recovery {
    log.recover().expect("a log recovers")
}

fn the_identity_stays(open: &mut Open) {
    let mut log = open();
    let identity = log.identity();
    append(&mut log, &start(1));
    assert_eq!(log.identity(), identity);
    drop(log);
    assert_eq!(open().identity(), identity);
}

fn an_empty_log_recovers(open: &mut Open) {
    for _ in 0..2 {
        let recovery = recover(&mut open());
        assert_eq!(recovery.next, None);
        assert!(recovery.open.is_empty() && recovery.received.is_empty() && recovery.definitions.is_empty());
    }
}

fn the_last_state_of_every_open_saga_is_found(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    append(&mut log, &go_on(1, 2));
    let in_one = Batch {
        started: vec![crate::log::StartedRow {
            version: u32::MAX,
            key: Some("order-17".to_owned()),
            parent: Some(saga(1)),
            ..started(2)
        }],
        records: vec![bare_record(2, 1), record(2, 2), bare_record(1, 3), record(1, 4)],
        ..Batch::default()
    };
    append(&mut log, &in_one);
    append(&mut log, &start(3));
    append(&mut log, &end(3, 2));
    drop(log);

    let recovery = recover(&mut open());
    let found: Vec<_> = recovery
        .open
        .iter()
        .map(|saga| (saga.id, saga.number, saga.state.as_deref().expect("its state").to_owned()))
        .collect();
    assert_eq!(found, [(saga(1), 4, "state 4 of 1".to_owned()), (saga(2), 2, "state 2 of 2".to_owned())]);
    let second = recovery.open.last().expect("two sagas are open");
    assert_eq!((second.name.as_str(), second.version, second.started), ("trip", u32::MAX, started(2).started));
    assert_eq!(second.key.as_deref(), Some("order-17"));
}

fn sagas_are_found_oldest_first(open: &mut Open) {
    let mut log = open();
    for number in [3, 1, 2, 12, 100, 9] {
        append(&mut log, &start(number));
    }
    append(&mut log, &end(2, 2));
    drop(log);
    let ids: Vec<_> = recover(&mut open()).open.iter().map(|saga| saga.id.get()).collect();
    assert_eq!(ids, [1, 3, 9, 12, 100]);
}

fn no_id_is_used_twice(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(41));
    append(&mut log, &start(7));
    assert_eq!(recover(&mut log).next, Some(saga(42)));
    append(&mut log, &end(41, 2));
    append(&mut log, &end(7, 2));
    drop(log);
    let recovery = recover(&mut open());
    assert!(recovery.open.is_empty());
    assert_eq!(recovery.next, Some(saga(42)), "an ended saga keeps its id");
}

fn a_reserved_id_is_not_used_by_the_next_owner(open: &mut Open) {
    let mut log = open();
    let reserve = |number| Batch { reserved: Some(saga(number)), ..Batch::default() };
    append(&mut log, &reserve(40));
    drop(log);
    let mut log = open();
    assert_eq!(recover(&mut log).next, Some(saga(41)), "reserved, and no saga was ever started");
    append(&mut log, &Batch { reserved: Some(saga(60)), ..start(12) });
    append(&mut log, &end(12, 2));
    append(&mut log, &start(70));
    append(&mut log, &reserve(50));
    drop(log);
    let mut log = open();
    assert_eq!(recover(&mut log).next, Some(saga(71)), "the highest of all");
    let refused = Batch { reserved: Some(saga(90)), records: vec![record(70, 9)], ..Batch::default() };
    log.append(refused).expect_err("a record that does not follow");
    drop(log);
    assert_eq!(recover(&mut open()).next, Some(saga(71)), "nothing of a refused batch is there");
}

fn what_was_received_replaces_what_was_known(open: &mut Open) {
    let mut log = open();
    let batch = |rows: &[_]| Batch { received: rows.to_vec(), ..Batch::default() };
    append(&mut log, &batch(&[received("bank", "s1", 1), received("hotel", "s9", u64::MAX)]));
    append(&mut log, &batch(&[received("bank", "s1", 2), received("bank", "s2", 1)]));
    drop(log);
    let mut found = recover(&mut open()).received;
    found.sort_by(|one, other| one.participant.cmp(&other.participant));
    assert_eq!(found, [received("bank", "s2", 1), received("hotel", "s9", u64::MAX)]);
}

fn a_definition_is_the_one_that_came_last(open: &mut Open) {
    let mut log = open();
    let batch = |rows: &[_]| Batch { definitions: rows.to_vec(), ..Batch::default() };
    append(&mut log, &batch(&[definition("trip", 2, "f2"), definition("trip", 1, "f1")]));
    append(&mut log, &batch(&[definition("trip", 1, "changed"), definition("order", 1, "f3")]));
    drop(log);
    let mut log = open();
    let mut found = recover(&mut log).definitions;
    found.sort();
    let expected = [("order", 1, "f3"), ("trip", 1, "changed"), ("trip", 2, "f2")];
    assert_eq!(found, expected.map(|(name, version, print)| (name.to_owned(), version, print.to_owned())));
    let mut reader = log.reader().expect("a log can be read");
    assert_eq!(reader.definition("trip", 1).expect("a definition"), Some(definition("trip", 1, "changed")));
    assert_eq!(reader.definition("trip", 3).expect("no definition"), None);
}

fn hostile_texts_are_kept(open: &mut Open) {
    let mut log = open();
    for (number, text) in (1..).zip(HOSTILE) {
        let owned = || (*text).to_owned();
        let mut batch = start(number);
        batch.definitions = vec![definition(text, 1, text)];
        batch.received = vec![received(text, text, number)];
        batch.late = vec![super::sample::late(number, text)];
        batch.started.iter_mut().for_each(|saga| (saga.name, saga.input) = (owned(), owned()));
        batch.records.iter_mut().for_each(|record| {
            (record.what, record.data) = (owned(), owned());
            (record.step, record.state) = (Some(owned()), Some(owned()));
        });
        append(&mut log, &batch);
    }
    drop(log);
    let mut log = open();
    let recovery = recover(&mut log);
    let states: Vec<_> = recovery.open.iter().map(|saga| saga.state.as_deref().expect("its state")).collect();
    let names: Vec<_> = recovery.open.iter().map(|saga| saga.name.as_str()).collect();
    assert_eq!((&states[..], &names[..]), (HOSTILE, HOSTILE));
    assert_eq!(recovery.definitions.len(), HOSTILE.len());
    assert_eq!(recovery.received.len(), HOSTILE.len());
    for (number, text) in (1..).zip(HOSTILE) {
        let owned = || (*text).to_owned();
        let mut reader = log.reader().expect("a log can be read");
        assert_eq!(reader.late(saga(number)).expect("late"), [super::sample::late(number, text)]);
        assert_eq!(reader.definition(text, 1).expect("a definition"), Some(definition(text, 1, text)));
        let expected =
            RecordRow { what: owned(), data: owned(), step: Some(owned()), state: Some(owned()), ..record(number, 1) };
        assert_eq!(records(&*log, number), [expected]);
    }
}

fn recovery_can_be_asked_again(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    for round in 2..5 {
        let recovery = recover(&mut log);
        let found: Vec<_> = recovery.open.iter().map(|saga| saga.number).collect();
        assert_eq!(found, [round - 1]);
        append(&mut log, &go_on(1, round));
    }
    append(&mut log, &Batch { records: vec![bare_record(1, 5)], ended: vec![ended(1)], ..Batch::default() });
    assert!(recover(&mut log).open.is_empty());
}
