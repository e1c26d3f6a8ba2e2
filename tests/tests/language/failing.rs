//! An arm that says `fail`: whether its step took effect depends on what the arm takes.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::correlating_back::said;
use super::tour::*;
use crate::twin::Twin;

saga! {
    /// Whoever it hires, it fails.
    saga Fussy(guest: String) on Tour {
        concurrency allow;
        deadline 1m;
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        step guide {
            send Hire { guest };
            await handled => fail "no guide pleases";
            within 5s;
            compensate Dismiss { guest };
        }
    }

    saga Lodging(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await {
                Booked { room: 13 } => fail "an unlucky room",
                Booked { room } => room,
            }
            within 5s;
            compensate Unbook { room };
        }
        return room;
    }

    /// Wherever it lodges, it fails.
    saga Restless(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step lodging {
            run Lodging { night };
            await handled => fail "no room pleases";
            compensate unwind;
        }
    }
}

const NO_GUIDE: &str = "no guide pleases";

fn hiring() -> Twin<Fussy> {
    let mut saga = Twin::start(Fussy { guest: "ann".to_owned() });
    saga.reply(seated(4));
    saga
}

/// Rule: undoing.compensate.fail-when-handled
#[test]
fn what_was_handled_and_fails_by_that_is_undone_itself() {
    let mut saga = hiring();
    saga.handled();
    assert_undone(&mut saga, &[dismiss("ann"), leave(4)]);
    assert_eq!(saga.why(), (CauseKind::Failed, "guide".to_owned(), NO_GUIDE.to_owned()));
}

/// Rule: undoing.compensate.fail-when-handled
/// Rule: undoing.doubt.done
#[test]
fn so_it_is_when_that_is_known_late() {
    let mut saga = hiring();
    saga.advance(Duration::from_secs(5));
    saga.settle(Fate::Done(vec![]));
    assert_undone(&mut saga, &[dismiss("ann"), leave(4)]);
    assert_eq!(saga.cause().kind(), CauseKind::TimedOut);
}

/// Rule: undoing.compensate.took-effect
#[test]
fn an_event_that_fails_says_that_nothing_was_done() {
    let mut saga = Twin::start(Lodging { night: 3 });
    saga.reply(booked(13));
    assert_undone(&mut saga, &[]);

    let mut saga = Twin::start(Lodging { night: 3 });
    saga.advance(Duration::from_secs(5));
    saga.settle(Fate::Done(vec![booked(13)]));
    assert_undone(&mut saga, &[]);
}

/// Rule: undoing.compensate.fail-when-handled
/// Rule: undoing.compensate.unwind
#[test]
fn a_child_that_completed_is_unwound_when_the_arm_for_that_fails() {
    let mut saga = Twin::start(Restless { night: 3 });
    saga.child::<Lodging>(Outcome::Completed(12));
    assert!(saga.unwinding());
}

/// Rule: testing.explore
#[test]
fn what_fails_is_explored() {
    explore::<Fussy>(Fussy { guest: "ann".to_owned() }, said);
    explore::<Lodging>(Lodging { night: 3 }, |_| vec![booked(12), booked(13)]);
    explore::<Restless>(Restless { night: 3 }, said);
}
