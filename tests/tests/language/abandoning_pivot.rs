//! Abandoning and the pivot: what was abandoned before it, and a pivot that an arm itself ends without its answer: nobody
//! knows whether there is a way back, so none is taken.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::correlating_back::said;
use super::tour::*;
use crate::twin::Twin;

saga! {
    /// Pays, and does not wait long for the receipt.
    saga Hasty(cents: u64) -> (Option<u64>, u32) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        pivot step payment -> Option<u64> {
            send Pay { cents };
            await {
                Paid { receipt } => Some(receipt),
                Declined => fail "the bank declined",
                refused _ => None,
                timeout => None,
            }
            within 5s;
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
        }
        return (payment, seat);
    }

    /// Goes on without a room.
    saga Roomless(cents: u64) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> Option<u32> {
            send Book { night: 3 };
            await {
                Booked { room } => Some(room),
                timeout => None,
            }
            within 5s;
            compensate Unbook { room: room.unwrap_or_default() };
        }
        pivot step payment {
            send Hire { guest: cents.to_string() };
            within 5s;
        }
    }

    /// Goes on without a guide, of whom it does not matter whether there was one.
    saga Guideless(guest: String) on Tour {
        concurrency allow;
        deadline 1m;
        step guide {
            send Hire { guest };
            await timeout => ();
            within 5s;
            compensate Forget { guest };
        }
        pivot step payment {
            send Note { text: "paid".to_owned() };
            within 5s;
        }
    }

    saga Stay(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        return room;
    }

    /// Goes on without a stay.
    saga Stayless(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step stay -> Option<u32> {
            run Stay { night };
            await {
                handled => Some(1),
                timeout => None,
            }
            within 5s;
            compensate unwind;
        }
        pivot step payment {
            send Note { text: "paid".to_owned() };
            within 5s;
        }
    }
}

fn paying() -> Twin<Hasty> {
    let mut saga = Twin::start(Hasty { cents: 500 });
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [pay(500)]);
    saga
}

/// Rule: pivot.no-way-back
#[test]
fn without_its_answer_there_is_no_way_back() {
    let mut saga = paying();
    saga.advance(Duration::from_secs(5));
    assert_eq!(saga.sent(), [fly(1)]);
    assert_eq!(saga.cancel(), CancelReply::PastPivot);
    saga.refuse(Refusal::Full);
    saga.advance(Duration::from_secs(3600));
    assert!(!saga.is_compensating(), "the deadline does not count any more");
    assert_eq!(saga.sent(), [fly(1)], "what comes behind it is tried until it is handled");
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((None, 4))));
}

/// Rule: pivot.no-way-back
#[test]
fn the_answer_that_comes_after_all_changes_nothing() {
    let mut saga = paying();
    saga.advance(Duration::from_secs(5));
    saga.reply_to(&pay(500), paid(7));
    assert_eq!(saga.sent(), [fly(1)]);
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((None, 4))));
}

/// One whose room was abandoned, and whose pivot is in doubt.
fn roomless() -> Twin<Roomless> {
    let mut saga = Twin::start(Roomless { cents: 500 });
    saga.advance(Duration::from_secs(5));
    assert_eq!((saga.sent(), saga.asked()), (vec![hire("500")], vec![book(3)]));
    saga
}

#[track_caller]
fn assert_room_is_given_back(saga: &mut Twin<Roomless>) {
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(12)], vec![Mode::Compensation]));
    assert!(!saga.is_compensating(), "the saga goes forward");
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: undoing.abandoned.compensated
/// Rule: pivot.doubt
#[test]
fn what_was_abandoned_and_done_is_undone_when_the_pivot_in_doubt_turns_out_done() {
    let mut saga = roomless();
    saga.advance(Duration::from_secs(5));
    assert_eq!(saga.asked(), [book(3), hire("500")]);
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_eq!(saga.sent(), [], "it depends on the pivot what is undone first");
    saga.settle(Fate::Done(vec![]));
    assert_room_is_given_back(&mut saga);
}

/// Rule: undoing.abandoned.compensated
/// Rule: pivot.cancel-waits
#[test]
fn so_it_is_after_a_cancel_and_a_late_answer() {
    let mut saga = roomless();
    saga.cancel();
    saga.reply_to(&book(3), booked(12));
    saga.handled_to(&hire("500"));
    assert_room_is_given_back(&mut saga);
}

/// Rule: undoing.abandoned.compensated
/// Rule: pivot.took-no-effect
#[test]
fn and_once_only_when_the_pivot_turns_out_not_done() {
    let mut saga = roomless();
    saga.cancel();
    saga.settle(Fate::Done(vec![booked(12)]));
    saga.settle(Fate::Never);
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: undoing.doubt.harmless
/// Rule: pivot.doubt
#[test]
fn what_nobody_knows_and_is_harmless_is_undone_behind_the_pivot_too() {
    let mut saga = Twin::start(Guideless { guest: "ann".to_owned() });
    saga.advance(Duration::from_secs(5));
    saga.advance(Duration::from_secs(5));
    assert_eq!(saga.asked(), [hire("ann"), note("paid")]);
    saga.settle(Fate::Unknown);
    saga.settle(Fate::Done(vec![]));
    assert_eq!(saga.sent(), [forget("ann")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: undoing.compensate.unwind
/// Rule: pivot.doubt
#[test]
fn an_abandoned_child_that_completed_is_unwound_behind_the_pivot_too() {
    let mut saga = Twin::start(Stayless { night: 3 });
    saga.advance(Duration::from_secs(5));
    saga.advance(Duration::from_secs(5));
    assert_eq!(saga.asked(), [note("paid")]);
    saga.child::<Stay>(Outcome::Completed(12));
    assert!(!saga.unwinding());
    saga.settle(Fate::Done(vec![]));
    assert!(saga.unwinding());
    assert_eq!(saga.outcome(), None);
}

/// Rule: testing.explore
#[test]
fn abandoning_before_a_pivot_is_explored() {
    let explored = explore::<Roomless>(Roomless { cents: 5 }, said);
    assert!(explored.outcomes().contains_key("Completed"));
    explore::<Guideless>(Guideless { guest: "ann".to_owned() }, said);
    explore::<Stayless>(Stayless { night: 3 }, said);
}
