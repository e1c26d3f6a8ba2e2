//! `parallel`: steps that start together, end together, and fail together.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Both(night: u32) -> (u32, u32) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step room -> u32 {
                send Book { night };
                await Booked { room } => room;
                compensate Unbook { room };
            }
            step seat -> u32 {
                send Fly { leg: night };
                await Seated { seat } => seat;
                compensate Leave { seat };
            }
        }
        step guide {
            send Hire { guest: format!("{room}/{seat}") };
            compensate none because "it is paid by the hour";
        }
        return (room, seat);
    }

    /// Three that can be undone, and one that fails when it is told to.
    saga Four(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step first -> u32 {
                send Book { night: 1 };
                await Booked { room } => room;
                compensate Unbook { room: first };
            }
            step second -> u32 {
                send Book { night: 2 };
                await Booked { room } => room;
                compensate Unbook { room: second };
            }
            step third -> u32 {
                send Book { night: 3 };
                await Booked { room } => room;
                compensate Unbook { room: third };
            }
            step last {
                send Hire { guest: format!("guest of {night}") };
                compensate none because "it is paid by the hour";
            }
        }
    }

    saga Picky(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step room -> u32 {
                send Book { night };
                await {
                    Booked { room } if room == 0 => fail "no room has that number",
                    Booked { room } => room,
                    refused _ => retry,
                }
                within 10s;
                retry 3 times every 1s;
                compensate Unbook { room };
            }
            step seat -> u32 {
                send Fly { leg: night };
                await Seated { seat } => seat;
                within 5s;
                compensate Leave { seat };
            }
        }
    }

    saga Mixed(nights: Vec<u32>, flies: bool) -> (Vec<u32>, Option<u32>) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step rooms -> u32 for night in nights, all at once {
                send Book { night };
                await Booked { room } => room;
                compensate Unbook { room: rooms };
            }
            step seat -> u32 when flies {
                send Fly { leg: 1 };
                await Seated { seat } => seat;
                compensate Leave { seat };
            }
        }
        parallel {
            step guide {
                send Hire { guest: format!("{rooms:?}") };
                compensate none because "it is paid by the hour";
            }
            step note when flies {
                send Note { text: format!("{seat:?}") };
                compensate none because "nobody minds";
            }
        }
        return (rooms, seat);
    }
}

fn both() -> Twin<Both> {
    let saga = Twin::start(Both { night: 3 });
    assert_eq!(saga.sent(), [book(3), fly(3)]);
    saga
}

fn four() -> Twin<Four> {
    let saga = Twin::start(Four { night: 9 });
    assert_eq!(saga.sent(), [book(1), book(2), book(3), hire("guest of 9")]);
    saga
}

/// Rule: steps.parallel.together
#[test]
fn its_steps_start_together() {
    let saga = both();
    assert_eq!(saga.modes(), [Mode::Forward, Mode::Forward]);
}

/// Rule: steps.parallel.ends-with-all
#[test]
fn it_ends_when_all_have_ended_in_whichever_order() {
    for last in [book(3), fly(3)] {
        let mut saga = both();
        let is_last = |event: &Event| matches!((event, &last), (Event::Booked { .. }, Command::Book { .. }));
        if is_last(&booked(12)) {
            saga.reply_to(&fly(3), seated(4));
        } else {
            saga.reply_to(&book(3), booked(12));
        }
        assert_eq!(saga.sent(), std::slice::from_ref(&last), "the next step has to wait");
        saga.reply(if is_last(&booked(12)) { booked(12) } else { seated(4) });
        assert_eq!(saga.sent(), [hire("12/4")]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed((12, 4))));
    }
}

/// Rule: state.parallel-name
#[test]
fn its_state_is_named_after_its_steps() {
    let mut saga = both();
    assert!(matches!(saga.state(), BothState::RoomSeat { night: 3, .. }));
    saga.reply(booked(12));
    assert!(matches!(saga.state(), BothState::RoomSeat { .. }));
    saga.reply(seated(4));
    assert!(matches!(saga.state(), BothState::Guide { room: 12, seat: 4, .. }));
}

/// Rule: steps.parallel.fails-at-once
#[test]
fn a_sibling_that_fails_fails_the_saga_at_once_and_the_others_are_in_doubt() {
    let mut saga = both();
    saga.refuse_to(&fly(3), Refusal::Full);
    assert!(saga.is_compensating());
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3)]));
    saga.settle(Fate::Never);
    assert_eq!(saga.why(), (CauseKind::Refused, "seat".to_owned(), "full".to_owned()));
}

