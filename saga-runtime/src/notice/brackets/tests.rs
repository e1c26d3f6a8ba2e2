//! Scripts of what a subscriber is told, and what it gets of it.

use serde_json::json;

use super::*;
use crate::cause::{Cause, CauseKind, EndedBy};
use crate::log::{Standing, Status};
use crate::message::LogId;
use crate::notice::Life;
use crate::time::Timestamp;

const TIME: Timestamp = Timestamp::from_micros(1);

fn id(number: u64) -> SagaId {
    SagaId::new(number).expect("not zero")
}

fn starts(saga: u64) -> Notice {
    Notice::SagaStarted { time: TIME, saga: id(saga), name: "trip".into(), input: json!(saga), by: StartedBy::Call }
}

fn runs(parent: u64, saga: u64) -> Notice {
    let by = StartedBy::Parent { saga: id(parent), step: "book".to_owned(), item: 0 };
    Notice::SagaStarted { time: TIME, saga: id(saga), name: "room".into(), input: json!(saga), by }
}

fn goes_on(saga: u64) -> Notice {
    Notice::SagaKept { time: TIME, saga: id(saga), name: "trip".into() }
}

fn completes(saga: u64) -> Notice {
    Notice::SagaCompleted { time: TIME, saga: id(saga), name: "trip".into(), output: json!(null) }
}

fn is_compensated(saga: u64) -> Notice {
    let cause = Cause::new("book", CauseKind::Failed, "no room");
    Notice::SagaCompensated { time: TIME, saga: id(saga), name: "trip".into(), cause }
}

fn is_ended(saga: u64) -> Notice {
    let by = EndedBy { who: "ann".to_owned(), why: "enough".to_owned() };
    Notice::SagaEnded { time: TIME, saga: id(saga), name: "trip".into(), by }
}

fn beside() -> Notice {
    Notice::ParticipantConnected { time: TIME, participant: "hotel".into(), resumed: false }
}

fn late(saga: u64) -> Notice {
    Notice::AnswerLate { time: TIME, saga: id(saga), participant: "hotel".into(), what: json!("done") }
}

/// The place of the record with this number: told as it happened, or read off the log afterwards.
fn live(record: u64) -> Position {
    Position { life: Some(Life { id: 7, number: record }), ..recorded(record) }
}

fn recorded(record: u64) -> Position {
    Position { log: LogId::from_bits(1), record, told: 1, life: None }
}

fn told(position: Position, notice: Notice) -> Told {
    Told { position, now: None, notice }
}

fn in_flight(saga: u64) -> InFlight {
    let standing = Standing {
        status: Status::Running,
        step: None,
        waiting_for: None,
        participant: None,
        since: TIME,
        until: None,
        reason: None,
    };
    InFlight { saga: id(saga), name: "trip".into(), parent: None, ephemeral: false, standing }
}

fn snapshot(position: Position, sagas: impl IntoIterator<Item = InFlight>) -> Snapshot {
    Snapshot { position, sagas: sagas.into_iter().collect(), missing: None }
}

fn open(brackets: &BracketBuffer) -> Vec<u64> {
    brackets.open().map(SagaId::get).collect()
}

/// Tells all of it, of which nothing is a unit.
fn keeps(brackets: &mut BracketBuffer, notices: impl IntoIterator<Item = Notice>) {
    for notice in notices {
        assert_eq!(brackets.notice(notice), None);
    }
}

fn bracket(unit: Option<Unit>) -> Bracket {
    match unit {
        Some(Unit::Bracket(bracket)) => bracket,
        other => panic!("no bracket closes: {other:?}"),
    }
}

#[test]
fn sagas_among_each_other_come_each_as_one() {
    let mut brackets = BracketBuffer::new();
    keeps(&mut brackets, [starts(1), starts(2), goes_on(1), starts(3), goes_on(3), goes_on(2)]);
    for (saga, end) in [(2, completes(2)), (3, is_compensated(3)), (1, is_ended(1))] {
        let closed = bracket(brackets.notice(end.clone()));
        assert_eq!((closed.saga.get(), &*closed.name, closed.is_whole), (saga, "trip", true));
        assert_eq!(closed.notices, [starts(saga), goes_on(saga), end]);
    }
    assert_eq!((open(&brackets), brackets.kept), (vec![], 0));
}

