//! `explore`: one saga's paths with at most two faults each, and what was reached on the way.

use saga_runtime::prelude::*;

use super::bus;
use super::bus::{Trip, trip};

fn travelled(command: &bus::Command) -> Vec<bus::Event> {
    match command {
        bus::Command::Charge { .. } => vec![bus::charged()],
        bus::Command::Book { .. } => vec![bus::booked()],
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
