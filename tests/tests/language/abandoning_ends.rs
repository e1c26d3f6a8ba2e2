//! Steps that end with a value while their command is unanswered, beside a pivot and before a `finally` step.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use crate::twin::Twin;

saga! {
    saga Parting(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> Option<u32> {
            send Book { night };
            await {
                Booked { room } => Some(room),
                timeout => None,
            }
            within 5s;
            compensate Unbook { room: room.unwrap_or(99) };
        }
        finally step note {
            send Note { text: format!("{room:?}") };
        }
    }

    /// Abandons beside a pivot.
    saga Bold(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> Option<u32> {
            send Book { night };
            await {
                Booked { room } => Some(room),
                timeout => None,
            }
            within 5s;
            compensate Unbook { room: room.unwrap_or(99) };
        }
        pivot step payment -> u64 {
            send Pay { cents: 5 };
            await {
                Paid { receipt } => receipt,
                Declined => fail "declined",
            }
        }
    }
}

/// Rule: undoing.abandoned.finally-waits
/// Rule: undoing.abandoned.keeps-value
#[test]
fn finally_waits_for_it_and_keeps_the_value_of_the_step() {
    let mut saga = Twin::start(Parting { night: 3 });
    saga.advance(Duration::from_secs(5));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![book(3)]));
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(12)], vec![Mode::Compensation]));
    saga.handled();
    assert_eq!((saga.sent(), saga.modes()), (vec![note("Some(None)")], vec![Mode::Finally]));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: undoing.abandoned.ends-after
#[test]
fn it_is_undone_behind_a_pivot_too() {
    let mut saga = Twin::start(Bold { night: 3 });
    saga.advance(Duration::from_secs(5));
    assert_eq!((saga.sent(), saga.asked()), (vec![pay(5)], vec![book(3)]));
    saga.reply(paid(7));
    assert_eq!(saga.outcome(), None);
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(12)], vec![Mode::Compensation]));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}
