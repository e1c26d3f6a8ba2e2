//! `explore`: one saga's paths with at most two faults each, and what was reached on the way.

use saga_runtime::prelude::*;

use super::bus;
use super::bus::{Command, Event, Refusal, Travel, Trip, trip};

saga! {
    /// Answers of all kinds: some ask again, some are values, some fail.
    saga Varied(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1m;
        step free -> u32 {
            query RoomsOf { night };
            await {
                Rooms { free } if free.is_empty() => retry,
                Rooms { free } => free[0],
            }
            retry 1 times every 100ms;
        }
        step ring {
            send RingBell;
            await {
                handled => (),
                disconnected => (),
            }
            compensate none because "a bell rings once";
        }
        step hold -> String {
            send Hold { night: free };
            await {
                Held { room } => room,
                Waitlisted { .. } => fail "on the list",
                refused Full => retry,
                refused reason => fail reason,
            }
            within 5s;
            retry 1 times every 100ms;
            compensate Release { room: hold };
        }
        step fly {
            send Fly;
            compensate Ground;
        }
        return hold;
    }
}

fn varied(command: &Command) -> Vec<Event> {
    match command {
        Command::RoomsOf { .. } => vec![Event::Rooms { free: vec![] }, Event::Rooms { free: vec![4] }],
        Command::Hold { .. } => vec![bus::held(), Event::Waitlisted { place: 2 }],
        _ => vec![],
    }
}

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

/// Rule: testing.explore
#[test]
fn every_fault_is_reached_and_each_kind_of_end() {
    let explored = explore::<Varied>(Varied { night: 3 }, varied);
    for fault in [
        Fault::Refused,
        Fault::TimedOut,
        Fault::Disconnected,
        Fault::Late,
        Fault::Twice,
        Fault::Again,
        Fault::Cancelled,
        Fault::Deadline,
        Fault::Running,
        Fault::Unknown,
        Fault::Restarted,
        Fault::Operated,
    ] {
        assert!(explored.count(fault) > 0, "{fault:?} was not reached: {explored:?}");
    }
    for outcome in ["Completed", "Ended", "cancelled", "deadline", "refused", "failed", "timed out"] {
        let reached = explored.outcomes().keys().any(|name| name.ends_with(outcome));
        assert!(reached, "{outcome} was not reached: {:?}", explored.outcomes());
    }
    assert!(explored.stuck().keys().any(|reason| reason.contains("no longer knows")), "{:?}", explored.stuck());
}

saga! {
    /// Whatever is in doubt of it is asked for.
    saga Sure() -> u64 on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> u64 {
            send Charge { cents: 5 };
            await Charged { receipt } => receipt;
            within 5s;
            compensate Refund { receipt: charge };
        }
        return charge;
    }
}

/// Rule: testing.explore
#[test]
fn an_answer_while_the_fate_is_asked_is_late() {
    let explored = explore::<Sure>(Sure {}, travelled);
    assert!(explored.count(Fault::Late) > 0, "{explored:?}");
}

/// Rule: testing.explore
#[test]
fn what_was_reached_is_the_same_each_time() {
    let shown = || format!("{:?}", explore::<Trip>(trip(), travelled));
    assert_eq!(shown(), shown());
}

/// Rule: testing.explore
#[test]
fn a_refusal_with_fields_is_named_as_left_out() {
    let explored = explore::<Trip>(trip(), travelled);
    assert_eq!(explored.unmade_refusals().iter().collect::<Vec<_>>(), ["NoFunds"]);
    assert!(matches!(serde_json::from_str("\"Full\""), Ok(Refusal::Full)), "one without is made from its name");
}

/// Tests of the test: the bugs that can be planted in the runtime and that one saga can show.
#[cfg(feature = "planted-bugs")]
mod planted {
    use std::panic::catch_unwind;

    use saga_runtime::planted::{Bug, plant};

    use super::*;

    const SHOWN_BY_ONE_SAGA: [Bug; 5] =
        [Bug::CompensateForwards, Bug::GuessFates, Bug::CountOldRefusals, Bug::TimeOutEarly, Bug::DropLateAnswers];

    #[test]
    fn exploring_finds_each() {
        for bug in SHOWN_BY_ONE_SAGA {
            plant(Some(bug));
            let found = catch_unwind(|| explore::<Trip>(trip(), travelled));
            plant(None);
            let failure = found.expect_err("the bug shows on some path");
            let message = failure.downcast_ref::<String>().expect("a path is told");
            println!("{bug:?}: {message}\n");
            assert!(message.contains("SagaTest::<Trip>::start"), "{message}");
        }
    }
}
