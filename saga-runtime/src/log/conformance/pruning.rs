//! What pruning removes, and what it must not lose.

use super::appending::{append, reader, records};
use super::sample::{
    at, bare_record, definition, end, ended, go_on, late, received, record, saga, standing, start, started,
};
use super::{Open, promises};
use crate::log::{
    Batch, EndedRow, Family, Prune, Pruned, Query, RecordRow, Removed, SagaLog, StartedRow, Status, prune,
};
use crate::message::SagaId;

promises![
    a_pruned_saga_is_gone_with_all_that_it_had,
    what_has_not_ended_stays,
    a_family_goes_whole,
    a_part_of_a_family_goes_not_alone,
    a_family_of_which_one_has_not_ended_stays,
    one_whose_parent_is_not_in_the_log_stands_for_itself,
    the_last_that_ended_are_kept,
    age_counts_from_the_end,
    what_keeps_more_counts,
    every_filter_of_pruning_chooses_what_it_says,
    families_are_found_in_the_order_in_which_they_ended,
    a_pruned_id_is_not_given_again,
    a_pruned_position_is_not_given_again,
    a_pruned_record_leaves_a_gap,
    a_pruned_key_starts_another_saga,
    what_is_no_sagas_stays,
    what_is_in_flight_goes_on_after_pruning,
    pruning_that_was_cut_off_goes_on,
    pruning_again_does_nothing,
    what_comes_after_pruning_goes_at_the_next,
];

/// Starts, and ends in this order, one after the other.
fn have_ended(log: &mut Box<dyn SagaLog>, numbers: &[u64]) {
    for number in numbers {
        append(log, &start(*number));
    }
    for (index, number) in (1..).zip(numbers) {
        end_at(log, *number, index * 10);
    }
}

/// Ends so many seconds after the epoch.
fn end_at(log: &mut Box<dyn SagaLog>, number: u64, seconds: u64) {
    let ended = EndedRow { ended: at(seconds), ..ended(number) };
    append(log, &Batch { ended: vec![ended], ..end(number, 2) });
}

/// A saga that another one ran.
fn ran(number: u64, parent: u64) -> Batch {
    Batch { started: vec![StartedRow { parent: Some(saga(parent)), ..started(number) }], ..start(number) }
}

fn ids(numbers: &[u64]) -> Vec<SagaId> {
    numbers.iter().map(|number| saga(*number)).collect()
}

fn pruned(log: &mut Box<dyn SagaLog>, numbers: &[u64]) -> Pruned {
    log.prune(&ids(numbers)).expect("a log prunes")
}

fn chosen(log: &dyn SagaLog, prune: &Prune) -> Vec<u64> {
    let families = reader(log).prunable(prune).expect("a log says what may go");
    families.iter().map(|family| family.saga.get()).collect()
}

/// All sagas, oldest first.
fn there(log: &dyn SagaLog) -> Vec<u64> {
    let page = reader(log).find(&Query { limit: usize::MAX, ..Query::default() }).expect("a page");
    page.sagas.iter().rev().map(|saga| saga.id.get()).collect()
}

fn positions(log: &dyn SagaLog) -> Vec<(u64, u64)> {
    let found = reader(log).after(0, usize::MAX).expect("the records");
    found.into_iter().map(|(position, row)| (position, row.saga.get())).collect()
}

fn a_pruned_saga_is_gone_with_all_that_it_had(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1, 2]);
    append(&mut log, &Batch { late: vec![late(1, "too late"), late(2, "too late")], ..Batch::default() });
    let expected = Pruned { families: ids(&[1]), sagas: 1, records: 2 };
    assert_eq!(pruned(&mut log, &[1]), expected);
    for _ in 0..2 {
        assert_eq!(there(&*log), [2]);
        assert_eq!(records(&*log, 1), []);
        assert_eq!(records(&*log, 2), [record(2, 1), bare_record(2, 2)]);
        let mut reader = reader(&*log);
        assert_eq!(reader.saga(saga(1)).expect("a look at it"), None);
        assert_eq!(reader.late(saga(1)).expect("late"), []);
        assert_eq!(reader.late(saga(2)).expect("late"), [late(2, "too late")]);
        let counts = reader.count(&Query::default(), &[]).expect("a count");
        assert_eq!(counts.iter().map(|count| count.count).collect::<Vec<_>>(), [1]);
        drop(reader);
        drop(log);
        log = open();
    }
}

