//! `compensate` in its longer forms: blocks, `with` another, steps that only compensate, and `cause`.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Careful(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
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
                    Kept { room: kept } if kept == room => fail format!("room {kept} cannot be freed"),
                    Kept { .. } => (),
                    refused Full => (),
                    refused Closed => retry,
                }
                within 5s;
                retry 2 times every 1s;
            }
        }
        step note {
            send Note { text: "booked".to_owned() };
            compensate none because "nobody minds";
        }
    }

    /// A block without an await, and a shorthand whose command has replies.
    saga Plain(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step first -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate { send Unbook { room: first }; within 2s; };
        }
        step second -> u32 {
            send Book { night: night + 1 };
            await Booked { room } => room;
            compensate Free { room: second };
        }
        step note {
            send Note { text: "booked".to_owned() };
            compensate none because "nobody minds";
        }
    }

    /// One command undoes two of its steps.
    saga Shared(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await {
                Booked { room } => room,
                refused Full => 0,
                refused Closed => fail "closed",
            }
            compensate Unbook { room };
        }
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate Dismiss { guest: "ann".to_owned() };
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await {
                Seated { seat } => seat,
                refused Full => 0,
                refused Closed => fail "closed",
            }
            compensate with room;
        }
        step note {
            send Note { text: "booked".to_owned() };
            compensate none because "nobody minds";
        }
    }

    /// Undoes what happened before it began.
    saga Takeover(rooms: Vec<u32>, old: bool) on Tour {
        concurrency allow;
        deadline 1m;
        step guide {
            send Hire { guest: "ann".to_owned() };
            compensate Dismiss { guest: "ann".to_owned() };
        }
        step earlier for room in rooms {
            compensate Unbook { room };
        }
        step seat when old {
            compensate Leave { seat: 4 };
        }
        step note {
            send Note { text: "taken over".to_owned() };
            compensate none because "nobody minds";
        }
    }

    saga Reasons(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Note { text: cause.map_or(String::new(), |cause| format!("{:?} at {}: {cause}", cause.kind(), cause.step())) };
        }
        require night < 9 else "no such night";
        step seat -> u32 {
            send Fly { leg: night };
            await Seated { seat } => seat;
            within 5s;
            compensate Leave { seat };
        }
    }
}

fn free() -> Command {
    Command::Free { room: 12 }
}

/// A careful saga whose room is being freed.
fn freeing() -> Twin<Careful> {
    let mut saga = Twin::start(Careful { night: 3 });
    saga.handled();
    saga.reply(booked(12));
    saga.refuse(Refusal::Closed);
    assert_eq!((saga.sent(), saga.modes()), (vec![free()], vec![Mode::Compensation]));
    saga
}

/// Rule: undoing.compensate.block
#[test]
fn any_value_arm_of_a_block_means_undone() {
    for answer in [Some(Event::Freed { room: 12 }), Some(Event::Kept { room: 13 }), None] {
        let mut saga = freeing();
        match answer {
            Some(event) => saga.reply(event),
            None => saga.refuse(Refusal::Full),
        }
        assert_undone(&mut saga, &[dismiss("ann")]);
    }
}

/// Rule: undoing.compensate.stuck
#[test]
fn an_arm_of_a_block_that_says_fail_is_stuck_with_its_reason() {
    let mut saga = freeing();
    saga.reply(Event::Kept { room: 12 });
    assert!(saga.is_stuck() && saga.is_compensating());
    assert!(saga.reason().contains("room 12 cannot be freed"), "{}", saga.reason());
    saga.advance(Duration::from_secs(3600));
    assert!(saga.is_stuck(), "until an operator acts");
    assert!(saga.operator(Operator::Retry));
    assert_eq!((saga.is_stuck(), saga.sent()), (false, vec![free()]));
    saga.reply(Event::Freed { room: 12 });
    assert_undone(&mut saga, &[dismiss("ann")]);
}

/// Rule: undoing.operator.skip
#[test]
fn a_block_that_is_stuck_can_be_skipped() {
    let mut saga = freeing();
    saga.reply(Event::Kept { room: 12 });
    assert!(saga.operator(Operator::Skip));
    assert_undone(&mut saga, &[dismiss("ann")]);
}

/// Rule: undoing.operator.end
#[test]
fn a_block_that_is_stuck_can_be_ended() {
    let mut saga = freeing();
    saga.reply(Event::Kept { room: 12 });
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended() && saga.sent().is_empty());
}

/// Rule: undoing.compensate.limits
/// Rule: undoing.refusal.retried
#[test]
fn the_bounds_of_a_block_count() {
    let mut saga = freeing();
    saga.advance(Duration::from_secs(4));
    assert_eq!(saga.attempts("room", Mode::Compensation), [1]);
    saga.advance(Duration::from_secs(2));
    assert_eq!(saga.attempts("room", Mode::Compensation), [1, 2]);
    saga.refuse(Refusal::Closed);
    assert_eq!((saga.sent(), saga.is_stuck()), (vec![], false), "a refusal is retried");
    saga.advance(Duration::from_secs(2));
    assert_eq!(saga.attempts("room", Mode::Compensation), [1, 2, 3]);
    saga.advance(Duration::from_secs(5));
    assert!(saga.is_stuck(), "two more attempts are spent");
    assert!(saga.operator(Operator::Retry));
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_secs(2));
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_secs(2));
    assert!(!saga.is_stuck());
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck(), "retry gave it as many again");
}