/// Rule: steps.parallel.fails-at-once
/// Rule: undoing.doubt.done
#[test]
fn a_sibling_in_doubt_that_took_effect_is_undone() {
    let mut saga = both();
    saga.refuse_to(&fly(3), Refusal::Full);
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!(saga.cause().step(), "seat");
}

/// Rule: undoing.compensate.took-effect
#[test]
fn a_sibling_that_had_ended_is_undone_and_one_that_failed_is_not() {
    let mut saga = both();
    saga.reply_to(&fly(3), seated(4));
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.asked(), []);
    assert_undone(&mut saga, &[leave(4)]);
    assert_eq!(saga.why(), (CauseKind::Refused, "room".to_owned(), "closed".to_owned()));
}

/// Rule: undoing.compensate.reverse-order
#[test]
fn siblings_are_undone_in_the_reverse_of_the_order_in_which_they_completed() {
    let mut saga = both();
    saga.reply_to(&book(3), booked(12));
    saga.reply_to(&fly(3), seated(4));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[leave(4), unbook(12)]);

    let mut saga = both();
    saga.reply_to(&fly(3), seated(4));
    saga.reply_to(&book(3), booked(12));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(12), leave(4)]);
}

/// Rule: undoing.compensate.reverse-order
#[test]
fn three_siblings_are_undone_in_reverse_order_of_completion() {
    let mut saga = four();
    saga.reply_to(&book(2), booked(20));
    saga.reply_to(&book(3), booked(30));
    saga.reply_to(&book(1), booked(10));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(10), unbook(30), unbook(20)]);
}

/// Rule: undoing.doubt.asked-at-once
/// Rule: undoing.doubt.before-the-first-compensation
/// Rule: undoing.doubt.done-completes-then
#[test]
fn the_fates_of_all_in_doubt_are_asked_at_once_and_nothing_is_undone_before() {
    let mut saga = four();
    saga.reply_to(&book(2), booked(20));
    saga.refuse_to(&hire("guest of 9"), Refusal::Full);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(1), book(3)]));
    saga.settle(Fate::Done(vec![booked(10)]));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3)]), "one is still in doubt");
    saga.settle(Fate::Done(vec![booked(30)]));
    assert_undone(&mut saga, &[unbook(30), unbook(10), unbook(20)]);
}

/// Rule: undoing.doubt.handled-late-settles
/// Rule: undoing.doubt.done-completes-then
#[test]
fn what_is_settled_first_is_undone_last() {
    let mut saga = four();
    saga.refuse_to(&hire("guest of 9"), Refusal::Full);
    assert_eq!(saga.asked(), [book(1), book(2), book(3)]);
    saga.reply_to(&book(3), booked(30));
    assert_eq!(saga.asked(), [book(1), book(2)]);
    saga.settle(Fate::Never);
    saga.settle(Fate::Done(vec![booked(20)]));
    assert_undone(&mut saga, &[unbook(20), unbook(30)]);
}

/// Rule: undoing.doubt.running
#[test]
fn one_that_is_running_holds_up_the_others() {
    let mut saga = four();
    saga.refuse_to(&hire("guest of 9"), Refusal::Full);
    saga.settle(Fate::Running);
    assert_eq!(saga.asked(), [book(2), book(3)]);
    saga.settle(Fate::Done(vec![booked(20)]));
    saga.settle(Fate::Never);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![]));
    saga.advance(Duration::from_secs(1));
    assert_eq!(saga.asked(), [book(1)]);
    saga.settle(Fate::Done(vec![booked(10)]));
    assert_undone(&mut saga, &[unbook(10), unbook(20)]);
}

/// Rule: undoing.doubt.unknown
/// Rule: undoing.operator.skip
#[test]
fn one_whose_fate_is_unknown_holds_up_the_others_until_it_is_skipped() {
    let mut saga = four();
    saga.reply_to(&book(2), booked(20));
    saga.refuse_to(&hire("guest of 9"), Refusal::Full);
    saga.settle(Fate::Unknown);
    saga.settle(Fate::Never);
    assert!(saga.is_stuck());
    assert_eq!(saga.sent(), []);
    assert!(saga.operator(Operator::Skip));
    assert!(!saga.is_stuck());
    assert_undone(&mut saga, &[unbook(20)]);
}

/// Rule: undoing.operator.retry
#[test]
fn two_unknown_fates_are_asked_again_together() {
    let mut saga = four();
    saga.refuse_to(&hire("guest of 9"), Refusal::Full);
    saga.settle(Fate::Unknown);
    saga.settle(Fate::Unknown);
    saga.settle(Fate::Done(vec![booked(30)]));
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    assert_eq!(saga.asked(), [book(1), book(2)]);
    saga.settle(Fate::Never);
    saga.settle(Fate::Never);
    assert_undone(&mut saga, &[unbook(30)]);
}

