//! Triggers, starts, and the deadline as it is evaluated at the start.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use crate::twin::Twin;

fn asked(urgent: bool) -> Event {
    Event::Asked { cents: 500, night: 3, urgent }
}

saga! {
    saga Open(night: u32) -> u32 on Travel {
        trigger Asked { night, .. };
        concurrency allow;
        deadline none because "it only waits for the airline";
        step fly {
            send Fly;
            compensate none because "nobody minds";
        }
        return night;
    }
}

/// Rule: start.trigger.starts
/// Rule: start.trigger.binds
/// Rule: testing.triggered-by
#[test]
fn an_event_that_matches_a_trigger_starts_the_saga() {
    assert_eq!(Trip::triggered_by(&asked(true)), Some(trip()));
    assert!(Trip::triggered_by(&asked(false)).is_none(), "its `if` does not hold");
    assert!(Trip::triggered_by(&charged()).is_none(), "another event");
    assert_eq!(Open::triggered_by(&asked(false)).map(|open| open.night), Some(3), "the pattern binds by name");
}

saga! {
    /// Sends nothing itself.
    saga Nap(night: u32) on Travel {
        trigger Asked { night, .. };
        concurrency allow;
        deadline 1m;
        step nap {
            sleep 1s;
        }
        step open {
            run Open { night };
            compensate unwind;
        }
    }
}

/// Rule: start.trigger.starts
#[test]
fn a_saga_that_sends_nothing_itself_can_have_a_trigger() {
    let nap = Nap::triggered_by(&asked(false)).expect("the event matches");
    let mut saga = SagaTest::start(nap);
    saga.advance(Duration::from_secs(1));
    assert_eq!(saga.children().len(), 1);
}

/// Rule: steps.name
/// Rule: steps.return
#[test]
fn it_goes_from_step_to_step_and_returns() {
    let mut saga = Twin::start(trip());
    assert_eq!((saga.sent(), saga.modes()), (vec![CHARGE], vec![Mode::Forward]));
    saga.reply(charged());
    assert_eq!(saga.sent(), [BOOK]);
    saga.reply(booked());
    assert_eq!(saga.sent(), [Command::Fly]);
    assert_eq!(saga.outcome(), None);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&completed()));
    assert!(saga.sent().is_empty() && saga.asked().is_empty() && !saga.is_stuck() && !saga.is_compensating());
}

/// Rule: state.places
#[test]
fn its_state_is_where_it_is() {
    let mut saga = Twin::start(trip());
    assert!(matches!(saga.state(), TripState::Charge { cents: 500, night: 3, .. }));
    saga.reply(charged());
    assert!(matches!(saga.state(), TripState::Book { night: 3, charge: 7, .. }));
    saga.reply(booked());
    assert!(matches!(saga.state(), TripState::Fly { charge: 7, .. }));
    saga.refuse(Refusal::Full);
    assert!(matches!(saga.state(), TripState::CompensateBook { charge: 7, .. }));
    saga.handled();
    assert!(matches!(saga.state(), TripState::CompensateCharge { .. }));
}

/// Rule: start.deadline-none
#[test]
fn without_a_deadline_it_waits_for_ever() {
    let mut saga = Twin::start(Open { night: 3 });
    saga.advance(Duration::from_secs(400 * 24 * 3600));
    assert_eq!(saga.sent(), [Command::Fly]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(3)));
}
