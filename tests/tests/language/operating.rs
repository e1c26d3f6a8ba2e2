//! What an operator may do about a saga that is stuck, and what makes no sense.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::compensating::grounded;
use super::settling::doubted;
use crate::twin::Twin;

/// A trip whose `Unbook` was refused until that was enough.
fn spent() -> Twin<Trip> {
    let mut saga = grounded();
    for _ in 0..10 {
        saga.refuse(Refusal::Closed);
        saga.advance(Duration::from_secs(30));
    }
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck());
    saga
}

fn unknown() -> Twin<Trip> {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    saga
}

/// A trip whose hotel handled without the reply that it owes.
fn broken() -> Twin<Trip> {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.handled();
    assert!(saga.is_stuck());
    saga
}

fn unreachable() -> Twin<Trip> {
    let mut saga = doubted();
    saga.disconnect();
    saga.advance(Duration::from_secs(61));
    assert!(saga.is_stuck());
    saga
}

/// Rule: undoing.operator.only-stuck
#[test]
fn a_saga_that_is_not_stuck_is_left_alone() {
    let actions = [Operator::Retry, Operator::Skip, Operator::End];
    for saga in [|| Twin::start(trip()), grounded, doubted] {
        for action in actions {
            let mut saga = saga();
            let (sent, asked) = (saga.sent(), saga.asked());
            assert!(!saga.operator(action), "{action:?} makes no sense");
            assert_eq!((saga.sent(), saga.asked()), (sent, asked));
        }
    }
}

/// Rule: end.one
#[test]
fn a_saga_that_has_ended_is_left_alone() {
    let mut saga = doubted();
    saga.settle(Fate::Never);
    for action in [Operator::Retry, Operator::Skip, Operator::End] {
        assert!(!saga.operator(action), "{action:?} makes no sense");
    }
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.operator.retry
#[test]
fn retry_does_a_spent_compensation_again_with_new_attempts() {
    let mut saga = spent();
    assert!(saga.operator(Operator::Retry));
    assert!(!saga.is_stuck());
    for _ in 0..10 {
        assert_eq!((saga.sent(), saga.modes()), (vec![unbook()], vec![Mode::Compensation]));
        saga.refuse(Refusal::Closed);
        saga.advance(Duration::from_secs(30));
    }
    assert!(!saga.is_stuck());
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    saga.handled();
    assert_eq!(saga.sent(), [REFUND]);
    saga.handled();
    assert_eq!(saga.cause().refusal(), Some(Refusal::Full));
}

/// Rule: undoing.operator.skip
#[test]
fn skip_passes_over_a_spent_compensation() {
    let mut saga = spent();
    assert!(saga.operator(Operator::Skip));
    assert!(!saga.is_stuck());
    assert_eq!(saga.sent(), [REFUND]);
    saga.handled();
    assert_eq!(saga.cause().refusal(), Some(Refusal::Full));
}

/// Rule: undoing.operator.end
#[test]
fn end_stops_compensating() {
    let mut saga = spent();
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended());
    assert!(saga.sent().is_empty());
}

/// Rule: undoing.operator.tracks
#[test]
fn end_says_who_and_why() {
    let mut saga = spent();
    saga.operator(Operator::End);
    let by = EndedBy { who: "operator".to_owned(), why: "a test".to_owned() };
    assert_eq!(saga.outcome(), Some(&Outcome::Ended(by)));
}

/// Rule: undoing.operator.retry
#[test]
fn retry_asks_an_unknown_fate_again() {
    let mut saga = unknown();
    assert!(saga.operator(Operator::Retry));
    assert!(!saga.is_stuck());
    assert_eq!(saga.asked(), [BOOK]);
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    saga.operator(Operator::Retry);
    saga.settle(Fate::Done(vec![booked()]));
    assert_eq!(saga.sent(), [unbook()]);
}

/// Rule: undoing.operator.skip
#[test]
fn skip_takes_an_unknown_fate_as_never() {
    let mut saga = unknown();
    assert!(saga.operator(Operator::Skip));
    assert_eq!(saga.sent(), [REFUND]);
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

#[test]
fn end_leaves_an_unknown_fate_unknown() {
    let mut saga = unknown();
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended());
}

#[test]
fn retry_sends_what_broke_its_contract_again() {
    let mut saga = broken();
    assert!(saga.operator(Operator::Retry));
    assert_eq!((saga.is_stuck(), saga.sent()), (false, vec![BOOK]));
    saga.reply(booked());
    saga.handled();
    assert_eq!(saga.outcome(), Some(&completed()));
}

/// Rule: undoing.operator.skip-refused
/// Rule: attempts.owes-a-reply
#[test]
fn skip_is_refused_where_it_was_done_and_nobody_knows_what_came_of_it() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.cancel();
    saga.settle(Fate::Done(vec![]));
    assert!(saga.is_stuck());
    assert!(saga.reason().contains("broke its contract"), "{}", saga.reason());
    assert!(!saga.operator(Operator::Skip), "it is not never that was said");
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    assert_eq!(saga.asked(), [BOOK]);
    saga.settle(Fate::Done(vec![booked()]));
    assert_eq!(saga.sent(), [unbook()]);
}

/// Rule: undoing.operator.skip-refused
#[test]
fn skip_is_refused_on_the_way_forward() {
    let mut saga = broken();
    assert!(!saga.operator(Operator::Skip));
    assert!(saga.is_stuck());
}

#[test]
fn end_ends_on_the_way_forward_and_undoes_nothing() {
    let mut saga = broken();
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended() && saga.sent().is_empty());
}

#[test]
fn end_ends_what_cannot_be_reached() {
    let mut saga = unreachable();
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended());
}

/// Rule: undoing.operator.tracks
#[test]
fn what_an_operator_does_is_told() {
    let mut saga = spent();
    saga.operator(Operator::Skip);
    let told = saga.notices().into_iter().any(|notice| {
        matches!(notice, Notice::OperatorActed { action: Operator::Skip, who, why, .. } if who == "operator" && why == "a test")
    });
    assert!(told);
}