fn what_has_not_ended_stays(open: &mut Open) {
    let mut log = open();
    for (number, status) in (1..).zip([Status::Running, Status::Queued, Status::Compensating, Status::Stuck]) {
        let row = RecordRow { standing: Some(standing(status)), ..record(number, 1) };
        append(&mut log, &Batch { records: vec![row], ..start(number) });
    }
    assert_eq!(chosen(&*log, &Prune::default()), [0; 0]);
    let open_only = Prune { statuses: vec![Status::Stuck, Status::Running], ..Prune::default() };
    assert_eq!(chosen(&*log, &open_only), [0; 0]);
    assert_eq!(pruned(&mut log, &[1, 2, 3, 4, 5]), Pruned::default());
    drop(log);
    let recovered = open().recover().expect("recovery").open;
    assert_eq!(recovered.iter().map(|saga| saga.id.get()).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

/// 1 ran 2 and 3, 3 ran 4; 5 ran 6.
fn families(open: &mut Open) -> Box<dyn SagaLog> {
    let mut log = open();
    for batch in [start(1), ran(2, 1), ran(3, 1), ran(4, 3), start(5), ran(6, 5)] {
        append(&mut log, &batch);
    }
    log
}

fn a_family_goes_whole(open: &mut Open) {
    let mut log = families(open);
    for number in [2, 4, 3, 1, 6, 5] {
        append(&mut log, &end(number, 2));
    }
    let found = reader(&*log).prunable(&Prune { key: None, ..Prune::default() }).expect("what may go");
    let sizes: Vec<_> = found.iter().map(|family| (family.saga.get(), family.sagas)).collect();
    assert_eq!(sizes, [(1, 4), (5, 2)]);
    let expected = Pruned { families: ids(&[1]), sagas: 4, records: 8 };
    assert_eq!(pruned(&mut log, &[1]), expected);
    assert_eq!(there(&*log), [5, 6]);
}

fn a_part_of_a_family_goes_not_alone(open: &mut Open) {
    let mut log = families(open);
    for number in [2, 4, 3, 1] {
        append(&mut log, &end(number, 2));
    }
    assert_eq!(chosen(&*log, &Prune::default()), [1]);
    assert_eq!(pruned(&mut log, &[2, 3, 4]), Pruned::default());
    assert_eq!(there(&*log), [1, 2, 3, 4, 5, 6]);
}

fn a_family_of_which_one_has_not_ended_stays(open: &mut Open) {
    let mut log = families(open);
    for number in [1, 2, 3, 5, 6] {
        append(&mut log, &end(number, 2));
    }
    assert_eq!(chosen(&*log, &Prune::default()), [5]);
    assert_eq!(pruned(&mut log, &[1, 5]).families, ids(&[5]));
    assert_eq!(there(&*log), [1, 2, 3, 4]);
    append(&mut log, &end(4, 2));
    assert_eq!(chosen(&*log, &Prune::default()), [1]);
    assert_eq!(pruned(&mut log, &[1]).sagas, 4);
}

fn one_whose_parent_is_not_in_the_log_stands_for_itself(open: &mut Open) {
    let mut log = open();
    append(&mut log, &ran(7, 3));
    append(&mut log, &ran(8, 7));
    append(&mut log, &end(8, 2));
    append(&mut log, &end(7, 2));
    assert_eq!(chosen(&*log, &Prune::default()), [7]);
    assert_eq!(pruned(&mut log, &[7]).sagas, 2);
}

fn the_last_that_ended_are_kept(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[3, 1, 5, 2, 4]);
    append(&mut log, &start(6));
    for (keep, goes) in [(0, &[3, 1, 5, 2, 4][..]), (2, &[3, 1, 5]), (4, &[3]), (5, &[]), (u64::MAX, &[])] {
        assert_eq!(chosen(&*log, &Prune { keep, ..Prune::default() }), goes, "{keep}");
    }
}

fn age_counts_from_the_end(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[3, 1, 2]);
    for (seconds, goes) in [(10, &[][..]), (11, &[3]), (20, &[3]), (31, &[3, 1, 2])] {
        let prune = Prune { ended_before: Some(at(seconds)), ..Prune::default() };
        assert_eq!(chosen(&*log, &prune), goes, "{seconds}");
    }
}