#[test]
fn what_is_in_no_bracket_passes_at_once() {
    let mut brackets = BracketBuffer::new();
    keeps(&mut brackets, [starts(1)]);
    assert_eq!(brackets.notice(beside()), Some(Unit::Notice(beside())));
    assert_eq!(brackets.notice(late(1)), Some(Unit::Notice(late(1))));
    assert_eq!(brackets.notice(late(9)), Some(Unit::Notice(late(9))));
    let moved = Notice::SagaMoved { time: TIME, saga: id(1), name: "trip".into() };
    assert_eq!(brackets.notice(moved), None);
    assert_eq!(bracket(brackets.notice(completes(1))).notices, [starts(1), completes(1)]);
}

#[test]
fn a_family_is_one_bracket() {
    let mut brackets = BracketBuffer::new();
    keeps(&mut brackets, [starts(1), runs(1, 2), runs(2, 3), starts(4), completes(3), goes_on(2)]);
    assert_eq!(open(&brackets), [1, 4]);
    // A child that was kept ends after the saga that ran it.
    keeps(&mut brackets, [completes(1)]);
    let closed = bracket(brackets.notice(completes(2)));
    assert_eq!((closed.saga, closed.is_whole), (id(1), true));
    let all = [starts(1), runs(1, 2), runs(2, 3), completes(3), goes_on(2), completes(1), completes(2)];
    assert_eq!(closed.notices, all);
    assert_eq!(bracket(brackets.notice(completes(4))).notices, [starts(4), completes(4)]);
}

#[test]
fn an_end_without_a_beginning_is_not_whole() {
    let mut brackets = BracketBuffer::new();
    let closed = bracket(brackets.notice(completes(1)));
    assert_eq!((closed.is_whole, closed.notices), (false, vec![completes(1)]));
    keeps(&mut brackets, [goes_on(2)]);
    assert!(!bracket(brackets.notice(completes(2))).is_whole);
    assert!(open(&brackets).is_empty());
}

#[test]
fn a_snapshot_opens_what_is_in_flight() {
    let mut brackets = BracketBuffer::new();
    let child = InFlight { parent: Some(id(1)), name: "room".into(), ..in_flight(2) };
    assert_eq!(brackets.snapshot(&snapshot(live(5), [in_flight(1), child, in_flight(3)])), []);
    assert_eq!((open(&brackets), brackets.position()), (vec![1, 3], Some(live(5))));
    assert_eq!(brackets.change(told(live(6), completes(1))), None);
    let closed = bracket(brackets.change(told(live(7), completes(2))));
    let as_known =
        Bracket { saga: id(1), name: "trip".into(), notices: vec![completes(1), completes(2)], is_whole: false };
    assert_eq!(closed, as_known);
}

#[test]
fn a_snapshot_in_the_middle_without_a_gap_changes_nothing() {
    let mut brackets = BracketBuffer::new();
    assert_eq!(brackets.snapshot(&snapshot(live(1), [])), []);
    assert_eq!(brackets.change(told(live(2), starts(1))), None);
    let before = brackets.clone();
    assert_eq!(brackets.snapshot(&snapshot(live(2), [in_flight(1)])), []);
    assert_eq!(brackets, before);
    // Missed while the coordinator was away, and read off its log.
    assert_eq!(brackets.change(told(recorded(3), goes_on(1))), None);
    assert_eq!(brackets.change(told(recorded(4), starts(2))), None);
    assert!(bracket(brackets.change(told(recorded(5), completes(2)))).is_whole);
    let next_life = Position { life: Some(Life { id: 8, number: 1 }), record: 6, told: 0, ..live(6) };
    assert_eq!(brackets.snapshot(&snapshot(next_life, [in_flight(1)])), []);
    let on = Position { life: Some(Life { id: 8, number: 2 }), told: 1, ..next_life };
    let closed = bracket(brackets.change(told(on, completes(1))));
    assert_eq!((closed.is_whole, closed.notices), (true, vec![starts(1), goes_on(1), completes(1)]));
}

#[test]
fn what_was_told_before_is_dropped() {
    let mut brackets = BracketBuffer::new();
    let script = [starts(1), starts(2), completes(1), goes_on(2)];
    brackets.snapshot(&snapshot(live(0), []));
    let mut tell = |from: usize, position: fn(u64) -> Position| {
        let script = script.iter().enumerate().skip(from);
        let told = script.map(|(at, notice)| told(position(at as u64 + 1), notice.clone()));
        told.filter_map(|told| brackets.change(told)).collect::<Vec<_>>()
    };
    assert_eq!(tell(0, live).len(), 1);
    // It goes on from where it was long ago: in this life, and off the log.
    for from in 0..script.len() {
        assert_eq!(tell(from, live), []);
        assert_eq!(tell(from, recorded), []);
    }
    let closed = bracket(brackets.change(told(live(5), completes(2))));
    assert_eq!(closed.notices, [starts(2), goes_on(2), completes(2)]);
}