/// Rule: steps.parallel.fails-at-once
#[test]
fn a_second_failure_is_not_the_cause() {
    let mut saga = both();
    saga.refuse_to(&fly(3), Refusal::Full);
    saga.refuse_to(&book(3), Refusal::Closed);
    assert_eq!(saga.why(), (CauseKind::Refused, "seat".to_owned(), "full".to_owned()));
}

/// Rule: undoing.compensate.took-effect
#[test]
fn an_event_that_fails_a_sibling_took_no_effect() {
    let mut saga = Twin::start(Picky { night: 3 });
    saga.reply_to(&fly(3), seated(4));
    saga.reply(booked(0));
    assert_undone(&mut saga, &[leave(4)]);
    assert_eq!(saga.why(), (CauseKind::Failed, "room".to_owned(), "no room has that number".to_owned()));
}

/// Rule: undoing.doubt.refused-is-never
#[test]
fn a_sibling_that_waits_to_be_sent_again_after_a_refusal_is_not_in_doubt() {
    let mut saga = Twin::start(Picky { night: 3 });
    saga.refuse_to(&book(3), Refusal::Full);
    assert_eq!(saga.sent(), [fly(3)]);
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.cause().step(), "seat");
}

/// Rule: undoing.doubt.timed-out
#[test]
fn a_sibling_that_timed_out_is_in_doubt_with_the_others() {
    let mut saga = Twin::start(Picky { night: 3 });
    saga.advance(Duration::from_secs(5));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3), fly(3)]));
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.settle(Fate::Done(vec![seated(4)]));
    assert_undone(&mut saga, &[leave(4), unbook(12)]);
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::TimedOut, "seat".to_owned()));
}

/// Rule: undoing.doubt.cancelled
#[test]
fn a_cancel_leaves_all_of_them_in_doubt() {
    let mut saga = both();
    saga.cancel();
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3), fly(3)]));
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.settle(Fate::Never);
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: undoing.doubt.deadline
#[test]
fn a_deadline_leaves_those_in_doubt_that_have_not_ended() {
    let mut saga = both();
    saga.reply_to(&fly(3), seated(4));
    saga.advance(Duration::from_secs(60));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3)]));
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_undone(&mut saga, &[unbook(12), leave(4)]);
    assert_eq!(saga.cause().kind(), CauseKind::Deadline);
}

/// Rule: steps.parallel.together
/// Rule: steps.when.output
/// Rule: steps.for.at-once
#[test]
fn its_steps_may_be_conditional_and_have_items() {
    let mut saga = Twin::start(Mixed { nights: vec![1, 2], flies: true });
    assert_eq!(saga.sent(), [book(1), book(2), fly(1)]);
    saga.reply_to(&book(2), booked(20));
    saga.reply_to(&fly(1), seated(4));
    saga.reply(booked(10));
    assert_eq!(saga.sent(), [hire("[10, 20]"), note("Some(4)")], "and the next block starts as a whole");
    saga.handled();
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((vec![10, 20], Some(4)))));
}

/// Rule: steps.parallel.ends-with-all
/// Rule: steps.for.empty
#[test]
fn one_without_anything_to_do_ends_at_once() {
    let mut saga = Twin::start(Mixed { nights: vec![], flies: false });
    assert_eq!(saga.sent(), [hire("[]")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((vec![], None))));
}

/// Rule: undoing.compensate.reverse-order
#[test]
fn items_and_siblings_are_undone_in_one_order() {
    let mut saga = Twin::start(Mixed { nights: vec![1, 2], flies: true });
    saga.reply_to(&book(2), booked(20));
    saga.reply_to(&fly(1), seated(4));
    saga.reply(booked(10));
    saga.refuse_to(&hire("[10, 20]"), Refusal::Full);
    assert_undone(&mut saga, &[unbook(10), leave(4), unbook(20)]);
}

/// Rule: steps.parallel.fails-at-once
#[test]
fn an_item_that_fails_leaves_items_and_siblings_in_doubt() {
    let mut saga = Twin::start(Mixed { nights: vec![1, 2, 3], flies: true });
    saga.reply_to(&book(3), booked(30));
    saga.refuse_to(&book(2), Refusal::Full);
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(1), fly(1)]));
    saga.settle(Fate::Never);
    saga.settle(Fate::Done(vec![seated(4)]));
    assert_undone(&mut saga, &[leave(4), unbook(30)]);
    assert_eq!(saga.cause().step(), "rooms");
}
