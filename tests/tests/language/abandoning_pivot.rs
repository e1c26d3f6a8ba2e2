//! A pivot that an arm ends without its answer: nobody knows whether there is a way back, so none is taken.

use std::time::Duration;

use saga_runtime::prelude::*;

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

/// Rule: pivot.took-no-effect
#[test]
fn a_refusal_says_that_it_took_no_effect() {
    let mut saga = paying();
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.sent(), [fly(1)]);
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(12)]);
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
