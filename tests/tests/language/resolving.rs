//! Each place where a saga can be stuck, and what each act of an operator does there.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Stay(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1h;
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate Dismiss { guest: "ann".to_owned() };
        }
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate {
                send Free { room };
                await {
                    Freed { .. } => (),
                    Kept { .. } => fail "it is kept",
                }
            }
        }
        step note {
            send Note { text: if night == 0 { panic!("out of ink") } else { "stayed".to_owned() } };
            compensate none because "nobody minds";
        }
        finally step bye {
            send Note { text: format!("{} bye", cause.map_or("", Cause::message)) };
        }
        return room;
    }
}

/// What an act leads to.
#[derive(Debug, Clone, PartialEq)]
enum Then {
    /// It makes no sense there, and nothing changes.
    Refused,
    /// This is sent.
    Sent(Command),
    /// Its fate is asked.
    Asked(Command),
    /// It goes to `finally`, and ends by the operator.
    Ends,
    /// Stuck again.
    Stuck,
}

fn booked_stay(night: u32) -> Twin<Stay> {
    let mut saga = Twin::start(Stay { night });
    saga.handled();
    saga.reply(booked(12));
    saga
}

/// A stay whose room cannot be freed.
fn kept() -> Twin<Stay> {
    let mut saga = booked_stay(3);
    saga.refuse(Refusal::Full);
    saga.reply(Event::Kept { room: 12 });
    saga
}

/// A stay whose booking is in doubt.
fn doubted() -> Twin<Stay> {
    let mut saga = Twin::start(Stay { night: 3 });
    saga.handled();
    saga.cancel();
    saga
}

fn unknown() -> Twin<Stay> {
    let mut saga = doubted();
    saga.settle(Fate::Unknown);
    saga
}

fn running() -> Twin<Stay> {
    let mut saga = doubted();
    while !saga.is_stuck() {
        saga.settle(Fate::Running);
        saga.advance(Duration::from_secs(10));
    }
    saga
}

fn broken() -> Twin<Stay> {
    let mut saga = Twin::start(Stay { night: 3 });
    saga.handled();
    saga.handled();
    saga
}

fn panicked() -> Twin<Stay> {
    booked_stay(0)
}

/// A stay whose `finally` step is spent.
fn spent() -> Twin<Stay> {
    let mut saga = booked_stay(3);
    saga.handled();
    saga.advance(Duration::from_secs(11 * 60));
    saga
}

/// What the operator does there leads to that.
#[track_caller]
fn assert_leads(place: fn() -> Twin<Stay>, action: Operator, then: &Then) {
    let mut saga = place();
    assert!(saga.is_stuck(), "it is a place where a saga is stuck");
    let accepted = saga.operator(action);
    assert_eq!(accepted, *then != Then::Refused, "{action:?}");
    match then {
        Then::Refused | Then::Stuck => assert!(saga.is_stuck(), "{action:?}"),
        Then::Sent(command) => {
            assert_eq!((saga.sent(), saga.is_stuck()), (vec![command.clone()], false), "{action:?}");
        }
        Then::Asked(command) => {
            assert_eq!((saga.asked(), saga.is_stuck()), (vec![command.clone()], false), "{action:?}");
        }
        Then::Ends => {
            assert!(saga.modes().iter().all(|mode| *mode == Mode::Finally), "{action:?}: {:?}", saga.modes());
            (0..saga.sent().len()).for_each(|_| saga.handled());
            assert!(saga.was_ended());
        }
    }
}

/// Rule: undoing.operator.retry
/// Rule: undoing.operator.skip
/// Rule: undoing.operator.end
#[test]
fn a_compensation_that_is_spent_or_failed() {
    assert_leads(kept, Operator::Retry, &Then::Sent(Command::Free { room: 12 }));
    assert_leads(kept, Operator::Skip, &Then::Sent(dismiss("ann")));
    assert_leads(kept, Operator::End, &Then::Ends);
}

/// Rule: undoing.operator.retry
/// Rule: undoing.operator.skip
/// Rule: undoing.operator.end
#[test]
fn an_unknown_fate() {
    assert_leads(unknown, Operator::Retry, &Then::Asked(book(3)));
    assert_leads(unknown, Operator::Skip, &Then::Sent(dismiss("ann")));
    assert_leads(unknown, Operator::End, &Then::Ends);
}

/// Rule: undoing.operator.skip-refused
/// Rule: undoing.operator.end
#[test]
fn a_fate_that_nobody_tells() {
    assert_leads(running, Operator::Skip, &Then::Refused);
    assert_leads(running, Operator::End, &Then::Ends);
}

/// Rule: undoing.operator.retry
/// Rule: undoing.operator.skip-refused
/// Rule: undoing.operator.end
#[test]
fn a_broken_contract() {
    assert_leads(broken, Operator::Retry, &Then::Sent(book(3)));
    assert_leads(broken, Operator::Skip, &Then::Refused);
    assert_leads(broken, Operator::End, &Then::Ends);
}

/// Rule: undoing.operator.skip-refused
/// Rule: names.panic
#[test]
fn a_panic_on_the_way_forward() {
    assert_leads(panicked, Operator::Retry, &Then::Stuck);
    assert_leads(panicked, Operator::Skip, &Then::Refused);
    assert_leads(panicked, Operator::End, &Then::Ends);
}

/// Rule: undoing.operator.retry
/// Rule: finally.ended-by-operator
#[test]
fn a_finally_step_that_is_spent() {
    assert_leads(spent, Operator::Retry, &Then::Sent(note(" bye")));
    assert_leads(spent, Operator::End, &Then::Ends);
    let mut saga = spent();
    assert!(saga.operator(Operator::Skip));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: undoing.operator.end
/// Rule: finally.ended-by-operator
#[test]
fn whoever_is_ended_keeps_what_was_done() {
    let mut saga = panicked();
    assert!(saga.operator(Operator::End));
    assert_eq!((saga.sent(), saga.modes()), (vec![note(" bye")], vec![Mode::Finally]), "nothing is undone");
    saga.handled();
    assert!(saga.was_ended());
}
