//! `when`: steps that may not run.

use saga_runtime::prelude::*;

use super::tour::*;
use crate::twin::Twin;

saga! {
    saga Maybe(books: bool, flies: bool) -> (Option<u32>, Option<()>) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 when books {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guide when flies && room.is_some_and(|room| room > 10) {
            send Hire { guest: format!("{room:?}") };
            compensate Dismiss { guest: format!("{guide:?}") };
        }
        step note {
            send Note { text: format!("{room:?} {guide:?}") };
            compensate none because "nobody minds";
        }
        return (room, guide);
    }

    saga Last(flies: bool) -> Option<Option<Option<u32>>> on Tour {
        concurrency allow;
        deadline 1m;
        step seat -> Option<Option<u32>> when flies {
            send Fly { leg: 1 };
            await {
                Seated { seat: 0 } => Some(None),
                Seated { seat } => Some(Some(seat)),
                refused _ => None,
            }
            compensate none because "nobody minds";
        }
        return seat;
    }

    saga Doubted(books: bool) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> Option<u32> when books {
            send Book { night: 3 };
            await Booked { room } => if room == 0 { None } else { Some(room) };
            compensate Unbook { room: room.unwrap_or(99) };
        }
        step note {
            send Note { text: "done".to_owned() };
            compensate none because "nobody minds";
        }
    }
}

/// Rule: steps.when.output
#[test]
fn a_step_that_runs_gives_some_and_one_that_does_not_gives_none() {
    let mut saga = Twin::start(Maybe { books: true, flies: true });
    assert_eq!(saga.sent(), [book(3)]);
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [hire("Some(12)")]);
    saga.handled();
    assert_eq!(saga.sent(), [note("Some(12) Some(())")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((Some(12), Some(())))));

    let mut saga = Twin::start(Maybe { books: false, flies: true });
    assert_eq!(saga.sent(), [note("None None")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed((None, None))));
}

/// Rule: steps.when.may-not-run
#[test]
fn a_condition_sees_what_came_before() {
    for (room, next) in [(9, note("Some(9) None")), (12, hire("Some(12)"))] {
        let mut saga = Twin::start(Maybe { books: true, flies: true });
        saga.reply(booked(room));
        assert_eq!(saga.sent(), [next]);
    }
}

/// Rule: steps.when.may-not-run
#[test]
fn a_saga_whose_only_step_does_not_run_completes() {
    let saga = Twin::start(Last { flies: false });
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(None)));
}

/// Rule: values.exactly
#[test]
fn outputs_that_look_alike_in_json_survive_a_restart() {
    for (seat, output) in [(0, Some(Some(None))), (4, Some(Some(Some(4))))] {
        let mut saga = Twin::start(Last { flies: true });
        saga.reply(seated(seat));
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(output)));
    }
    let mut saga = Twin::start(Last { flies: true });
    saga.refuse(Refusal::Full);
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(Some(None))));
}

/// Rule: undoing.compensate.own-value
/// Rule: values.unit
#[test]
fn a_compensation_sees_the_value_and_not_the_option() {
    let mut saga = Twin::start(Maybe { books: true, flies: true });
    saga.reply(booked(12));
    saga.handled();
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[dismiss("()"), unbook(12)]);
    assert_eq!(saga.cause().step(), "note");
}

/// Rule: undoing.compensate.took-effect
#[test]
fn what_did_not_run_is_not_undone() {
    let mut saga = Twin::start(Maybe { books: true, flies: false });
    saga.reply(booked(12));
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[unbook(12)]);

    let mut saga = Twin::start(Doubted { books: false });
    saga.refuse(Refusal::Full);
    assert_undone(&mut saga, &[]);
}

/// Rule: undoing.compensate.own-value
#[test]
fn an_output_that_is_an_option_itself_stays_one_in_its_compensation() {
    for (room, undone) in [(0, 99), (12, 12)] {
        let mut saga = Twin::start(Doubted { books: true });
        saga.reply(booked(room));
        saga.refuse(Refusal::Full);
        assert_undone(&mut saga, &[unbook(undone)]);
    }
}

/// Rule: undoing.doubt.done
#[test]
fn what_ran_and_is_in_doubt_is_settled() {
    let mut saga = Twin::start(Doubted { books: true });
    saga.cancel();
    assert_eq!(saga.asked(), [book(3)]);
    saga.settle(Fate::Done(vec![booked(12)]));
    assert_undone(&mut saga, &[unbook(12)]);
}
