//! `#[harmless]`: what may be sent though nobody knows whether there is anything to undo.

use saga_runtime::prelude::*;

use super::correlating_back::said;
use super::tour::*;
use crate::twin::Twin;

saga! {
    saga Guided(guests: Vec<String>) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guides for guest in guests, all at once {
            send Hire { guest };
            compensate Forget { guest };
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
    }

    /// What undoes it would be harmless, and cannot be said without its output.
    saga Named(guest: String) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate Forget { guest: format!("{guest} of seat {seat}") };
        }
    }

    saga Both(guest: String) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step safe {
                send Hire { guest };
                compensate Forget { guest };
            }
            step unsafe_one {
                send Fly { leg: 1 };
                compensate Leave { seat: 4 };
            }
        }
    }
}

/// One whose guides are out when it is cancelled.
fn doubted() -> Twin<Guided> {
    let mut saga = Twin::start(Guided { guests: vec!["ann".to_owned(), "ben".to_owned()] });
    saga.reply(booked(12));
    saga.cancel();
    assert_eq!(saga.asked(), [hire("ann"), hire("ben")]);
    saga
}

/// Rule: undoing.doubt.harmless
#[test]
fn an_unknown_fate_is_not_stuck_if_undoing_is_harmless() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    assert!(!saga.is_stuck());
    saga.settle(Fate::Never);
    assert_undone(&mut saga, &[forget("ann"), unbook(12)]);
}

/// Rule: undoing.doubt.harmless
#[test]
fn that_nobody_knows_is_told() {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    let told = saga.notices();
    let unknown = told.iter().filter(|notice| matches!(notice, Notice::StepUnknown { .. })).count();
    let ended =
        |notice: &&Notice| matches!(notice, Notice::StepEnded { mode: Mode::Forward, step, .. } if step == "guides");
    assert_eq!((unknown, told.iter().find(ended)), (1, None));
}

/// Rule: undoing.doubt.harmless
#[test]
fn what_was_never_done_is_not_undone_though_that_would_be_harmless() {
    let mut saga = doubted();
    saga.settle(Fate::Never);
    saga.settle(Fate::Never);
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: undoing.doubt.done
#[test]
fn what_was_done_is_undone_in_its_turn() {
    let mut saga = doubted();
    saga.settle(Fate::Done(vec![]));
    saga.settle(Fate::Done(vec![]));
    assert_undone(&mut saga, &[forget("ben"), forget("ann"), unbook(12)]);
}

/// Rule: undoing.doubt.unknown
/// Rule: undoing.doubt.harmless
#[test]
fn beside_one_that_is_not_harmless_it_is_stuck() {
    let mut saga = Twin::start(Both { guest: "ann".to_owned() });
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(!saga.is_stuck());
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    assert_eq!(saga.sent(), [], "nothing is undone before all is settled");
    assert!(saga.operator(Operator::Skip));
    assert_undone(&mut saga, &[forget("ann")]);
}

/// Rule: undoing.doubt.unknown
/// Rule: undoing.doubt.harmless
#[test]
fn what_is_harmless_and_needs_an_output_that_nobody_knows_is_stuck() {
    let mut saga = Twin::start(Named { guest: "ann".to_owned() });
    saga.reply(booked(12));
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    assert_eq!(
        saga.reason(),
        "airline no longer knows whether it did Fly, and what undoes it needs the output, which nobody knows"
    );
    assert!(saga.operator(Operator::Retry));
    saga.settle(Fate::Done(vec![seated(4)]));
    assert_undone(&mut saga, &[forget("ann of seat 4"), unbook(12)]);

    let mut saga = Twin::start(Named { guest: "ann".to_owned() });
    saga.reply(booked(12));
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(saga.operator(Operator::Skip));
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: testing.explore
#[test]
fn what_needs_an_output_is_explored() {
    explore::<Named>(Named { guest: "ann".to_owned() }, said);
}