/// Rule: undoing.compensate.block
/// Rule: undoing.compensate.shorthand
#[test]
fn a_shorthand_and_a_block_without_an_await_end_when_handled() {
    let mut saga = Twin::start(Plain { night: 1 });
    saga.reply(booked(10));
    saga.reply(booked(20));
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.sent(), [Command::Free { room: 20 }]);
    saga.reply(Event::Kept { room: 20 });
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(10)], vec![Mode::Compensation]));
    saga.advance(Duration::from_millis(2_100));
    assert_eq!(saga.attempts("first", Mode::Compensation), [1, 2]);
    saga.handled();
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: attempts.owes-a-reply
#[test]
fn a_compensating_command_owes_its_reply_too() {
    let mut saga = Twin::start(Plain { night: 1 });
    saga.reply(booked(10));
    saga.reply(booked(20));
    saga.refuse(Refusal::Closed);
    saga.handled();
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    saga.reply(Event::Freed { room: 20 });
    assert_undone(&mut saga, &[unbook(10)]);
}

/// Rule: undoing.compensate.with
#[test]
fn a_shared_compensation_runs_once_and_in_its_place() {
    let mut saga = Twin::start(Shared { night: 3 });
    saga.reply(booked(12));
    saga.handled();
    saga.reply(seated(4));
    saga.refuse(Refusal::Closed);
    assert_undone(&mut saga, &[dismiss("ann"), unbook(12)]);
}

/// Rule: undoing.compensate.with
#[test]
fn a_shared_compensation_runs_if_any_of_its_steps_took_effect() {
    let mut saga = Twin::start(Shared { night: 3 });
    saga.refuse(Refusal::Full);
    saga.handled();
    saga.reply(seated(4));
    saga.refuse(Refusal::Closed);
    assert_undone(&mut saga, &[dismiss("ann"), unbook(0)]);

    let mut saga = Twin::start(Shared { night: 3 });
    saga.reply(booked(12));
    saga.handled();
    saga.refuse(Refusal::Full);
    saga.refuse(Refusal::Closed);
    assert_undone(&mut saga, &[dismiss("ann"), unbook(12)]);
}

/// Rule: undoing.compensate.with
#[test]
fn a_shared_compensation_does_not_run_if_none_of_its_steps_took_effect() {
    let mut saga = Twin::start(Shared { night: 3 });
    saga.refuse(Refusal::Full);
    saga.handled();
    saga.refuse(Refusal::Full);
    saga.refuse(Refusal::Closed);
    assert_undone(&mut saga, &[dismiss("ann")]);
}

/// Rule: undoing.compensate.with
/// Rule: undoing.doubt.before-the-first-compensation
#[test]
fn a_step_in_doubt_that_shares_a_compensation_is_settled() {
    for (fate, room) in [(Fate::Done(vec![seated(4)]), Some(0)), (Fate::Never, None)] {
        let mut saga = Twin::start(Shared { night: 3 });
        saga.refuse(Refusal::Full);
        saga.handled();
        saga.cancel();
        assert_eq!(saga.asked(), [fly(1)]);
        saga.settle(fate);
        let undone: Vec<_> = [dismiss("ann")].into_iter().chain(room.map(unbook)).collect();
        assert_undone(&mut saga, &undone);
    }
}

/// Rule: undoing.compensate.only
#[test]
fn a_step_that_only_compensates_does_nothing_on_the_way_forward() {
    let mut saga = Twin::start(Takeover { rooms: vec![1, 2], old: true });
    saga.handled();
    assert_eq!(saga.sent(), [note("taken over")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: undoing.compensate.only
/// Rule: undoing.compensate.reverse-order
#[test]
fn it_undoes_what_was_before_in_its_turn() {
    let mut saga = Twin::start(Takeover { rooms: vec![1, 2], old: true });
    saga.handled();
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[leave(4), unbook(2), unbook(1), dismiss("ann")]);
}

/// Rule: undoing.compensate.only
#[test]
fn one_that_was_not_reached_or_did_not_run_undoes_nothing() {
    let mut saga = Twin::start(Takeover { rooms: vec![1, 2], old: true });
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[]);

    let mut saga = Twin::start(Takeover { rooms: vec![], old: false });
    saga.handled();
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[dismiss("ann")]);
}

/// A saga of reasons whose flight is out.
fn flying() -> Twin<Reasons> {
    let mut saga = Twin::start(Reasons { night: 3 });
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [fly(3)]);
    saga
}

/// Rule: names.cause
#[test]
fn a_compensation_sees_why() {
    let mut saga = flying();
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[note("Refused at seat: full")]);

    let mut saga = Twin::start(Reasons { night: 9 });
    saga.reply(booked(12));
    let Some(Command::Note { text }) = saga.sent().pop() else { panic!("it is undone: {:?}", saga.sent()) };
    assert!(text.starts_with("Required at ") && text.ends_with(": no such night"), "{text}");
}

/// Rule: names.cause
#[test]
fn a_cause_has_the_kind_of_what_happened() {
    let seen = |mut saga: Twin<Reasons>| {
        saga.settle(Fate::Never);
        saga.sent().pop()
    };
    let begins = |command: Option<Command>, text: &str| {
        assert!(matches!(&command, Some(Command::Note { text: seen }) if seen.starts_with(text)), "{command:?}");
    };
    let mut saga = flying();
    saga.cancel();
    begins(seen(saga), "Cancelled at seat: ");
    let mut saga = flying();
    saga.advance(Duration::from_secs(5));
    begins(seen(saga), "TimedOut at seat: ");
}

/// Rule: attempts.no-arm-matches
#[test]
fn a_reply_that_no_arm_matches_breaks_the_contract() {
    let mut saga = flying();
    saga.reply(booked(1));
    assert!(saga.is_stuck() && !saga.is_compensating());
    assert!(!saga.operator(Operator::Skip), "on the way forward nothing is passed over");
    assert!(saga.operator(Operator::Retry));
    saga.reply(seated(4));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}
