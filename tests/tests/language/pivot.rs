//! `pivot step`: the point behind which there is no way back.

use std::time::Duration;

use saga_runtime::message::Answer;
use saga_runtime::prelude::*;

use super::stage::Stage;
use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

const HOUR: Duration = Duration::from_secs(3600);

saga! {
    pub(super) saga Purchase(cents: u64) -> (u64, u32) on Tour {
        concurrency queue per cents;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        pivot step payment -> u64 {
            send Pay { cents };
            await {
                Paid { receipt } => receipt,
                Declined => fail "the bank declined",
            }
            within 5s;
            retry 1 times every 100ms;
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
        }
        return (payment, seat);
    }

    /// What comes after its pivot, in all forms.
    saga Onwards(legs: Vec<u32>) -> (Vec<u32>, String) on Tour {
        concurrency allow;
        deadline 1m;
        pivot step payment {
            send Hire { guest: "ann".to_owned() };
        }
        step seats -> u32 for leg in legs, all at once {
            send Fly { leg };
            await Seated { seat } => seat;
            within 5s;
        }
        parallel {
            step room -> String {
                send Book { night: 3 };
                await {
                    Booked { room } => room.to_string(),
                    refused Full => "the street".to_owned(),
                    refused Closed => retry,
                }
            }
            step look {
                query RoomsOf { night: 3 };
            }
        }
        step note {
            send Note { text: "done".to_owned() };
        }
        return (seats, room);
    }

    saga Patient(cents: u64) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        pivot step payment {
            send Pay { cents };
            await {
                Paid { .. } => (),
                Declined => fail "the bank declined",
                refused _ => retry,
            }
        }
    }

    saga Renew(cents: u64) on Tour {
        concurrency replace per cents;
        deadline 1m;
        step note {
            send Note { text: "renewed".to_owned() };
            compensate none because "nobody minds";
        }
    }
}

/// A purchase whose payment is out.
fn paying() -> Twin<Purchase> {
    let mut saga = Twin::start(Purchase { cents: 500 });
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [pay(500)]);
    saga
}

/// A purchase that is paid, and whose flight is out.
fn paid_for() -> Twin<Purchase> {
    let mut saga = paying();
    saga.reply(paid(7));
    assert_eq!((saga.sent(), saga.modes()), (vec![fly(1)], vec![Mode::Forward]));
    saga
}

fn finished() -> Outcome<(u64, u32)> {
    Outcome::Completed((7, 4))
}

fn onwards() -> Twin<Onwards> {
    let mut saga = Twin::start(Onwards { legs: vec![1, 2] });
    saga.handled();
    assert_eq!(saga.sent(), [fly(1), fly(2)]);
    saga
}

/// Rule: pivot.no-way-back
#[test]
fn it_goes_on_to_its_end() {
    let mut saga = paid_for();
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
}

/// Rule: pivot.took-no-effect
#[test]
fn a_pivot_that_is_refused_goes_back() {
    let mut saga = paying();
    saga.refuse(Refusal::Closed);
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!(saga.why(), (CauseKind::Refused, "payment".to_owned(), "closed".to_owned()));
}

/// Rule: pivot.took-no-effect
#[test]
fn a_pivot_whose_event_says_fail_took_no_effect_and_goes_back() {
    let mut saga = paying();
    saga.reply(Event::Declined);
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!(saga.why(), (CauseKind::Failed, "payment".to_owned(), "the bank declined".to_owned()));
}

/// Rule: pivot.doubt
/// Rule: pivot.cancel-waits
#[test]
fn a_cancel_during_the_pivot_waits_for_its_fate() {
    let mut saga = paying();
    assert_eq!(saga.cancel(), CancelReply::Requested);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![pay(500)]));
    assert_eq!((saga.outcome(), saga.is_compensating()), (None, false), "it may yet go forward");
    saga.settle(Fate::Never);
    assert!(saga.is_compensating());
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: pivot.doubt
/// Rule: pivot.cancel-waits
#[test]
fn a_cancel_during_a_pivot_that_was_done_goes_forward() {
    let mut saga = paying();
    saga.cancel();
    saga.settle(Fate::Done(vec![paid(7)]));
    assert!(!saga.is_compensating());
    assert_eq!((saga.sent(), saga.modes()), (vec![fly(1)], vec![Mode::Forward]));
    assert_eq!(saga.cancel(), CancelReply::PastPivot);
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
}

