//! `finally step`: what is done on every way out.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Stay(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step seat -> u32 {
            send Fly { leg: night };
            await Seated { seat } => seat;
            compensate none because "a seat may stay empty";
        }
        finally step note {
            send Note { text: format!("{night} {room:?} {seat:?} {}", cause.map_or("fine", Cause::message)) };
        }
        finally step parting {
            send Forget { guest: cause.map_or("nobody".to_owned(), |cause| cause.step().to_owned()) };
        }
        return room;
    }

    /// What `finally` sees of steps with items and of steps that may not run.
    saga Group(nights: Vec<u32>, flies: bool) on Tour {
        concurrency allow;
        deadline 1m;
        step rooms -> u32 for night in nights, all at once {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room: rooms };
        }
        step seat -> u32 when flies {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate Leave { seat };
        }
        step looks -> Option<u32> when flies {
            query RoomsOf { night: 1 };
            await Rooms { free } => free.first().copied();
        }
        finally step note {
            send Note { text: format!("{} {} {looks:?}", rooms.map_or(0, |rooms: Vec<u32>| rooms.len()), flat(seat)) };
        }
    }

    /// Its finally steps take `for`, `when`, and arms of their own.
    saga Parting(guests: Vec<String>) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate none because "rooms are cheap";
        }
        finally step partings for guest in guests, 2 at once {
            send Dismiss { guest };
        }
        finally step freed when room.is_some() {
            send Free { room: room.unwrap_or_default() };
            await {
                Freed { .. } => (),
                Kept { .. } => (),
                refused Full => (),
                refused Closed => retry,
            }
            within 5s;
            retry 2 times every 1s;
        }
        finally step sorry when cause.is_some() {
            send Note { text: cause.map_or(String::new(), ToString::to_string) };
        }
    }

    saga Paid(cents: u64) on Tour {
        concurrency allow;
        deadline 1m;
        pivot step payment -> u64 {
            send Pay { cents };
            await {
                Paid { receipt } => receipt,
                Declined => fail "declined",
            }
        }
        step guide {
            send Hire { guest: "ann".to_owned() };
        }
        finally step note {
            send Note { text: format!("{payment:?} {guide:?}") };
        }
    }

    saga Required(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        require night > 0 else "no such night";
        step note {
            send Note { text: "stayed".to_owned() };
            compensate none because "nobody minds";
        }
        finally step bye {
            send Note { text: format!("{note:?} {:?}", cause.map(Cause::kind)) };
        }
    }

    saga Asking(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step free -> Vec<u32> {
            query RoomsOf { night };
            await Rooms { free } => free;
        }
        finally step note {
            send Note { text: format!("{free:?}") };
        }
    }

    saga Clumsy(night: u32) on Tour {
        concurrency allow;
        deadline 1m;
        step guide {
            send Hire { guest: night.to_string() };
            compensate none because "it is paid by the hour";
        }
        finally step note {
            send Note { text: if night == 0 { panic!("out of ink") } else { "done".to_owned() } };
        }
        finally step parting {
            send Forget { guest: night.to_string() };
        }
    }
}

/// Compiles only for an option of a value: what a step that may not run gives is not doubly one.
fn flat(seat: Option<u32>) -> u32 {
    seat.unwrap_or_default()
}

fn stay() -> Twin<Stay> {
    let saga = Twin::start(Stay { night: 3 });
    assert_eq!(saga.sent(), [book(3)]);
    saga
}

/// Both finally steps of a stay, and that it has not ended before.
#[track_caller]
fn assert_parting(saga: &mut Twin<Stay>, text: &str, guest: &str) {
    assert_eq!((saga.sent(), saga.modes()), (vec![note(text)], vec![Mode::Finally]));
    saga.handled();
    assert_eq!((saga.sent(), saga.modes()), (vec![forget(guest)], vec![Mode::Finally]));
    assert_eq!(saga.outcome(), None);
    saga.handled();
    assert!(saga.outcome().is_some());
}

