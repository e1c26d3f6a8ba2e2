//! What is said twice, or when nobody waits for it any more: shown, never applied.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use super::compensating::grounded;
use super::settling::doubted;
use crate::twin::Twin;

/// How many late answers were told.
fn late<S: Saga>(saga: &Twin<S>) -> usize {
    saga.notices().iter().filter(|notice| matches!(notice, Notice::AnswerLate { .. })).count()
}

/// Rule: end.late-shown
/// Rule: testing.duplicates
#[test]
fn a_second_answer_moves_nothing() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.reply_to(&CHARGE, charged());
    saga.reply_to(&CHARGE, Event::Charged { receipt: 8 });
    saga.refuse_to(&CHARGE, Refusal::Closed);
    assert_eq!(saga.sent(), [BOOK]);
    assert!(matches!(saga.state(), TripState::Book { charge: 7, .. }));
    assert_eq!(late(&saga), 3, "each is shown");
}

/// Rule: end.late-shown
/// Rule: end.one
#[test]
fn an_answer_after_the_end_is_shown_and_moves_nothing() {
    let mut saga = doubted();
    saga.settle(Fate::Never);
    let end = saga.outcome().cloned();
    saga.reply_to(&CHARGE, charged());
    assert_eq!(saga.outcome(), end.as_ref());
    assert!(saga.sent().is_empty());
    assert_eq!(late(&saga), 1);
}

#[test]
fn an_answer_to_what_was_refused_moves_nothing() {
    let mut saga = grounded();
    saga.handled_to(&Command::Fly);
    assert_eq!(saga.sent(), [unbook()]);
    assert_eq!(late(&saga), 1);
}

#[test]
fn an_answer_to_what_is_being_undone_moves_nothing() {
    let mut saga = grounded();
    saga.reply_to(&BOOK, Event::Booked { room: "another".to_owned() });
    assert_eq!(saga.sent(), [unbook()]);
    saga.handled();
    saga.handled_to(&unbook());
    assert_eq!(saga.sent(), [REFUND]);
    assert_eq!(late(&saga), 2);
}

/// Rule: attempts.refusal-current
#[test]
fn a_refusal_of_an_older_attempt_counts_for_nothing() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.advance(Duration::from_secs(10) + Duration::from_millis(100));
    assert_eq!(saga.attempts("book", Mode::Forward), [1, 2]);
    saga.refuse_attempt(&BOOK, 1, Refusal::Full);
    assert_eq!(saga.sent(), [BOOK]);
    assert!(!saga.is_compensating());
    saga.reply(booked());
    assert_eq!(saga.sent(), [Command::Fly]);
}

#[test]
fn a_refusal_that_comes_before_the_next_attempt_counts() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.advance(Duration::from_secs(10));
    saga.refuse_attempt(&BOOK, 1, Refusal::Full);
    assert_eq!(saga.sent(), [REFUND]);
}

#[test]
fn a_fate_that_comes_twice_moves_nothing() {
    let mut saga = doubted();
    saga.settle(Fate::Done(vec![charged()]));
    saga.reply_to(&CHARGE, charged());
    assert_eq!(saga.sent(), [REFUND]);
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}