fn what_keeps_more_counts(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1, 2, 3, 4]);
    for (seconds, keep, goes) in [(25, 1, &[1, 2][..]), (25, 3, &[1]), (15, 1, &[1]), (99, 4, &[]), (10, 0, &[])] {
        let prune = Prune { ended_before: Some(at(seconds)), keep, ..Prune::default() };
        assert_eq!(chosen(&*log, &prune), goes, "{seconds} {keep}");
    }
}

fn every_filter_of_pruning_chooses_what_it_says(open: &mut Open) {
    let mut log = open();
    for number in 1..=4 {
        let name = if number % 2 == 1 { "trip" } else { "order" };
        let row = StartedRow { name: name.to_owned(), key: Some(format!("k{number}")), ..started(number) };
        append(&mut log, &Batch { started: vec![row], ..start(number) });
        let completed = EndedRow { status: Status::Completed, step: None, message: None, ..ended(number) };
        let row = if number > 2 { completed } else { ended(number) };
        append(&mut log, &Batch { ended: vec![EndedRow { ended: at(number), ..row }], ..end(number, 2) });
    }
    // What was run by another one is not chosen by what it is itself.
    append(&mut log, &Batch { started: vec![StartedRow { parent: Some(saga(4)), ..started(5) }], ..start(5) });
    append(&mut log, &end(5, 2));
    let all = Prune::default;
    let text = |text: &str| Some(text.to_owned());
    for (prune, goes) in [
        (Prune { names: vec!["trip".to_owned()], ..all() }, &[1, 3][..]),
        (Prune { statuses: vec![Status::Completed], ..all() }, &[3, 4]),
        (Prune { statuses: vec![Status::Completed, Status::Compensated], ..all() }, &[1, 2, 3, 4]),
        (Prune { step: text("charge"), ..all() }, &[1, 2]),
        (Prune { key: text("k3"), ..all() }, &[3]),
        (Prune { text: text("card is lost"), ..all() }, &[1, 2]),
        (Prune { text: text("\"number\":4"), ..all() }, &[4]),
        (Prune { names: vec!["trip".to_owned()], keep: 1, ..all() }, &[1]),
        (Prune { names: vec!["trip".to_owned()], statuses: vec![Status::Ended], ..all() }, &[]),
    ] {
        assert_eq!(chosen(&*log, &prune), goes, "{prune:?}");
    }
}

fn families_are_found_in_the_order_in_which_they_ended(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[2, 3]);
    append(&mut log, &start(1));
    end_at(&mut log, 1, 10);
    let found = reader(&*log).prunable(&Prune::default()).expect("what may go");
    let family = |number, seconds| Family {
        saga: saga(number),
        name: "trip".to_owned(),
        status: Status::Compensated,
        ended: at(seconds),
        sagas: 1,
    };
    assert_eq!(found, [family(1, 10), family(2, 10), family(3, 20)]);
}

fn a_pruned_id_is_not_given_again(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1, 41]);
    append(&mut log, &Batch { reserved: Some(saga(60)), ..Batch::default() });
    assert_eq!(pruned(&mut log, &[1, 41]).sagas, 2);
    assert_eq!(log.recover().expect("recovery").next, Some(saga(61)));
    drop(log);
    assert_eq!(open().recover().expect("recovery").next, Some(saga(61)));
}

fn a_pruned_position_is_not_given_again(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1, 2]);
    for _ in 0..2 {
        pruned(&mut log, &[1, 2]);
        assert_eq!(log.recover().expect("recovery").position, 4, "the last record is gone, and its position is not");
        assert_eq!(positions(&*log), []);
        drop(log);
        log = open();
    }
    append(&mut log, &start(3));
    assert_eq!(positions(&*log), [(5, 3)]);
    append(&mut log, &end(3, 2));
    append(&mut log, &start(4));
    pruned(&mut log, &[3]);
    assert_eq!(positions(&*log), [(7, 4)]);
    append(&mut log, &go_on(4, 2));
    drop(log);
    let mut log = open();
    assert_eq!(log.recover().expect("recovery").position, 8);
    assert_eq!(positions(&*log), [(7, 4), (8, 4)]);
}