/// Rule: finally.every-way-out
/// Rule: finally.in-order
#[test]
fn it_runs_in_order_when_the_saga_completes_and_before_it_ends() {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.reply(seated(4));
    assert_parting(&mut saga, "3 Some(12) Some(4) fine", "nobody");
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: finally.after-compensation
/// Rule: finally.compensated-stays-some
#[test]
fn it_runs_after_compensation_and_sees_what_was_undone() {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.refuse(Refusal::Full);
    assert_eq!((saga.sent(), saga.modes()), (vec![unbook(12)], vec![Mode::Compensation]));
    saga.handled();
    assert_parting(&mut saga, "3 Some(12) None full", "seat");
    assert_eq!(saga.why(), (CauseKind::Refused, "seat".to_owned(), "full".to_owned()));
}

/// Rule: finally.every-way-out
/// Rule: finally.sees
#[test]
fn it_runs_when_there_is_nothing_to_undo() {
    let mut saga = stay();
    saga.refuse(Refusal::Closed);
    assert_parting(&mut saga, "3 None None closed", "room");
    assert_eq!(saga.cause().kind(), CauseKind::Refused);
}

/// Rule: undoing.doubt.finally-mentions
#[test]
fn an_exchange_in_doubt_whose_output_it_mentions_is_settled() {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.cancel();
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![fly(3)]), "though nothing undoes it");
    saga.settle(Fate::Done(vec![seated(4)]));
    assert_eq!(saga.sent(), [unbook(12)]);
    saga.handled();
    assert_eq!(saga.sent().len(), 1);
    let Some(Command::Note { text }) = saga.sent().pop() else { panic!("it notes: {:?}", saga.sent()) };
    assert!(text.starts_with("3 Some(12) Some(4) "), "{text}");
}

/// Rule: undoing.doubt.finally-mentions
#[test]
fn one_that_was_never_done_has_no_output() {
    let mut saga = stay();
    saga.cancel();
    saga.settle(Fate::Never);
    let Some(Command::Note { text }) = saga.sent().pop() else { panic!("it notes: {:?}", saga.sent()) };
    assert!(text.starts_with("3 None None "), "{text}");
}

/// Rule: undoing.doubt.query
#[test]
fn a_query_that_it_mentions_is_not_settled() {
    let mut saga = Twin::start(Asking { night: 3 });
    saga.cancel();
    assert_eq!((saga.sent(), saga.asked()), (vec![note("None")], vec![]));
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: finally.ended-by-operator
#[test]
fn it_runs_when_an_operator_ends_the_saga() {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::End));
    assert!(!saga.is_stuck());
    assert_eq!(saga.modes(), [Mode::Finally]);
    saga.handled();
    saga.handled();
    assert!(saga.was_ended());
}

/// Rule: finally.ended-by-operator
/// Rule: undoing.operator.end
#[test]
fn an_operator_who_ends_a_compensation_that_is_stuck_goes_to_finally() {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.refuse(Refusal::Full);
    saga.advance(Duration::from_secs(11 * 60));
    assert!(saga.is_stuck() && saga.sent() == [unbook(12)]);
    assert!(saga.operator(Operator::End));
    assert_parting(&mut saga, "3 Some(12) None full", "seat");
    assert!(saga.was_ended());
}

/// A stay whose first finally step was refused until that was enough.
fn stuck() -> Twin<Stay> {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.reply(seated(4));
    for _ in 0..10 {
        assert_eq!((saga.sent().len(), saga.is_stuck()), (1, false));
        saga.refuse(Refusal::Closed);
        assert!(saga.sent().is_empty());
        saga.advance(Duration::from_secs(30));
    }
    saga.refuse(Refusal::Full);
    assert!(saga.is_stuck());
    assert_eq!(saga.attempts("note", Mode::Finally), (1..=11).collect::<Vec<_>>());
    assert_eq!(saga.outcome(), None);
    saga
}

