//! What can be looked up.

use super::appending::{append, reader, records};
use super::sample::{HOSTILE, at, bare_record, end, ended, go_on, late, record, saga, standing, start, started};
use super::{Open, promises};
use crate::log::{Batch, Count, EndedRow, Group, LogReader, Query, RecordRow, SagaLog, Standing, StartedRow, Status};
use crate::message::SagaId;

promises![
    a_reader_sees_what_is_committed,
    an_open_saga_is_shown_as_its_newest_standing_says,
    an_ended_saga_is_shown_as_its_end_says,
    a_saga_is_shown_whole,
    every_filter_finds_what_it_says,
    filters_hold_together,
    text_is_found_letter_by_letter,
    pages_follow_each_other,
    groups_are_counted,
    records_are_found_from_a_number_on,
    records_of_all_sagas_are_found_in_their_order,
    a_record_keeps_its_position,
    late_answers_are_found_in_order,
    a_reader_works_in_another_thread,
];

fn find(log: &dyn SagaLog, query: &Query) -> Vec<u64> {
    let page = reader(log).find(query).expect("a page");
    page.sagas.iter().map(|saga| saga.id.get()).collect()
}

/// Ten sagas: odd ones are trips, even ones orders; 1 and 2 have ended, 3 is stuck, 4 is compensating, 5 is queued.
fn ten(open: &mut Open) -> Box<dyn SagaLog> {
    let mut log = open();
    for number in 1..=10 {
        let name = if number % 2 == 1 { "trip" } else { "order" };
        let key = (number == 6).then(|| "order-6".to_owned());
        let mut batch = start(number);
        batch.started = vec![StartedRow { name: name.to_owned(), key, ..started(number) }];
        let status = match number {
            3 => Status::Stuck,
            4 => Status::Compensating,
            5 => Status::Queued,
            _ => Status::Running,
        };
        let step = (number != 5).then(|| format!("step_{}", number % 3));
        let reason = (number == 3).then(|| "the hotel is silent".to_owned());
        batch.records =
            vec![RecordRow { standing: Some(Standing { step, reason, ..standing(status) }), ..record(number, 1) }];
        append(&mut log, &batch);
    }
    append(&mut log, &end(1, 2));
    let completed = EndedRow { status: Status::Completed, step: None, message: None, ..ended(2) };
    append(&mut log, &Batch { ended: vec![completed], ..end(2, 2) });
    log
}

fn a_reader_sees_what_is_committed(open: &mut Open) {
    let mut log = open();
    let mut reader = reader(&*log);
    assert_eq!(reader.find(&Query::default()).expect("a page").sagas, []);
    for number in 1..4 {
        append(&mut log, &start(number));
        assert_eq!(reader.find(&Query::default()).expect("a page").sagas.len() as u64, number);
    }
    assert!(log.append(go_on(1, 3)).is_err());
    append(&mut log, &go_on(1, 2));
    assert_eq!(reader.records(saga(1), 1, 10).expect("records"), [record(1, 1), record(1, 2)]);
}

fn an_open_saga_is_shown_as_its_newest_standing_says(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    let newest = Standing {
        status: Status::Stuck,
        step: Some("book".to_owned()),
        waiting_for: Some("an operator".to_owned()),
        participant: None,
        since: at(77),
        until: None,
        reason: Some("the hotel is silent".to_owned()),
    };
    let stuck = RecordRow { standing: Some(newest.clone()), ..record(1, 3) };
    append(&mut log, &Batch { records: vec![bare_record(1, 2), stuck], ..Batch::default() });
    let page = reader(&*log).find(&Query::default()).expect("a page");
    let summary = page.sagas.first().expect("one saga");
    assert_eq!(summary.standing, newest);
    assert_eq!((summary.started, summary.ended), (started(1).started, None));
    let details = reader(&*log).saga(saga(1)).expect("the saga can be read").expect("it is there");
    assert_eq!((&details.summary, details.input, details.outcome), (summary, started(1).input, None));
}

