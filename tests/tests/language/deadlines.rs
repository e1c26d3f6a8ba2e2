//! The deadline passes at each point of a saga.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use super::compensating::grounded;
use crate::twin::Twin;

const MINUTE: Duration = Duration::from_secs(60);

saga! {
    saga Until(seconds: u64) on Travel {
        concurrency allow;
        deadline { Duration::from_secs(seconds) };
        step fly {
            send Fly;
            await refused _ => retry;
            compensate Ground;
        }
    }

    saga Asking(night: u32) on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> u64 {
            send Charge { cents: 500 };
            await Charged { receipt } => receipt;
            compensate Refund { receipt: charge };
        }
        step look {
            query RoomsOf { night };
        }
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }
}

fn deadline_at(step: &str) -> (CauseKind, String) {
    (CauseKind::Deadline, step.to_owned())
}

fn cause<S: Saga>(saga: &Twin<S>) -> (CauseKind, String) {
    (saga.cause().kind(), saga.cause().step().to_owned())
}

/// Rule: start.deadline
/// Rule: undoing.doubt.deadline
#[test]
fn it_passes_while_the_first_command_is_out() {
    let mut saga = Twin::start(trip());
    saga.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(saga.sent(), [CHARGE]);
    saga.advance(Duration::from_millis(1));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![CHARGE]));
    saga.settle(Fate::Never);
    assert_eq!(cause(&saga), deadline_at("charge"));
    assert!(!saga.cause().message().is_empty());
}

/// Rule: start.deadline
#[test]
fn it_counts_from_the_start_not_from_the_step() {
    let mut saga = Twin::start(trip());
    saga.advance(MINUTE - Duration::from_secs(1));
    saga.reply(charged());
    saga.advance(Duration::from_secs(1));
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![BOOK]));
    saga.settle(Fate::Done(vec![booked()]));
    saga.handled();
    saga.handled();
    assert_eq!(cause(&saga), deadline_at("book"));
}

#[test]
fn it_passes_while_the_last_command_is_out() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.reply(booked());
    saga.advance(MINUTE);
    assert_eq!(saga.asked(), [Command::Fly]);
    saga.settle(Fate::Done(vec![]));
    assert_eq!(saga.sent(), [Command::Ground]);
    saga.handled();
    saga.handled();
    saga.handled();
    assert_eq!(cause(&saga), deadline_at("fly"));
}

#[test]
fn it_passes_while_a_refused_command_waits_to_be_sent_again() {
    let mut saga = Twin::start(Until { seconds: 2 });
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_secs(1));
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::from_millis(10));
    assert!(saga.sent().is_empty());
    let mut saga = Twin::start(Until { seconds: 0 });
    saga.refuse(Refusal::Closed);
    saga.advance(Duration::ZERO);
    assert_eq!(cause(&saga), deadline_at("fly"), "nothing was done, so nothing is asked");
}

/// Rule: undoing.doubt.query
/// Rule: undoing.doubt.before-the-first-compensation
#[test]
fn it_passes_while_a_query_or_what_needs_no_compensation_is_out() {
    let mut saga = Twin::start(Asking { night: 3 });
    saga.reply(charged());
    saga.advance(MINUTE);
    assert_eq!((saga.sent(), saga.asked()), (vec![REFUND], vec![]), "a query is never in doubt");
    saga.handled();
    assert_eq!(cause(&saga), deadline_at("look"));

    let mut saga = Twin::start(Asking { night: 3 });
    saga.reply(charged());
    saga.reply(Event::Rooms { free: vec![] });
    saga.advance(MINUTE);
    assert_eq!((saga.sent(), saga.asked()), (vec![REFUND], vec![]), "its fate makes no difference");
    saga.handled();
    assert_eq!(cause(&saga), deadline_at("ring"));
}

#[test]
fn it_passes_while_everybody_is_away() {
    let mut saga = Twin::start(trip());
    saga.disconnect();
    saga.advance(MINUTE);
    assert!(saga.is_compensating());
    saga.reconnect();
    saga.settle(Fate::Never);
    assert_eq!(cause(&saga), deadline_at("charge"));
}

/// Rule: start.deadline
#[test]
fn it_does_not_count_on_the_way_back() {
    let mut saga = grounded();
    saga.advance(2 * MINUTE);
    saga.handled();
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Refused);
}

#[test]
fn it_does_not_count_after_a_cancel() {
    let mut saga = Twin::start(trip());
    saga.cancel();
    saga.advance(2 * MINUTE);
    saga.settle(Fate::Never);
    assert_eq!(saga.cause().kind(), CauseKind::Cancelled);
}

/// Rule: values.durations
#[test]
fn it_can_be_computed_from_a_parameter() {
    for seconds in [0, 1, 90] {
        let mut saga = Twin::start(Until { seconds });
        saga.advance(Duration::from_secs(seconds));
        assert_eq!(saga.asked(), [Command::Fly]);
        saga.settle(Fate::Never);
        assert_eq!(cause(&saga), deadline_at("fly"));
    }
}

#[test]
fn one_that_cannot_be_told_never_passes() {
    let mut saga = Twin::start(Until { seconds: u64::MAX });
    saga.advance(Duration::from_secs(400 * 24 * 3600));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}
