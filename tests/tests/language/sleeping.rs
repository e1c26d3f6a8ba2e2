//! `sleep`: durable timers.

use std::cell::Cell;
use std::time::Duration;

use saga_runtime::log::Status;
use saga_runtime::message::{Answer, SagaId};
use saga_runtime::prelude::*;

use super::stage::Stage;
use super::tour::Event;
use super::tour::*;
use crate::twin::Twin;

saga! {
    saga Night(seconds: u64) on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step rest {
            sleep 8h;
        }
        step snooze {
            sleep { Duration::from_secs(seconds) };
        }
        step note {
            send Note { text: "awake".to_owned() };
            compensate none because "nobody minds";
        }
    }

    saga Nap(seconds: u64, tired: bool) -> Option<()> on Tour {
        concurrency allow;
        deadline none because "who sleeps does not sin";
        step nap when tired {
            sleep { Duration::from_secs(seconds) };
        }
        return nap;
    }

    saga Abreast(seconds: u64) on Tour {
        concurrency allow;
        deadline 1h;
        parallel {
            step short {
                sleep 1s;
            }
            step long {
                sleep { Duration::from_secs(seconds) };
            }
            step look -> Vec<u32> {
                query RoomsOf { night: 3 };
                await Rooms { free } => free;
            }
        }
    }
}

const MOMENT: Duration = Duration::from_millis(1);

saga! {
    saga Dream(seconds: u64) on Tour {
        concurrency allow;
        deadline 24h;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step rest {
            sleep 8h;
        }
        step snooze {
            sleep { Duration::from_secs(seconds) };
        }
        step note {
            send Note { text: "awake".to_owned() };
            compensate none because "nobody minds";
        }
    }
}

fn asleep(seconds: u64) -> Twin<Dream> {
    let mut saga = Twin::start(Dream { seconds });
    saga.reply(booked(12));
    assert!(saga.sent().is_empty() && saga.asked().is_empty());
    saga
}

/// Rule: steps.sleep
/// Rule: time.no-timer-early
#[test]
fn it_lasts_as_long_as_it_says_through_restarts() {
    let mut saga = asleep(10);
    saga.advance(Duration::from_secs(8 * 3600) + Duration::from_secs(10) - MOMENT);
    assert!(saga.sent().is_empty());
    saga.advance(MOMENT);
    assert_eq!(saga.sent(), [note("awake")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: steps.sleep
#[test]
fn one_of_no_length_is_over_at_once() {
    let mut saga = asleep(0);
    saga.advance(Duration::from_secs(8 * 3600));
    assert_eq!(saga.sent(), [note("awake")]);
}

/// Rule: steps.sleep
/// Rule: undoing.doubt.cancelled
#[test]
fn a_cancel_drops_it() {
    let mut saga = asleep(10);
    saga.cancel();
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::Cancelled, "rest".to_owned()));
}

/// A saga of `Night` or `Dream` that sleeps, and its log is taken up so much later by a coordinator to which nobody has
/// come yet.
fn slept<S: Saga<Bus = Tour>>(saga: S, hours: u64) -> (Stage<Tour>, SagaId) {
    let mut stage = Stage::new::<S>();
    stage.connect();
    let id = stage.start(saga);
    stage.answer(id, 0, 1, Answer::Handled(vec![booked(12)]));
    stage.now = stage.now.after(Duration::from_secs(hours * 3600));
    stage.restart();
    stage.advance(MOMENT);
    (stage, id)
}

/// Rule: steps.sleep
/// Rule: time.wall-time-across-restarts
#[test]
fn one_that_is_over_when_it_is_taken_up_again_waits_for_nobody() {
    let (mut stage, id) = slept(Dream { seconds: 3600 }, 8);
    assert_eq!(stage.step(id), "snooze");
    stage.advance(Duration::from_secs(3600));
    assert_eq!(stage.step(id), "note");
}

/// Rule: start.deadline
#[test]
fn a_deadline_that_passed_during_it_strikes_when_it_is_taken_up_again() {
    let (stage, id) = slept(Night { seconds: 10 }, 2);
    assert_eq!(stage.status(id), Some(Status::Compensating));
}

/// Rule: start.deadline
#[test]
fn the_deadline_passes_during_it() {
    let mut saga = Twin::start(Night { seconds: 10 });
    saga.reply(booked(12));
    saga.advance(Duration::from_secs(3600));
    assert_undone(&mut saga, &[unbook(12)]);
    assert_eq!((saga.cause().kind(), saga.cause().step().to_owned()), (CauseKind::Deadline, "rest".to_owned()));
}

/// Rule: steps.when.output
#[test]
fn it_may_not_be_wanted() {
    let mut saga = Twin::start(Nap { seconds: 5, tired: true });
    saga.advance(Duration::from_secs(5));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(Some(()))));
    let saga = Twin::start(Nap { seconds: 5, tired: false });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(None)));
}

/// Rule: steps.parallel.ends-with-all
#[test]
fn several_last_as_long_as_the_longest() {
    let mut saga = Twin::start(Abreast { seconds: 5 });
    saga.reply(Event::Rooms { free: vec![] });
    saga.advance(Duration::from_secs(5) - MOMENT);
    assert_eq!(saga.outcome(), None);
    saga.advance(MOMENT);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: time.wall-time-across-restarts
#[test]
fn time_that_passes_while_nothing_runs_counts() {
    let mut saga = SagaTest::start(Nap { seconds: 3600, tired: true });
    saga.advance(Duration::from_secs(1800));
    saga.restart();
    saga.restart();
    saga.advance(Duration::from_secs(1800) - MOMENT);
    assert_eq!(saga.outcome(), None);
    saga.restart();
    saga.advance(MOMENT);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(Some(()))));
}

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// Counts how often it is asked for the length.
fn counted(seconds: u64) -> Duration {
    ASKED.set(ASKED.get() + 1);
    Duration::from_secs(seconds)
}

saga! {
    saga Counted(seconds: u64) on Tour {
        concurrency allow;
        deadline 1h;
        step nap {
            sleep { counted(seconds) };
        }
    }

    saga Trying(seconds: u64) on Tour {
        concurrency allow;
        deadline 1h;
        step note {
            send Note { text: "awake".to_owned() };
            within { counted(seconds) };
            retry 2 times every 100ms;
            compensate none because "nobody minds";
        }
    }
}

/// Rule: values.durations
#[test]
fn a_length_is_evaluated_once_through_restarts_and_attempts() {
    ASKED.set(0);
    let mut saga = SagaTest::start(Counted { seconds: 10 });
    for _ in 0..10 {
        saga.restart();
        saga.advance(Duration::from_secs(1));
    }
    assert_eq!((saga.outcome(), ASKED.get()), (Some(&Outcome::Completed(())), 1));

    ASKED.set(0);
    let mut saga = SagaTest::start(Trying { seconds: 10 });
    saga.restart();
    saga.advance(Duration::from_secs(25));
    saga.restart();
    saga.advance(Duration::from_secs(25));
    assert!(matches!(saga.outcome(), Some(Outcome::Compensated(_))));
    assert_eq!(ASKED.get(), 1);
}

/// Rule: steps.sleep
#[test]
fn nobody_needs_to_be_there_for_it() {
    let mut saga = asleep(10);
    saga.disconnect();
    saga.advance(Duration::from_secs(8 * 3600 + 10));
    assert_eq!(saga.sent(), [note("awake")]);
    saga.reconnect();
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}