/// Rule: finally.retried
/// Rule: undoing.refusal.retried
#[test]
fn it_is_retried_like_a_compensation_then_stuck() {
    let mut saga = stuck();
    saga.advance(Duration::from_secs(24 * 3600));
    assert!(saga.is_stuck(), "until an operator acts");
}

/// Rule: finally.retried
#[test]
fn an_attempt_has_30_seconds() {
    let mut saga = stay();
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_millis(29_999));
    assert_eq!(saga.attempts("note", Mode::Finally), [1]);
    saga.advance(Duration::from_millis(101));
    assert_eq!(saga.attempts("note", Mode::Finally), [1, 2]);
    saga.advance(Duration::from_secs(11 * 60));
    assert!(saga.is_stuck());
    saga.handled_to(&note("3 None None closed"));
    assert_eq!((saga.is_stuck(), saga.sent()), (false, vec![forget("room")]));
}

/// Rule: undoing.operator.retry
#[test]
fn retry_does_a_stuck_finally_step_again() {
    let mut saga = stuck();
    assert!(saga.operator(Operator::Retry));
    assert_eq!((saga.is_stuck(), saga.modes()), (false, vec![Mode::Finally]));
    assert_parting(&mut saga, "3 Some(12) Some(4) fine", "nobody");
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: undoing.operator.skip
#[test]
fn skip_passes_over_a_stuck_finally_step() {
    let mut saga = stuck();
    assert!(saga.operator(Operator::Skip));
    assert_eq!((saga.sent(), saga.modes()), (vec![forget("nobody")], vec![Mode::Finally]));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)), "it had completed");
}

/// Rule: finally.ended-by-operator
#[test]
fn end_of_a_stuck_finally_step_ends_the_saga_without_them() {
    let mut saga = stuck();
    assert!(saga.operator(Operator::End));
    assert!(saga.was_ended());
    assert!(saga.sent().is_empty());
}