fn an_ended_saga_is_shown_as_its_end_says(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    let terminal = RecordRow { standing: Some(standing(Status::Compensated)), state: None, ..record(1, 2) };
    append(&mut log, &Batch { records: vec![terminal], ..end(1, 2) });
    let page = reader(&*log).find(&Query::default()).expect("a page");
    let summary = page.sagas.first().expect("one saga");
    assert_eq!(summary.standing, ended(1).standing());
    assert_eq!(summary.ended, Some(ended(1).ended));
    let details = reader(&*log).saga(saga(1)).expect("the saga can be read").expect("it is there");
    assert_eq!((&details.summary, details.outcome), (summary, Some(ended(1).outcome)));
}

fn a_saga_is_shown_whole(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    let mut batch = start(2);
    let row = StartedRow { version: 9, parent: Some(saga(1)), key: Some("order-17".to_owned()), ..started(2) };
    batch.started = vec![row.clone()];
    append(&mut log, &batch);
    let mut reader = reader(&*log);
    let details = reader.saga(saga(2)).expect("the saga can be read").expect("it is there");
    let summary = &details.summary;
    assert_eq!((summary.id, &summary.name, summary.version), (row.id, &row.name, row.version));
    assert_eq!((summary.parent, &summary.key, summary.started), (row.parent, &row.key, row.started));
    assert_eq!(details.input, row.input);
    assert_eq!(reader.find(&Query::default()).expect("a page").sagas.first(), Some(summary));
    for missing in [3, u64::MAX] {
        assert_eq!(reader.saga(saga(missing)).expect("a look for a saga"), None);
    }
}

fn every_filter_finds_what_it_says(open: &mut Open) {
    let log = ten(open);
    let all = Query::default;
    let text = |text: &str| Some(text.to_owned());
    let cases: [(Query, &[u64]); 17] = [
        (all(), &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (Query { names: vec!["trip".to_owned()], ..all() }, &[9, 7, 5, 3, 1]),
        (Query { names: vec!["trip".to_owned(), "order".to_owned()], limit: 3, ..all() }, &[10, 9, 8]),
        (Query { names: vec!["tri".to_owned()], ..all() }, &[]),
        (Query { statuses: vec![Status::Stuck, Status::Queued], ..all() }, &[5, 3]),
        (Query { statuses: vec![Status::Running], ..all() }, &[10, 9, 8, 7, 6]),
        (Query { statuses: vec![Status::Completed], ..all() }, &[2]),
        (Query { statuses: vec![Status::Compensated, Status::Compensating], ..all() }, &[4, 1]),
        (Query { step: text("step_1"), ..all() }, &[10, 7, 4]),
        (Query { step: text("charge"), ..all() }, &[1]),
        (Query { since: Some(at(800)), ..all() }, &[10, 9, 8]),
        (Query { before: Some(at(300)), ..all() }, &[2, 1]),
        (Query { since: Some(at(300)), before: Some(at(301)), ..all() }, &[3]),
        (Query { key: text("order-6"), ..all() }, &[6]),
        (Query { text: text("card"), ..all() }, &[1]),
        (Query { text: text("hotel is"), ..all() }, &[3]),
        (Query { text: text("\"number\":1"), ..all() }, &[10, 1]),
    ];
    for (query, expected) in cases {
        assert_eq!(find(&*log, &query), expected, "{query:?}");
        let count = reader(&*log).count(&query, &[]).expect("a count");
        let matching = find(&*log, &Query { limit: usize::MAX, ..query.clone() }).len() as u64;
        assert_eq!(count, [Count { values: Vec::new(), count: matching }], "{query:?}");
    }
}

fn filters_hold_together(open: &mut Open) {
    let log = ten(open);
    let query = Query {
        names: vec!["order".to_owned()],
        statuses: vec![Status::Running, Status::Completed],
        step: Some("step_1".to_owned()),
        since: Some(at(100)),
        before: Some(at(1100)),
        key: None,
        text: Some("number".to_owned()),
        below: Some(saga(11)),
        limit: 5,
    };
    assert_eq!(find(&*log, &query), [10]);
    assert!(find(&*log, &Query { below: Some(saga(10)), ..query.clone() }).is_empty());
    assert!(find(&*log, &Query { key: Some("order-6".to_owned()), ..query }).is_empty());
}

fn text_is_found_letter_by_letter(open: &mut Open) {
    let mut log = open();
    for (number, text) in (1..).zip(HOSTILE) {
        let mut batch = start(number);
        batch.started.iter_mut().for_each(|saga| saga.input = format!("<{text}>"));
        append(&mut log, &batch);
    }
    for (number, text) in (1..).zip(HOSTILE) {
        let found = find(&*log, &Query { text: Some(format!("<{text}>")), ..Query::default() });
        assert_eq!(found, [number], "{text:?}");
    }
    for absent in ["%", "<_>", "QUOTED", "<a>", "a\0c"] {
        let expected: &[u64] = if absent == "%" { &[2] } else { &[] };
        assert_eq!(find(&*log, &Query { text: Some(absent.to_owned()), ..Query::default() }), expected, "{absent:?}");
    }
    assert_eq!(find(&*log, &Query { text: Some(String::new()), ..Query::default() }).len(), HOSTILE.len());
    for text in HOSTILE {
        let query = Query { names: vec![(*text).to_owned()], ..Query::default() };
        assert_eq!(find(&*log, &query), Vec::<u64>::new(), "no saga has the name {text:?}");
    }
}

fn pages_follow_each_other(open: &mut Open) {
    let log = ten(open);
    let mut reader = reader(&*log);
    for limit in 1..=11 {
        let mut query = Query { limit, ..Query::default() };
        let mut seen = Vec::new();
        loop {
            let page = reader.find(&query).expect("a page");
            assert!(page.sagas.len() == limit || page.next.is_none(), "a page that has a next one is full");
            seen.extend(page.sagas.iter().map(|saga| saga.id.get()));
            assert!(seen.len() <= 10, "pages of {limit} come to an end");
            if page.next.is_none() {
                break;
            }
            query.below = page.next;
        }
        assert_eq!(seen, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], "pages of {limit}");
    }
    let none = reader.find(&Query { limit: 0, ..Query::default() }).expect("a page");
    assert_eq!((none.sagas, none.next), (Vec::new(), None));
    let below_all = Query { below: SagaId::new(u64::MAX), limit: usize::MAX, ..Query::default() };
    assert_eq!(reader.find(&below_all).expect("a page").sagas.len(), 10);
}