fn a_pruned_record_leaves_a_gap(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    append(&mut log, &start(2));
    append(&mut log, &end(2, 2));
    append(&mut log, &go_on(1, 2));
    append(&mut log, &start(3));
    append(&mut log, &end(3, 2));
    pruned(&mut log, &[2, 3]);
    append(&mut log, &go_on(1, 3));
    assert_eq!(positions(&*log), [(1, 1), (4, 1), (7, 1)]);
    let mut reader = reader(&*log);
    for (after, found) in [(0, 1), (1, 4), (2, 4), (3, 4), (4, 7), (5, 7), (6, 7)] {
        let page = reader.after(after, 1).expect("the records");
        assert_eq!(page.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [found], "after {after}");
    }
    assert_eq!(reader.after(7, 1).expect("the records"), []);
}

fn a_pruned_key_starts_another_saga(open: &mut Open) {
    let mut log = open();
    let with_key = |number| Batch {
        started: vec![StartedRow { key: Some("order-17".to_owned()), ..started(number) }],
        ..start(number)
    };
    append(&mut log, &with_key(1));
    append(&mut log, &end(1, 2));
    pruned(&mut log, &[1]);
    assert_eq!(reader(&*log).started_with("order-17").expect("a look at the key"), None);
    append(&mut log, &with_key(2));
    assert_eq!(reader(&*log).started_with("order-17").expect("a look at the key"), Some(saga(2)));
}

fn what_is_no_sagas_stays(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1]);
    let (definitions, received) = (vec![definition("trip", 1, "f1")], vec![received("bank", "s1", 17)]);
    append(&mut log, &Batch { definitions: definitions.clone(), received: received.clone(), ..Batch::default() });
    let identity = log.identity();
    pruned(&mut log, &[1]);
    drop(log);
    let mut log = open();
    assert_eq!(log.identity(), identity);
    let recovery = log.recover().expect("recovery");
    assert_eq!(recovery.received, received, "what was said before is known as said before");
    assert_eq!(recovery.definitions.len(), 1);
    assert_eq!(reader(&*log).definition("trip", 1).expect("a definition"), definitions.first().cloned());
}

fn what_is_in_flight_goes_on_after_pruning(open: &mut Open) {
    let mut log = open();
    append(&mut log, &start(1));
    have_ended(&mut log, &[2, 3]);
    append(&mut log, &start(4));
    pruned(&mut log, &[2, 3]);
    append(&mut log, &go_on(1, 2));
    drop(log);
    let mut log = open();
    let recovered = log.recover().expect("recovery").open;
    let states: Vec<_> = recovered.iter().map(|saga| saga.state.as_deref().expect("its state")).collect();
    assert_eq!(states, ["state 2 of 1", "state 1 of 4"]);
    append(&mut log, &end(1, 3));
    append(&mut log, &end(4, 2));
}

fn pruning_that_was_cut_off_goes_on(open: &mut Open) {
    let mut log = families(open);
    for number in [2, 4, 3, 1, 6, 5] {
        append(&mut log, &end(number, 2));
    }
    append(&mut log, &start(7));
    let found = reader(&*log).prunable(&Prune::default()).expect("what may go");
    assert_eq!(pruned(&mut log, &[1]).sagas, 4);
    drop(log);
    let mut log = open();
    assert_eq!(there(&*log), [5, 6, 7], "each family is whole or gone");
    let removed = prune(&mut *log, &found).expect("the rest");
    assert_eq!((removed.sagas, removed.records, removed.left), (2, 4, 1));
    assert_eq!(there(&*log), [7]);
}

fn pruning_again_does_nothing(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1, 2]);
    let found = reader(&*log).prunable(&Prune { keep: 1, ..Prune::default() }).expect("what may go");
    let removed = prune(&mut *log, &found).expect("it goes");
    assert_eq!(removed, Removed { records: 2, ..Removed::would_be(&found) });
    assert_eq!(pruned(&mut log, &[1, 1]), Pruned::default());
    assert_eq!(pruned(&mut log, &[2, 2]).sagas, 1);
    assert_eq!(pruned(&mut log, &[]), Pruned::default());
}

fn what_comes_after_pruning_goes_at_the_next(open: &mut Open) {
    let mut log = open();
    have_ended(&mut log, &[1, 2]);
    pruned(&mut log, &[1]);
    append(&mut log, &Batch { late: vec![late(1, "very late"), late(9, "of one to come")], ..Batch::default() });
    assert_eq!(reader(&*log).late(saga(1)).expect("late"), [late(1, "very late")]);
    pruned(&mut log, &[2]);
    assert_eq!(reader(&*log).late(saga(1)).expect("late"), []);
    assert_eq!(reader(&*log).late(saga(9)).expect("late"), [late(9, "of one to come")]);
}
