//! What ends a step: the arms of its `await`, and what is left out of them.

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Stay(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1m;
        step fly {
            send Fly;
            compensate Ground;
        }
        step room -> String {
            send Hold { night };
            await {
                Held { room } if room.is_empty() => fail format!("the room of night {night} has no name"),
                Held { room } => room,
                Waitlisted { place: 1 } => "the first that is left".to_owned(),
                Waitlisted { place } => fail format!("waitlisted at {place}"),
                refused Full if night == 0 => fail "fully booked",
                refused Full => "the street".to_owned(),
                refused Closed => fail Refusal::Closed,
            }
            compensate Release { room };
        }
        step charge {
            send Charge { cents: 1 };
            compensate none because "one cent";
        }
        return room;
    }

    saga Handled(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1m;
        step book -> String {
            send Book { night };
            await handled => "any".to_owned();
            compensate none because "nobody minds";
        }
        return book;
    }

    saga Look(night: u32) -> Option<Vec<u32>> on Travel {
        concurrency allow;
        deadline 1m;
        step rooms -> Option<Vec<u32>> {
            query RoomsOf { night };
            await {
                Rooms { free } if free.is_empty() => retry,
                Rooms { free } => Some(free),
                timeout => None,
            }
            within 5s;
            retry 2 times every 100ms;
        }
        return rooms;
    }
}

fn waitlisted(place: u32) -> Event {
    Event::Waitlisted { place }
}

fn room(name: &str) -> Event {
    Event::Held { room: name.to_owned() }
}

/// A stay whose airline has flown.
fn stay(night: u32) -> Twin<Stay> {
    let mut saga = Twin::start(Stay { night });
    saga.handled();
    assert_eq!(saga.sent(), [Command::Hold { night }]);
    saga
}

/// Rule: steps.await.in-order
/// Rule: steps.await.value
#[test]
fn the_first_arm_that_matches_ends_the_step() {
    for (event, output) in [(room("12"), "12"), (waitlisted(1), "the first that is left")] {
        let mut saga = stay(3);
        saga.reply(event);
        saga.reply(charged());
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(output.to_owned())));
    }
}

/// Rule: steps.await.fail
/// Rule: undoing.compensate.took-effect
#[test]
fn an_event_arm_that_says_fail_fails_the_saga_and_its_step_took_no_effect() {
    for (event, message) in [(room(""), "the room of night 3 has no name"), (waitlisted(2), "waitlisted at 2")] {
        let mut saga = stay(3);
        saga.reply(event);
        assert_eq!(saga.sent(), [Command::Ground], "of the step itself nothing is undone");
        saga.handled();
        assert_eq!(saga.why(), (CauseKind::Failed, "room".to_owned(), message.to_owned()));
    }
}

/// Rule: steps.refused.default
/// Rule: end.cause
#[test]
fn a_refusal_that_no_arm_takes_fails_the_saga() {
    let mut saga = Twin::start(trip());
    saga.refuse(Refusal::NoFunds { missing: 3 });
    assert_eq!(saga.why(), (CauseKind::Refused, "charge".to_owned(), "3 cents are missing".to_owned()));
    assert_eq!(saga.cause().refusal(), Some(Refusal::NoFunds { missing: 3 }));
    assert_eq!(saga.cause().to_string(), "3 cents are missing");
}

/// Rule: steps.await.fail
/// Rule: end.cause
#[test]
fn a_refusal_arm_that_says_fail_gives_the_message() {
    let mut saga = stay(0);
    saga.refuse(Refusal::Full);
    saga.handled();
    assert_eq!(saga.why(), (CauseKind::Refused, "room".to_owned(), "fully booked".to_owned()));
    assert_eq!(saga.cause().refusal(), Some(Refusal::Full));
}

/// Rule: undoing.compensate.took-effect
#[test]
fn a_refused_step_that_ends_with_a_value_took_no_effect() {
    let mut saga = stay(3);
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [Command::Charge { cents: 1 }]);
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.sent(), [Command::Ground], "there is no room to release");
    saga.handled();
    assert_eq!(saga.cause().step(), "charge");
}

/// Rule: steps.await.handled
#[test]
fn without_an_event_arm_handled_ends_the_step_whatever_was_replied() {
    let mut saga = stay(3);
    saga.reply(room("12"));
    saga.reply(charged());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("12".to_owned())), "`charge` has no await");
}

/// Rule: steps.await.handled
#[test]
fn a_handled_arm_takes_whatever_was_replied() {
    let mut saga = Twin::start(Handled { night: 3 });
    saga.reply(booked());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("any".to_owned())));
}

/// Rule: steps.await.own-reply
#[test]
fn nothing_but_its_own_answer_ends_a_step() {
    let mut saga = Twin::start(trip());
    saga.event(charged());
    saga.foreign(charged());
    assert_eq!(saga.sent(), [CHARGE]);
    assert!(matches!(saga.state(), TripState::Charge { charge, .. } if !charge.is_full()));
    saga.reply(charged());
    saga.event(booked());
    saga.foreign(booked());
    assert_eq!(saga.sent(), [BOOK]);
}

/// Rule: steps.await.retry
/// Rule: attempts.queries-anew
#[test]
fn a_query_is_asked_again_when_its_arm_says_retry() {
    let mut saga = Twin::start(Look { night: 3 });
    saga.reply(Event::Rooms { free: Vec::new() });
    saga.advance(std::time::Duration::from_millis(100));
    assert_eq!(saga.sent(), [Command::RoomsOf { night: 3 }]);
    saga.reply(Event::Rooms { free: vec![4] });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(Some(vec![4]))));
}

/// Rule: steps.timeout.first
/// Rule: undoing.doubt.query
#[test]
fn a_timeout_arm_with_a_value_ends_a_query() {
    let mut saga = Twin::start(Look { night: 3 });
    saga.advance(std::time::Duration::from_secs(5));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(None)), "at the first timeout, in spite of `retry`");
}

/// Rule: steps.refused.default
#[test]
fn a_refused_query_fails_the_saga() {
    let mut saga = Twin::start(Look { night: 3 });
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.why(), (CauseKind::Refused, "rooms".to_owned(), "closed".to_owned()));
}