/// Rule: finally.after-deadline
#[test]
fn neither_cancel_nor_deadline_changes_how_it_ends() {
    let mut saga = stay();
    saga.reply(booked(12));
    saga.reply(seated(4));
    saga.advance(Duration::from_secs(120));
    saga.cancel();
    saga.handled_to(&note("3 Some(12) Some(4) fine"));
    assert_eq!(saga.sent(), [forget("nobody")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: finally.flattened
/// Rule: finally.for-all-items
#[test]
fn outputs_of_steps_with_items_and_of_those_that_may_not_run() {
    let mut saga = Twin::start(Group { nights: vec![1, 2], flies: true });
    saga.reply(booked(10));
    saga.reply(booked(20));
    saga.reply(seated(4));
    saga.reply(Event::Rooms { free: vec![8] });
    assert_eq!(saga.sent(), [note("2 4 Some(Some(8))")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));

    let mut saga = Twin::start(Group { nights: vec![], flies: false });
    assert_eq!(saga.sent(), [note("0 0 None")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: finally.for-all-items
#[test]
fn the_output_of_items_is_there_only_if_all_of_them_ended() {
    let mut saga = Twin::start(Group { nights: vec![1, 2, 3], flies: true });
    saga.reply(booked(10));
    saga.refuse(Refusal::Full);
    assert_eq!(saga.asked(), [book(3)]);
    saga.settle(Fate::Done(vec![booked(30)]));
    saga.handled();
    saga.handled();
    assert_eq!(saga.sent(), [note("0 0 None")], "two of three are not all");
}

/// Rule: finally.for-all-items
/// Rule: undoing.doubt.done
#[test]
fn items_that_turn_out_to_have_been_done_are_all_of_them() {
    let mut saga = Twin::start(Group { nights: vec![1, 2], flies: true });
    saga.reply(booked(10));
    saga.cancel();
    saga.settle(Fate::Done(vec![booked(20)]));
    saga.handled();
    saga.handled();
    assert_eq!(saga.sent(), [note("2 0 None")]);
}

/// Rule: finally.takes-for-and-when
#[test]
fn it_may_have_items_and_conditions() {
    let guests = ["ann", "ben", "cid"].map(str::to_owned).to_vec();
    let mut saga = Twin::start(Parting { guests });
    saga.reply(booked(12));
    assert_eq!((saga.sent(), saga.modes()), (vec![dismiss("ann"), dismiss("ben")], vec![Mode::Finally; 2]));
    saga.handled();
    assert_eq!(saga.sent(), [dismiss("ben"), dismiss("cid")]);
    saga.handled();
    saga.handled();
    assert_eq!(saga.sent(), [Command::Free { room: 12 }]);
    saga.reply(Event::Kept { room: 12 });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())), "there is no cause to be sorry about");
}

/// Rule: finally.takes-for-and-when
#[test]
fn its_conditions_see_the_cause_and_what_was_not_done() {
    let mut saga = Twin::start(Parting { guests: vec![] });
    saga.refuse(Refusal::Full);
    assert_eq!(saga.sent(), [note("full")]);
    saga.handled();
    assert_eq!(saga.cause().refusal(), Some(Refusal::Full));
}

/// Rule: finally.value-arm-ends
#[test]
fn any_value_arm_ends_it() {
    for answer in [Some(Event::Freed { room: 12 }), Some(Event::Kept { room: 12 }), None] {
        let mut saga = Twin::start(Parting { guests: vec![] });
        saga.reply(booked(12));
        assert_eq!(saga.modes(), [Mode::Finally]);
        match answer {
            Some(event) => saga.reply(event),
            None => saga.refuse(Refusal::Full),
        }
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }
}

/// Rule: finally.retried
#[test]
fn its_own_within_and_retry_count() {
    let mut saga = Twin::start(Parting { guests: vec![] });
    saga.reply(booked(12));
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_secs(1));
    assert_eq!(saga.sent(), [Command::Free { room: 12 }]);
    saga.advance(Duration::from_secs(5 + 2));
    assert_eq!(saga.attempts("freed", Mode::Finally), [1, 2, 3]);
    saga.refuse(Refusal::Closed);
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Skip));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: finally.every-way-out
#[test]
fn it_runs_behind_a_pivot() {
    let mut saga = Twin::start(Paid { cents: 500 });
    saga.reply(paid(7));
    saga.handled();
    assert_eq!((saga.sent(), saga.modes()), (vec![note("Some(7) Some(())")], vec![Mode::Finally]));
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_millis(100));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));

    let mut saga = Twin::start(Paid { cents: 500 });
    saga.reply(Event::Declined);
    assert_eq!(saga.sent(), [note("None None")], "a step whose arm says fail has no output");
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Failed);
}

/// Rule: finally.every-way-out
/// Rule: start.require
#[test]
fn it_runs_when_a_condition_does_not_hold() {
    let mut saga = Twin::start(Required { night: 0 });
    assert_eq!((saga.sent(), saga.modes()), (vec![note("None Some(Required)")], vec![Mode::Finally]));
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Required);
}

/// Rule: names.panic
/// Rule: undoing.operator.skip
#[test]
fn one_that_panics_is_stuck_and_can_be_skipped() {
    let mut saga = Twin::start(Clumsy { night: 0 });
    saga.handled();
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Retry));
    assert!(saga.is_stuck());
    assert!(saga.operator(Operator::Skip));
    assert_eq!(saga.sent(), [forget("0")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: steps.disconnected.default
#[test]
fn participants_that_are_away_get_it_when_they_are_back() {
    let mut saga = stay();
    saga.refuse(Refusal::Closed);
    saga.disconnect();
    saga.reconnect();
    assert_parting(&mut saga, "3 None None closed", "room");
}