fn groups_are_counted(open: &mut Open) {
    let log = ten(open);
    let count = |query: &Query, by: &[Group]| -> Vec<(Vec<Option<String>>, u64)> {
        let counts = reader(&*log).count(query, by).expect("counts");
        counts.into_iter().map(|count| (count.values, count.count)).collect()
    };
    let values = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect::<Vec<_>>();
    let all = Query { limit: 1, below: Some(saga(3)), ..Query::default() };
    assert_eq!(count(&all, &[]), [(Vec::new(), 10)], "counts know no pages");
    assert_eq!(count(&all, &[Group::Name]), [(values(&["order"]), 5), (values(&["trip"]), 5)]);
    let running = Query { statuses: vec![Status::Running, Status::Stuck], ..Query::default() };
    assert_eq!(
        count(&running, &[Group::Status, Group::Name]),
        [(values(&["running", "order"]), 3), (values(&["running", "trip"]), 2), (values(&["stuck", "trip"]), 1)]
    );
    let by_step = count(&all, &[Group::Step]);
    let expected = [(values(&["step_0"]), 3), (values(&["step_1"]), 3), (vec![None], 2)];
    assert_eq!(by_step.get(..3), Some(&expected[..]));
    assert_eq!(by_step.len(), 5, "{by_step:?}");
    let nothing = Query { names: vec!["nothing".to_owned()], ..Query::default() };
    assert_eq!(count(&nothing, &[Group::Name]), []);
    assert_eq!(count(&nothing, &[]), [(Vec::new(), 0)]);
}

fn records_are_found_from_a_number_on(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    append(&mut log, &start(2));
    for number in 2..=9 {
        append(&mut log, &go_on(1, number));
    }
    let mut reader = reader(&*log);
    let mut numbers = |from, limit| -> Vec<u32> {
        let records = reader.records(saga(1), from, limit).expect("records");
        records.iter().map(|record| record.number).collect()
    };
    assert_eq!(numbers(0, 3), [1, 2, 3]);
    assert_eq!(numbers(4, 2), [4, 5]);
    assert_eq!(numbers(8, 100), [8, 9]);
    assert!(numbers(10, 100).is_empty());
    assert!(numbers(u32::MAX, usize::MAX).is_empty());
    assert!(numbers(1, 0).is_empty());
    assert_eq!(records(&*log, 3), []);
}

