//! `explore`: one saga's paths with at most two faults each, and what was reached on the way.

use saga_runtime::prelude::*;

use super::bus;
use super::bus::{Trip, trip};
use super::tour::*;
use super::tour::{Command, Event};

saga! {
    saga Whole(nights: Vec<u32>, guest: String) -> usize on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in nights, all at once {
            send Book { night };
            await Booked { room } => room;
            within 10s;
            retry 1 times every 100ms;
            compensate Unbook { room: rooms };
        }
        step guide when rooms.len() > 1 {
            send Hire { guest };
            compensate Dismiss { guest };
        }
        pivot step payment -> u64 {
            send Pay { cents: 5 };
            await {
                Paid { receipt } => receipt,
                Declined => fail "declined",
            }
        }
        finally step note {
            send Note { text: format!("{payment:?}") };
        }
        return rooms.len();
    }
}

fn travelled(command: &bus::Command) -> Vec<bus::Event> {
    match command {
        bus::Command::Charge { .. } => vec![bus::charged()],
        bus::Command::Book { .. } => vec![bus::booked()],
        _ => vec![],
    }
}

fn toured(command: &Command) -> Vec<Event> {
    match command {
        Command::Book { night } => vec![booked(night * 10)],
        Command::Pay { .. } => vec![paid(7), Event::Declined],
        _ => vec![],
    }
}

/// Rule: testing.explore
#[test]
fn every_state_of_a_saga_is_reached() {
    let explored = explore::<Trip>(trip(), travelled);
    let shown = format!("{explored:?}");
    for state in ["Charge", "Book", "Fly", "CompensateCharge", "CompensateBook"] {
        assert!(shown.contains(state), "{state} was not reached: {shown}");
    }
}

/// Rule: testing.explore
#[test]
fn all_clauses_can_be_explored() {
    let explored = explore::<Whole>(Whole { nights: vec![1, 2], guest: "ann".to_owned() }, toured);
    let shown = format!("{explored:?}");
    for state in ["Rooms", "Guide", "Payment", "CompensateRooms", "CompensateGuide"] {
        assert!(shown.contains(state), "{state} was not reached: {shown}");
    }
}
