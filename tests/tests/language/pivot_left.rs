//! A pivot that took no effect, and behind which the saga goes on all the same: what comes behind it cannot be undone, so
//! there is no way back either.

use std::time::Duration;

use saga_runtime::log::Status;
use saga_runtime::machine::Input;
use saga_runtime::message::Answer;
use saga_runtime::prelude::*;

use super::correlating_back::said;
use super::stage::Stage;
use super::tour::*;
use crate::twin::Twin;

saga! {
    /// Free for some; and whoever the bank refuses need not pay.
    saga Generous(cents: u64) -> (Option<Option<u64>>, u32) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        pivot step payment -> Option<u64> when cents > 0 {
            send Pay { cents };
            await {
                Paid { receipt } => Some(receipt),
                Declined => fail "the bank declined",
                refused _ => None,
            }
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            within 5s;
        }
        return (payment, seat);
    }
}

fn generous(cents: u64) -> Twin<Generous> {
    let mut saga = Twin::start(Generous { cents });
    saga.reply(booked(12));
    saga
}

#[track_caller]
fn assert_no_way_back(mut saga: Twin<Generous>, payment: Option<Option<u64>>) {
    assert_eq!(saga.sent(), [fly(1)]);
    assert_eq!(saga.cancel(), CancelReply::PastPivot);
    saga.refuse(Refusal::Full);
    saga.advance(Duration::from_secs(3600));
    assert_eq!((saga.sent(), saga.is_compensating()), (vec![fly(1)], false), "it is tried until it is handled");
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((payment, 4))));
}

/// Rule: pivot.left
#[test]
fn behind_a_pivot_that_was_refused_there_is_no_way_back() {
    let mut saga = generous(500);
    saga.refuse(Refusal::Closed);
    assert_no_way_back(saga, Some(None));
}

/// Rule: pivot.left
#[test]
fn nor_is_there_behind_one_that_was_not_done() {
    assert_no_way_back(generous(0), None);
}

/// Rule: pivot.took-no-effect
#[test]
fn before_it_is_left_there_is_one() {
    let mut saga = generous(500);
    saga.cancel();
    saga.settle(Fate::Never);
    assert_undone(&mut saga, &[unbook(12)]);
}

/// Rule: pivot.not-compensating
#[test]
fn while_it_depends_on_the_pivot_nobody_sees_it_go_back() {
    let mut stage: Stage<Tour> = Stage::new::<Generous>();
    stage.connect();
    let saga = stage.start(Generous { cents: 500 });
    stage.answer(saga, 0, 1, Answer::Handled(vec![booked(12)]));
    stage.tell(Input::Cancel { saga, by: None, token: 0 });
    let status = |stage: &Stage<Tour>| stage.machine.standing(saga).expect("it is in flight").status;
    assert_eq!(status(&stage), Status::Running);
    stage.answer(saga, 1, 1, Answer::Refused(Refusal::Closed));
    assert_eq!(status(&stage), Status::Compensating);
}

/// Rule: testing.explore
#[test]
fn a_pivot_that_is_left_is_explored() {
    for cents in [0, 5] {
        let explored = explore::<Generous>(Generous { cents }, said);
        assert!(explored.outcomes().keys().any(|outcome| outcome == "Completed"));
    }
}
