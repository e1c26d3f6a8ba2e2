//! A cancel at each point of a saga.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::compensating::grounded;
use super::settling::doubted;
use crate::twin::Twin;

/// Rule: undoing.doubt.cancelled
/// Rule: undoing.doubt.never
#[test]
fn what_is_out_is_settled_and_what_took_effect_is_undone() {
    for step in 0..3_usize {
        let mut saga = Twin::start(trip());
        [charged(), booked()].into_iter().take(step).for_each(|event| saga.reply(event));
        assert_eq!(saga.cancel(), CancelReply::Requested);
        assert!(saga.is_compensating() && saga.outcome().is_none());
        saga.settle(Fate::Never);
        for undo in [unbook(), REFUND].iter().skip(2 - step) {
            assert_eq!(&saga.sent(), std::slice::from_ref(undo));
            saga.handled();
        }
        assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
        assert_eq!(saga.cause().step(), ["charge", "book", "fly"][step]);
    }
}

/// Rule: undoing.doubt.cancelled
#[test]
fn between_two_attempts_the_last_one_is_settled() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.advance(Duration::from_secs(10));
    saga.cancel();
    assert_eq!(saga.asked(), [BOOK]);
    saga.advance(Duration::from_secs(1));
    assert_eq!(saga.attempts("book", Mode::Forward), [1], "and not sent again");
}

/// Rule: end.cause-stays
#[test]
fn on_the_way_back_it_changes_nothing() {
    let mut saga = grounded();
    assert_eq!(saga.cancel(), CancelReply::Requested);
    assert_eq!(saga.sent(), [unbook()]);
    saga.handled();
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Refused, "the first cause stays");
}

/// Rule: end.cause-stays
#[test]
fn while_settling_it_changes_nothing() {
    let mut saga = doubted();
    assert_eq!(saga.cancel(), CancelReply::Requested);
    assert_eq!(saga.asked(), [CHARGE]);
    saga.settle(Fate::Never);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: end.cancel-replies
#[test]
fn after_the_end_it_says_so() {
    let mut saga = doubted();
    saga.settle(Fate::Never);
    assert_eq!(saga.cancel(), CancelReply::Ended);
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.reply(booked());
    saga.handled();
    assert_eq!(saga.cancel(), CancelReply::Ended);
    assert_eq!(saga.outcome(), Some(&completed()));
}

#[test]
fn a_saga_that_is_stuck_on_the_way_back_stays_stuck() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    saga.cancel();
    assert!(saga.is_stuck());
}

#[test]
fn a_saga_that_is_stuck_on_its_way_goes_back() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.handled();
    assert!(saga.is_stuck(), "the hotel broke its contract");
    assert_eq!(saga.cancel(), CancelReply::Requested);
    assert_eq!((saga.is_stuck(), saga.asked()), (false, vec![BOOK]));
    saga.settle(Fate::Never);
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}