#[test]
fn a_gap_shows() {
    let mut brackets = BracketBuffer::new();
    brackets.snapshot(&snapshot(live(0), []));
    for (at, saga) in [(1, 1), (2, 2)] {
        assert_eq!(brackets.change(told(live(at), starts(saga))), None);
    }
    let missing = Some("record 3 is no longer in the log".to_owned());
    let void = brackets.snapshot(&Snapshot { missing, ..snapshot(live(9), [in_flight(2), in_flight(4)]) });
    assert_eq!(void, [Bracket { saga: id(1), name: "trip".into(), notices: vec![starts(1)], is_whole: false }]);
    assert!(!bracket(brackets.change(told(live(10), completes(2)))).is_whole);
    assert!(!bracket(brackets.change(told(live(11), completes(4)))).is_whole);
    assert_eq!(brackets.kept, 0);
}

#[test]
fn a_saga_that_died_with_its_coordinator_is_void_and_one_that_no_record_tells_of_not_whole() {
    let mut brackets = BracketBuffer::new();
    brackets.snapshot(&snapshot(live(0), []));
    for (at, saga) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(brackets.change(told(live(at), starts(saga))), None);
    }
    let fleeting = InFlight { ephemeral: true, ..in_flight(2) };
    let void = brackets.snapshot(&snapshot(live(8), [fleeting, in_flight(3)]));
    assert_eq!(void.iter().map(|bracket| bracket.saga.get()).collect::<Vec<_>>(), [1]);
    assert!(!bracket(brackets.change(told(live(9), completes(2)))).is_whole);
    assert!(bracket(brackets.change(told(live(10), completes(3)))).is_whole);
}

#[test]
fn one_who_lagged_has_nothing_whole() {
    let mut brackets = BracketBuffer::new();
    keeps(&mut brackets, [starts(1)]);
    let lagged = Notice::Lagged { missed: 3 };
    assert_eq!(brackets.notice(lagged.clone()), Some(Unit::Notice(lagged)));
    assert!(!bracket(brackets.notice(completes(1))).is_whole);
}

#[test]
fn memory_is_bounded_and_the_longest_pays() {
    let mut brackets = BracketBuffer::new().with_limit(10);
    keeps(&mut brackets, [starts(1), starts(2)]);
    for _ in 0..1000 {
        keeps(&mut brackets, [goes_on(2)]);
        assert!(brackets.kept <= 10);
    }
    let short = bracket(brackets.notice(completes(1)));
    assert_eq!((short.is_whole, short.notices.len()), (true, 2));
    let long = bracket(brackets.notice(completes(2)));
    assert!(!long.is_whole && long.notices.len() <= 10);
    assert_eq!((long.notices.first(), long.notices.last()), (Some(&starts(2)), Some(&completes(2))));
}

#[test]
fn memory_is_bounded_however_many_are_in_flight() {
    let mut brackets = BracketBuffer::new().with_limit(1);
    keeps(&mut brackets, (1..=50).map(starts));
    assert_eq!((brackets.kept, open(&brackets).len()), (1, 50));
    let whole = (1..=50).filter(|saga| bracket(brackets.notice(completes(*saga))).is_whole).count();
    assert_eq!((whole, brackets.kept), (0, 0));
}

#[test]
fn it_goes_on_from_what_was_written_of_it() {
    let mut brackets = BracketBuffer::new();
    brackets.snapshot(&snapshot(live(0), []));
    for (at, notice) in [(1, starts(1)), (2, runs(1, 2)), (3, starts(3)), (4, completes(2))] {
        assert_eq!(brackets.change(told(live(at), notice)), None);
    }
    let written = serde_json::to_string(&brackets).expect("it is written");
    let mut read: BracketBuffer = serde_json::from_str(&written).expect("it is read");
    assert_eq!(read, brackets);
    let closed = bracket(read.change(told(live(5), completes(1))));
    assert_eq!((closed.is_whole, closed.notices.len()), (true, 4));
}