/// Rule: pivot.doubt
#[test]
fn a_pivot_that_was_done_with_an_event_that_fails_goes_back() {
    let mut saga = paying();
    saga.cancel();
    saga.settle(Fate::Done(vec![Event::Declined]));
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: pivot.deadline-waits
#[test]
fn a_deadline_during_the_pivot_waits_for_its_fate() {
    for is_done in [true, false] {
        let mut saga = Twin::start(Patient { cents: 500 });
        saga.reply(booked(12));
        saga.advance(Duration::from_secs(60));
        assert_eq!((saga.sent(), saga.asked()), (vec![], vec![pay(500)]));
        if is_done {
            saga.settle(Fate::Done(vec![paid(7)]));
            assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
        } else {
            saga.settle(Fate::Never);
            assert_undone(&mut saga, &[unbook(12)]);
            assert_eq!(
                (saga.cause().kind(), saga.cause().step().to_owned()),
                (CauseKind::Deadline, "payment".to_owned())
            );
        }
    }
}

/// Rule: pivot.doubt
/// Rule: undoing.doubt.timed-out
#[test]
fn a_pivot_that_timed_out_is_settled_and_goes_where_its_fate_leads() {
    for is_done in [true, false] {
        let mut saga = paying();
        saga.advance(Duration::from_millis(5_100));
        assert_eq!(saga.sent(), [pay(500)], "its second attempt");
        saga.advance(Duration::from_secs(5));
        assert_eq!((saga.sent(), saga.asked()), (vec![], vec![pay(500)]));
        if is_done {
            saga.settle(Fate::Done(vec![paid(7)]));
            assert_eq!(saga.sent(), [fly(1)]);
            saga.reply(seated(4));
            assert_eq!(saga.outcome(), Some(&finished()));
        } else {
            saga.settle(Fate::Never);
            assert_undone(&mut saga, &[unbook(12)]);
            assert_eq!(saga.cause().kind(), CauseKind::TimedOut);
        }
    }
}

/// Rule: pivot.doubt
/// Rule: undoing.doubt.handled-late-settles
#[test]
fn a_late_answer_settles_the_pivot() {
    let mut saga = paying();
    saga.cancel();
    saga.reply_to(&pay(500), paid(7));
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(1)], vec![]));

    let mut saga = paying();
    saga.cancel();
    saga.refuse_to(&pay(500), Refusal::Closed);
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: pivot.doubt
#[test]
fn a_pivot_that_is_running_is_asked_again() {
    let mut saga = paying();
    saga.cancel();
    saga.settle(Fate::Running);
    saga.advance(HOUR);
    assert_eq!(saga.asked(), [pay(500)]);
    saga.settle(Fate::Done(vec![paid(7)]));
    assert_eq!(saga.sent(), [fly(1)]);
}

