//! Participants that are away: when a command is sent, and while it is out.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::bus::Command;
use super::bus::*;
use crate::twin::Twin;

saga! {
    /// Goes on without its participant.
    saga Bell(night: u32) -> bool on Travel {
        concurrency allow;
        deadline 1h;
        step fly {
            send Fly;
            compensate Ground;
        }
        step ring -> bool {
            send RingBell;
            await {
                handled => true,
                disconnected if night == 0 => false,
            }
            compensate none because "it has rung";
        }
        return ring;
    }

    saga Impatient(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1h;
        step fly {
            send Fly;
            compensate Ground;
        }
        step book -> String {
            send Book { night };
            await {
                Booked { room } => room,
                disconnected => fail "the hotel does not answer",
            }
            compensate Unbook { room: book };
        }
        return book;
    }

    saga Stubborn(night: u32) -> String on Travel {
        concurrency allow;
        deadline 1h;
        step book -> String {
            send Book { night };
            await {
                Booked { room } => room,
                disconnected => retry,
            }
            retry 2 times every 1s;
            compensate none because "nobody minds";
        }
        return book;
    }
}

/// A saga whose first step, the airline's, is done.
fn flown<S: Saga<Bus = Travel>>(input: S) -> Twin<S> {
    let mut saga = Twin::start(input);
    saga.handled();
    saga
}

/// Rule: steps.disconnected.default
#[test]
fn by_default_a_command_waits_for_its_participant() {
    let mut saga = Twin::start(trip());
    saga.disconnect();
    assert_eq!(saga.sent(), [CHARGE], "it is still unanswered");
    saga.reconnect();
    saga.reply(charged());
    assert_eq!(saga.sent(), [BOOK]);
}

/// Rule: steps.disconnected.default
#[test]
fn a_command_that_is_sent_while_its_participant_is_away_is_delivered_when_it_is_back() {
    let mut saga = Twin::start(Stubborn { night: 3 });
    saga.reply(booked());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("12".to_owned())));

    let mut saga = flown(Bell { night: 1 });
    saga.disconnect();
    assert_eq!(saga.sent(), [Command::Ground], "the bell fails; the compensation waits");
    saga.reconnect();
    saga.handled();
    assert_eq!(saga.why().0, CauseKind::Disconnected);
}

#[test]
fn being_away_does_not_stop_the_clock_of_an_attempt() {
    let mut saga = Twin::start(trip());
    saga.reply(charged());
    saga.disconnect();
    saga.advance(Duration::from_secs(21));
    assert!(saga.is_compensating(), "two attempts of 10 s have passed");
    assert_eq!(saga.asked(), [BOOK]);
}

/// Rule: steps.disconnected.live-only
#[test]
fn a_live_only_command_fails_when_its_participant_is_away() {
    let mut saga = flown(Bell { night: 1 });
    saga.disconnect();
    saga.reconnect();
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Disconnected, "while it was out");
    assert_eq!(saga.cause().step(), "ring");
}

/// Rule: steps.disconnected.live-only
/// Rule: steps.disconnected.at-once
#[test]
fn a_live_only_command_fails_at_once_when_its_participant_is_away_at_sending() {
    let mut saga = Twin::start(Bell { night: 1 });
    saga.disconnect();
    saga.handled();
    assert_eq!(saga.sent(), [Command::Ground]);
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Disconnected);
}

#[test]
fn a_disconnected_arm_is_taken_while_the_command_is_out() {
    let mut saga = flown(Bell { night: 0 });
    saga.disconnect();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(false)));
}

/// Rule: steps.disconnected.at-once
#[test]
fn a_disconnected_arm_is_taken_when_the_command_is_sent() {
    let mut saga = Twin::start(Bell { night: 0 });
    saga.disconnect();
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(false)));
}

/// Rule: undoing.doubt.disconnected
#[test]
fn what_was_out_when_its_participant_went_away_is_in_doubt() {
    let mut saga = flown(Impatient { night: 3 });
    saga.disconnect();
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![BOOK]));
    saga.reconnect();
    saga.settle(Fate::Done(vec![booked()]));
    assert_eq!(saga.sent(), [unbook()]);
    saga.handled();
    saga.handled();
    let message = "the hotel does not answer".to_owned();
    assert_eq!(saga.why(), (CauseKind::Disconnected, "book".to_owned(), message));
}

#[test]
fn a_disconnected_arm_that_retries_sends_again_while_its_retry_allows() {
    let mut saga = Twin::start(Stubborn { night: 3 });
    saga.disconnect();
    assert_eq!(saga.sent(), [BOOK], "unanswered");
    saga.reconnect();
    saga.advance(Duration::from_secs(1));
    assert_eq!(saga.attempts("book", Mode::Forward), [1, 2]);
    saga.reply(booked());
    assert_eq!(saga.outcome(), Some(&Outcome::Completed("12".to_owned())));
}

#[test]
fn a_spent_disconnected_arm_fails() {
    let mut saga = Twin::start(Stubborn { night: 3 });
    saga.disconnect();
    saga.advance(Duration::from_secs(3));
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::Disconnected, "book".to_owned()));
}

#[test]
fn who_is_away_stays_away_when_the_coordinator_restarts() {
    let mut saga = SagaTest::start(Bell { night: 1 });
    saga.disconnect();
    saga.handled();
    saga.restart();
    assert!(saga.is_compensating());
    saga.restart();
    assert_eq!(saga.sent(), [Command::Ground]);
    saga.reconnect();
    saga.handled();
    assert!(matches!(saga.outcome(), Some(Outcome::Compensated(_))));
}

/// Rule: steps.disconnected.after-restart
#[test]
fn after_a_restart_nobody_is_away_before_five_seconds() {
    let mut saga = SagaTest::start(Bell { night: 1 });
    saga.disconnect();
    saga.restart();
    saga.handled();
    saga.advance(Duration::from_millis(4_999));
    assert_eq!(saga.sent(), [Command::RingBell], "its participant may be on its way");
    saga.advance(Duration::from_millis(1));
    assert_eq!(saga.sent(), [Command::Ground]);
}

#[test]
fn a_compensation_waits_for_its_participant() {
    let mut saga = flown(Impatient { night: 3 });
    saga.refuse(Refusal::Full);
    saga.disconnect();
    assert_eq!(saga.sent(), [Command::Ground]);
    saga.reconnect();
    saga.handled();
    assert_eq!(saga.cause().kind(), CauseKind::Refused);
}