/// The sagas and numbers of the records after this position, and that each has the next position.
fn after(log: &dyn SagaLog, position: u64, limit: usize) -> Vec<(u64, u32)> {
    let found = reader(log).after(position, limit).expect("records");
    let positions: Vec<_> = found.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, (position + 1..).take(found.len()).collect::<Vec<_>>());
    found.iter().map(|(_, record)| (record.saga.get(), record.number)).collect()
}

fn records_of_all_sagas_are_found_in_their_order(open: &mut Open) {
    let mut log = open();
    assert_eq!(log.recover().expect("it opens").position, 0);
    assert_eq!(after(&*log, 0, 10), []);
    append(&mut log, &start(1));
    let mut both = start(2);
    both.records = vec![bare_record(1, 2), bare_record(2, 1), record(1, 3), record(2, 2)];
    append(&mut log, &both);
    append(&mut log, &end(1, 4));
    let all = [(1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (1, 4)];
    assert_eq!(after(&*log, 0, 10), all);
    assert_eq!(after(&*log, 2, 3), all[2..5]);
    assert_eq!(after(&*log, 6, 10), []);
    assert_eq!(after(&*log, u64::MAX - 1, 10), []);
    assert_eq!(reader(&*log).after(2, 1).expect("a record"), [(3, bare_record(2, 1))]);
}

fn a_record_keeps_its_position(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    append(&mut log, &end(1, 2));
    let refused = Batch { records: vec![record(1, 9)], ..Batch::default() };
    log.append(refused).expect_err("it has ended");
    drop(log);
    let mut log = open();
    assert_eq!(log.recover().expect("it opens").position, 2);
    append(&mut log, &start(2));
    assert_eq!(after(&*log, 0, 10), [(1, 1), (1, 2), (2, 1)]);
}

fn late_answers_are_found_in_order(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    let unknown = late(u64::MAX, "of a saga that never was");
    let rows = [late(1, "first"), unknown.clone(), late(1, "second"), late(1, "third")];
    append(&mut log, &Batch { late: rows[..2].to_vec(), ..Batch::default() });
    append(&mut log, &Batch { late: rows[2..].to_vec(), ..end(1, 2) });
    let without_step = crate::log::LateRow { step: None, ..late(1, "after the end") };
    append(&mut log, &Batch { late: vec![without_step.clone()], ..Batch::default() });
    let mut reader = reader(&*log);
    let found = reader.late(saga(1)).expect("late");
    assert_eq!(found, [late(1, "first"), late(1, "second"), late(1, "third"), without_step]);
    assert_eq!(reader.late(unknown.saga).expect("late"), [unknown]);
    assert_eq!(reader.late(saga(2)).expect("none late"), []);
}

fn a_reader_works_in_another_thread(open: &mut Open) {
    const LAST: u64 = 60;
    let mut log = open();
    append(&mut log, &start(1));
    let reader = reader(&*log);
    let watcher = std::thread::spawn(move || watch(reader, LAST));
    for number in 2..=LAST {
        let mut batch = start(number);
        batch.records.extend(end(number - 1, 2).records);
        batch.ended.extend(end(number - 1, 2).ended);
        append(&mut log, &batch);
    }
    watcher.join().expect("what the reader sees is always one committed whole");
}

/// Reads until the last saga has started. In every snapshot exactly the newest saga is open.
fn watch(mut reader: Box<dyn LogReader>, last: u64) {
    loop {
        let page = reader.find(&Query { limit: usize::MAX, ..Query::default() }).expect("a page");
        let open: Vec<_> = page.sagas.iter().filter(|saga| saga.ended.is_none()).map(|saga| saga.id).collect();
        let newest = page.sagas.first().map(|saga| saga.id);
        assert_eq!(open, Vec::from_iter(newest));
        assert_eq!(newest.map(SagaId::get), Some(page.sagas.len() as u64));
        if newest == Some(saga(last)) {
            return;
        }
    }
}
