//! Exchanges in doubt: nothing is undone before it is known what was done.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Stay(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1m;
        step room -> String {
            send Hold { night };
            await {
                Held { room } => room,
                Waitlisted { place } => fail place,
                refused _ => retry,
            }
            within 5s;
            retry 1 times every 100ms;
            compensate Release { room };
        }
        return room;
    }
}

const HOLD: Command = Command::Hold { night: 3 };

/// A trip that was cancelled while its charge was out.
pub(super) fn doubted() -> Twin<Trip> {
    let mut saga = Twin::start(trip());
    assert_eq!(saga.cancel(), CancelReply::Requested);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![CHARGE]));
    saga
}

/// Rule: undoing.doubt.never
#[test]
fn never_done_is_not_undone() {
    let mut saga = doubted();
    saga.settle(Fate::Never);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.doubt.done
#[test]
fn done_is_undone_with_the_output_of_the_recorded_events() {
    let mut saga = doubted();
    saga.settle(Fate::Done(vec![charged()]));
    assert_eq!((saga.sent(), saga.modes()), (vec![REFUND], vec![Mode::Compensation]));
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.doubt.done
#[test]
fn done_with_an_event_whose_arm_says_fail_took_no_effect() {
    let mut saga = Twin::start(Stay { night: 3 });
    saga.cancel();
    saga.settle(Fate::Done(vec![Event::Waitlisted { place: 2 }]));
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled, "and the cause stays what it was");
}

/// Rule: undoing.doubt.running
#[test]
fn running_is_asked_again_after_a_second_doubling_to_ten() {
    let mut saga = doubted();
    for seconds in [1, 2, 4, 8, 10, 10] {
        saga.settle(Fate::Running);
        saga.advance(Duration::from_millis(seconds * 1000 - 1));
        assert!(saga.asked().is_empty(), "not before {seconds} s");
        saga.advance(Duration::from_millis(1));
        assert_eq!(saga.asked(), [CHARGE], "after {seconds} s");
    }
    saga.settle(Fate::Done(vec![charged()]));
    assert_eq!(saga.sent(), [REFUND]);
}

/// Rule: undoing.doubt.unreachable
#[test]
fn running_for_more_than_a_minute_is_shown_as_stuck_and_unsticks_by_itself() {
    let mut saga = doubted();
    for _ in 0..5 {
        saga.settle(Fate::Running);
        saga.advance(Duration::from_secs(10));
    }
    assert!(!saga.is_stuck(), "after less than a minute");
    for _ in 0..3 {
        saga.settle(Fate::Running);
        saga.advance(Duration::from_secs(10));
        assert_eq!(saga.asked(), [CHARGE], "shown or not, it is asked again");
    }
    assert!(saga.is_stuck(), "after more than a minute");
    saga.settle(Fate::Done(vec![charged()]));
    assert!(!saga.is_stuck());
    assert_eq!(saga.sent(), [REFUND]);
}

/// Rule: undoing.doubt.unreachable
#[test]
fn unreachable_for_more_than_a_minute_is_shown_as_stuck_and_unsticks_by_itself() {
    let mut saga = doubted();
    saga.disconnect();
    saga.advance(Duration::from_secs(59));
    assert!(!saga.is_stuck());
    saga.advance(Duration::from_secs(2));
    assert!(saga.is_stuck() && saga.is_compensating());
    saga.reconnect();
    assert_eq!(saga.asked(), [CHARGE]);
    saga.settle(Fate::Never);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

#[test]
fn silence_after_running_is_shown_as_stuck_too() {
    let mut saga = doubted();
    saga.settle(Fate::Running);
    saga.advance(Duration::from_secs(1));
    saga.disconnect();
    saga.advance(Duration::from_secs(60));
    assert!(saga.is_stuck());
    saga.reconnect();
    saga.settle(Fate::Never);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.doubt.unknown
#[test]
fn an_unknown_fate_is_stuck() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck() && saga.is_compensating());
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![]));
    saga.advance(Duration::from_secs(3600));
    assert!(saga.is_stuck(), "until an operator acts");
}

/// Rule: undoing.doubt.handled-late-settles
#[test]
fn handled_settles_too() {
    let mut saga = doubted();
    saga.reply_to(&CHARGE, charged());
    assert_eq!((saga.sent(), saga.asked()), (vec![REFUND], vec![]));
}

/// Rule: undoing.doubt.handled-late-settles
#[test]
fn handled_settles_what_was_unknown() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    saga.reply_to(&CHARGE, charged());
    assert!(!saga.is_stuck());
    assert_eq!(saga.sent(), [REFUND]);
}

/// Rule: undoing.doubt.refused-is-never
#[test]
fn a_refusal_of_the_current_attempt_settles_as_never() {
    let mut saga = doubted();
    saga.refuse_to(&CHARGE, Refusal::Closed);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

#[test]
fn a_refusal_settles_what_was_unknown() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    saga.refuse_to(&CHARGE, Refusal::Closed);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.doubt.refused-is-never
#[test]
fn a_refusal_of_an_older_attempt_settles_nothing() {
    let mut saga = Twin::start(Stay { night: 3 });
    saga.advance(Duration::from_secs(5) + Duration::from_millis(100));
    saga.cancel();
    saga.refuse_attempt(&HOLD, 1, Refusal::Full);
    assert_eq!(saga.asked(), [HOLD]);
    saga.refuse_attempt(&HOLD, 2, Refusal::Full);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

#[test]
fn the_fate_of_a_refused_attempt_is_not_asked() {
    let mut saga = Twin::start(Stay { night: 3 });
    saga.refuse(Refusal::Closed);
    saga.cancel();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled, "it waited to be sent again, and nothing was done");
}

/// Rule: undoing.doubt.timed-out
#[test]
fn a_spent_timeout_is_in_doubt() {
    let mut saga = Twin::start(Stay { night: 3 });
    saga.advance(Duration::from_secs(11));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![HOLD]));
    saga.settle(Fate::Done(vec![held()]));
    assert_eq!(saga.sent(), [Command::Release { room: "12".to_owned() }]);
    saga.handled();
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::TimedOut, "room".to_owned()));
}

/// Rule: undoing.doubt.before-the-first-compensation
#[test]
fn what_took_effect_late_is_undone_first() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.cancel();
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![BOOK]), "nothing is undone before it is settled");
    saga.settle(Fate::Done(vec![booked()]));
    assert_eq!(saga.sent(), [unbook()]);
    saga.handled();
    assert_eq!(saga.sent(), [REFUND]);
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

#[test]
fn what_never_happened_leaves_the_others_to_undo() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.reply(booked());
    saga.cancel();
    assert_eq!(saga.asked(), [Command::Fly]);
    saga.settle(Fate::Never);
    assert_eq!(saga.sent(), [unbook()]);
}

#[test]
fn done_without_a_declared_reply_is_a_broken_contract() {
    let mut saga = doubted();
    saga.settle(Fate::Done(vec![]));
    assert!(saga.is_stuck());
    assert_eq!(saga.outcome(), None);
}