/// Rule: undoing.doubt.unknown
/// Rule: undoing.operator.skip
#[test]
fn a_pivot_whose_fate_is_unknown_is_stuck_and_can_be_skipped() {
    let mut saga = paying();
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    assert_eq!(saga.asked(), [pay(500)]);
    saga.settle(Fate::Unknown);
    assert!(saga.operator(Operator::Skip), "taken as never");
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: pivot.doubt
#[test]
fn a_refused_pivot_that_waits_to_be_sent_again_is_not_in_doubt() {
    let mut saga = Twin::start(Patient { cents: 500 });
    saga.reply(booked(12));
    saga.refuse(Refusal::Full);
    saga.cancel();
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: pivot.cancel-refused
#[test]
fn after_the_pivot_a_cancel_is_refused() {
    let mut saga = paid_for();
    assert_eq!(saga.cancel(), CancelReply::PastPivot);
    assert!(!saga.is_compensating());
    assert_eq!((saga.sent(), saga.asked()), (vec![fly(1)], vec![]));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
    assert_eq!(saga.cancel(), CancelReply::Ended);
}

/// Rule: pivot.deadline-over
#[test]
fn after_the_pivot_the_deadline_no_longer_counts() {
    let mut saga = paid_for();
    saga.advance(24 * HOUR);
    assert!(!saga.is_compensating());
    saga.reply_to(&fly(1), seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
}

/// Rule: pivot.retries
#[test]
fn after_the_pivot_a_refusal_is_retried_with_waits_from_100ms_to_30s() {
    let mut saga = paid_for();
    let mut wait = Duration::from_millis(100);
    for attempt in 1..=9 {
        saga.refuse(if attempt % 2 == 0 { Refusal::Full } else { Refusal::Closed });
        assert!(saga.sent().is_empty() && !saga.is_stuck(), "{attempt}");
        saga.advance(wait / 2 - Duration::from_millis(1));
        assert!(saga.sent().is_empty(), "{attempt}: not before half its wait");
        saga.advance(wait / 2 + Duration::from_millis(1));
        assert_eq!(saga.sent(), [fly(1)], "{attempt}: nor after its wait");
        wait = (wait * 2).min(Duration::from_secs(30));
    }
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
}

/// Rule: pivot.retries
#[test]
fn after_the_pivot_an_attempt_has_30_seconds_unless_it_says_otherwise() {
    let mut saga = paid_for();
    saga.advance(Duration::from_millis(29_999));
    assert_eq!(saga.attempts("seat", Mode::Forward), [1]);
    saga.advance(Duration::from_millis(101));
    assert_eq!(saga.attempts("seat", Mode::Forward), [1, 2]);

    let mut saga = onwards();
    saga.advance(Duration::from_millis(4_999));
    assert_eq!(saga.attempts("seats", Mode::Forward), [1, 1]);
    saga.advance(Duration::from_millis(101));
    assert_eq!(saga.attempts("seats", Mode::Forward), [1, 1, 2, 2]);
}

/// Rule: pivot.shown-as-stuck
#[test]
fn after_ten_attempts_it_is_shown_as_stuck_and_goes_on() {
    let mut saga = paid_for();
    for _ in 1..10 {
        saga.refuse(Refusal::Closed);
        saga.advance(Duration::from_secs(30));
    }
    assert!(!saga.is_stuck(), "nine have failed");
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck(), "ten have failed");
    for _ in 0..5 {
        saga.advance(Duration::from_secs(30));
        assert_eq!(saga.sent(), [fly(1)]);
        assert!(saga.is_stuck() && !saga.is_compensating());
        saga.refuse(Refusal::Full);
    }
    saga.advance(Duration::from_secs(30));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
    assert!(!saga.is_stuck());
}

/// Rule: pivot.shown-as-stuck
#[test]
fn timeouts_after_the_pivot_are_shown_as_stuck_and_go_on_too() {
    let mut saga = paid_for();
    saga.advance(HOUR);
    assert!(saga.is_stuck() && !saga.is_compensating());
    assert!(saga.attempts("seat", Mode::Forward).len() > 20, "it goes on by itself");
    saga.reply_to(&fly(1), seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
}

/// Rule: pivot.shown-as-stuck
/// Rule: undoing.operator.skip-refused
/// Rule: undoing.operator.end
#[test]
fn what_is_stuck_after_the_pivot_can_be_ended_and_not_skipped() {
    let mut saga = paid_for();
    saga.advance(HOUR);
    assert!(!saga.operator(Operator::Skip));
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended() && saga.sent().is_empty());
}

/// Rule: pivot.retries
#[test]
fn after_the_pivot_a_value_arm_is_taken_and_what_no_arm_takes_is_retried() {
    let mut saga = onwards();
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [fly(2)]);
    saga.advance(Duration::from_millis(100));
    assert_eq!(saga.sent(), [fly(1), fly(2)]);
    saga.reply_to(&fly(1), seated(10));
    saga.reply(seated(20));
    assert_eq!(saga.sent(), [book(3), Command::RoomsOf { night: 3 }]);
    saga.refuse(Refusal::Full);
    saga.refuse(Refusal::Closed);
    assert!(saga.sent().is_empty() && !saga.is_compensating(), "a query is retried like the others");
    saga.advance(Duration::from_millis(100));
    saga.reply(Event::Rooms { free: vec![] });
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((vec![10, 20], "the street".to_owned()))));
}

/// Rule: pivot.retries
#[test]
fn after_the_pivot_commands_wait_for_participants_that_are_away() {
    let mut saga = paid_for();
    saga.disconnect();
    saga.advance(HOUR);
    assert!(!saga.is_compensating());
    saga.reconnect();
    saga.reply_to(&fly(1), seated(4));
    assert_eq!(saga.outcome(), Some(&finished()));
}

/// Rule: start.concurrency.replace-past-pivot
#[test]
fn a_replacement_queues_behind_a_holder_past_its_pivot() {
    let mut stage = Stage::new::<Purchase>().with::<Renew>();
    stage.connect();
    let holder = stage.start(Purchase { cents: 500 });
    stage.answer(holder, 0, 1, Answer::Handled(vec![booked(12)]));
    stage.answer(holder, 1, 1, Answer::Handled(vec![paid(7)]));
    let next = stage.start(Renew { cents: 500 });
    assert_eq!(stage.step(holder), "seat", "it is not cancelled");
    stage.answer(holder, 2, 1, Answer::Handled(vec![seated(4)]));
    assert_eq!(stage.ends(), [(holder, Outcome::Completed("[7,4]".to_owned()))]);
    assert_eq!(stage.step(next), "note");
}

/// Rule: start.concurrency.replace-past-pivot
#[test]
fn a_holder_that_is_superseded_during_its_pivot_waits_for_its_fate() {
    let mut stage = Stage::new::<Purchase>().with::<Renew>();
    stage.connect();
    let holder = stage.start(Purchase { cents: 500 });
    stage.answer(holder, 0, 1, Answer::Handled(vec![booked(12)]));
    let next = stage.start(Renew { cents: 500 });
    stage.settle(holder, 1, Fate::Done(vec![paid(7)]));
    assert_eq!((stage.step(holder), stage.ends()), ("seat".to_owned(), vec![]));
    stage.answer(holder, 2, 1, Answer::Handled(vec![seated(4)]));
    assert_eq!(stage.step(next), "note");
}
