//! Going back: which steps, in which order, how often, and what happens when that is not enough.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use crate::twin::Twin;

saga! {
    /// Its second step cannot be undone and need not.
    saga Mixed(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> u64 {
            send Charge { cents };
            await Charged { receipt } => receipt;
            compensate Refund { receipt: charge };
        }
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
        step look {
            query RoomsOf { night: 1 };
        }
        step fly {
            send Fly;
            compensate none because "nobody minds";
        }
    }

    /// Its compensation says why.
    saga Sorry(night: u32) on Travel {
        concurrency allow;
        deadline 1m;
        step book -> String {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room: format!("{book}, since: {}", cause.map_or("", Cause::message)) };
        }
        step fly {
            send Fly;
            compensate none because "nobody minds";
        }
    }
}

/// A trip whose last step was refused.
pub(super) fn grounded() -> Twin<Trip> {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.reply(booked());
    saga.refuse(Refusal::Full);
    saga
}

/// Rule: undoing.compensate.reverse-order
/// Rule: undoing.compensate.mode
#[test]
fn what_took_effect_is_undone_in_reverse_each_ended_before_the_next() {
    let mut saga = grounded();
    assert!(saga.is_compensating());
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook()], vec![Mode::Compensation]));
    saga.handled();
    assert_eq!((saga.sent(), saga.modes()), (vec![REFUND], vec![Mode::Compensation]));
    assert_eq!(saga.outcome(), None);
    saga.handled();
    assert_eq!(saga.why(), (CauseKind::Refused, "fly".to_owned(), "full".to_owned()));
    assert!(!saga.is_stuck());
}

#[test]
fn a_failure_of_the_first_step_has_nothing_to_undo() {
    let mut saga = Twin::start(trip());
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.cause().step(), "charge");
}

/// Rule: undoing.compensate.none
#[test]
fn steps_that_need_no_compensation_are_passed_over() {
    let mut saga = Twin::start(Mixed { cents: 500 });
    saga.reply(charged());
    saga.handled();
    saga.reply(Event::Rooms { free: vec![] });
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [REFUND]);
    saga.handled();
    assert_eq!(saga.cause().step(), "fly");
}

/// Rule: names.cause
#[test]
fn a_compensation_sees_the_cause() {
    let mut saga = Twin::start(Sorry { night: 3 });
    saga.reply(booked());
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [Command::Unbook { room: "12, since: full".to_owned() }]);
}

/// Rule: undoing.refusal.retried
/// Rule: end.cause-stays
#[test]
fn a_compensation_that_is_refused_is_tried_again() {
    let mut saga = grounded();
    saga.refuse(Refusal::Closed);
    assert!(saga.sent().is_empty() && !saga.is_stuck());
    saga.advance(Duration::from_millis(100));
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook()], vec![Mode::Compensation]));
    saga.handled();
    saga.handled();
    assert_eq!(saga.cause().refusal(), Some(Refusal::Full), "the cause is that of the failure");
}

/// Rule: undoing.compensate.limits
#[test]
fn a_compensation_has_30_seconds_for_each_attempt() {
    let mut saga = grounded();
    saga.advance(Duration::from_millis(29_999));
    assert_eq!(saga.attempts("book", Mode::Compensation), [1]);
    saga.advance(Duration::from_millis(101));
    assert_eq!(saga.attempts("book", Mode::Compensation), [1, 2]);
}

/// Rule: undoing.compensate.limits
/// Rule: undoing.compensate.stuck
#[test]
fn a_compensation_is_tried_eleven_times_with_waits_up_to_30_seconds() {
    let mut saga = grounded();
    let mut wait = Duration::from_millis(100);
    for attempt in 1..=10 {
        saga.refuse(Refusal::Closed);
        saga.advance(wait / 2 - Duration::from_millis(1));
        assert!(saga.sent().is_empty(), "{attempt}: not before half its wait");
        saga.advance(wait / 2 + Duration::from_millis(1));
        assert_eq!(saga.sent(), [unbook()], "{attempt}: nor after its wait");
        wait = (wait * 2).min(Duration::from_secs(30));
    }
    assert!(!saga.is_stuck());
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck() && saga.is_compensating());
    assert_eq!(saga.attempts("book", Mode::Compensation), (1..=11).collect::<Vec<_>>());
    saga.advance(Duration::from_secs(24 * 3600));
    assert!(saga.is_stuck(), "until an operator acts");
    assert_eq!(saga.outcome(), None);
}

/// Rule: undoing.compensate.stuck
#[test]
fn a_compensation_that_times_out_each_time_is_stuck() {
    let mut saga = grounded();
    saga.advance(Duration::from_secs(11 * 60));
    assert!(saga.is_stuck());
    assert_eq!(saga.attempts("book", Mode::Compensation).len(), 11);
}

/// Rule: attempts.handled-any
#[test]
fn a_compensation_that_is_handled_after_all_goes_on() {
    let mut saga = grounded();
    saga.advance(Duration::from_secs(11 * 60));
    saga.handled_to(&unbook());
    assert!(!saga.is_stuck(), "handled, from any attempt, counts");
    assert_eq!(saga.sent(), [REFUND]);
}
