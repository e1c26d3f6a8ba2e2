//! `require`: conditions that fail the saga without an exchange.

use saga_runtime::prelude::*;

use super::tour::*;
use crate::twin::Twin;

saga! {
    saga Checked(nights: Vec<u32>, limit: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        require !nights.is_empty() else "no night is wanted";
        require limit > 0 else Refusal::Closed;
        step room -> u32 {
            send Book { night: nights[0] };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        require room <= limit else format!("room {room} is above {limit}");
        step guide {
            send Hire { guest: room.to_string() };
            compensate Dismiss { guest: room.to_string() };
        }
        require room % 2 == 0 else unwanted(room);
        return room;
    }

    /// It only requires, and undoes.
    saga Odd(number: u32) on Tour {
        concurrency allow;
        deadline 1m;
        parallel {
            step room -> u32 when number > 1 {
                send Book { night: number };
                await Booked { room } => room;
                compensate Unbook { room };
            }
            step guide {
                send Hire { guest: number.to_string() };
                compensate Dismiss { guest: number.to_string() };
            }
        }
        require room.is_some() else number;
    }
}

/// Must not be asked for a reason where there is none.
fn unwanted(room: u32) -> String {
    assert!(room % 2 == 1, "room {room} is wanted");
    format!("room {room} is odd")
}

fn checked(nights: &[u32]) -> Twin<Checked> {
    Twin::start(Checked { nights: nights.to_vec(), limit: 20 })
}

/// Rule: start.require
#[test]
fn a_condition_that_holds_is_no_exchange() {
    let mut saga = checked(&[3]);
    assert_eq!(saga.sent(), [book(3)]);
    saga.reply(booked(12));
    assert_eq!(saga.sent(), [hire("12")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(12)));
}

/// Rule: start.require
#[test]
fn the_first_that_does_not_hold_fails_the_saga_before_anything_is_sent() {
    let saga = checked(&[]);
    let cause = saga.cause();
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Required, "no night is wanted"));
    let saga = Twin::start(Checked { nights: vec![3], limit: 0 });
    assert_eq!((saga.cause().kind(), saga.cause().message().to_owned()), (CauseKind::Required, "closed".to_owned()));
}

/// Rule: start.require
/// Rule: undoing.compensate.reverse-order
#[test]
fn one_between_steps_undoes_what_was_done() {
    let mut saga = checked(&[3]);
    saga.reply(booked(30));
    assert_undone(&mut saga, &[unbook(30)]);
    let cause = saga.cause();
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Required, "room 30 is above 20"));
}

/// Rule: start.require
#[test]
fn one_after_the_last_step_undoes_all_of_them() {
    let mut saga = checked(&[3]);
    saga.reply(booked(11));
    saga.handled();
    assert_undone(&mut saga, &[dismiss("11"), unbook(11)]);
    assert_eq!(saga.cause().message(), "room 11 is odd");
}

/// Rule: start.require
#[test]
fn one_behind_a_parallel_block_sees_its_outputs() {
    let mut saga = Twin::start(Odd { number: 1 });
    saga.handled();
    assert_undone(&mut saga, &[dismiss("1")]);
    assert_eq!((saga.cause().kind(), saga.cause().message().to_owned()), (CauseKind::Required, "1".to_owned()));

    let mut saga = Twin::start(Odd { number: 2 });
    saga.reply(booked(12));
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}
