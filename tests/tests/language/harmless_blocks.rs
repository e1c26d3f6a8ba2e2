//! `#[harmless]` in a compensation that is a block.

use saga_runtime::prelude::*;

use super::tour::*;
use crate::twin::Twin;

saga! {
    saga Guided(guests: Vec<String>) on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night: 3 };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guides for guest in guests, all at once {
            send Hire { guest };
            compensate Forget { guest };
        }
        step seat -> u32 {
            send Fly { leg: 1 };
            await Seated { seat } => seat;
            compensate { send Forget { guest: "a seat".to_owned() }; };
        }
    }
}

/// Rule: undoing.doubt.harmless
#[test]
fn a_block_may_be_harmless() {
    let mut saga = Twin::start(Guided { guests: vec![] });
    saga.reply(booked(12));
    saga.cancel();
    saga.settle(Fate::Unknown);
    assert_undone(&mut saga, &[forget("a seat"), unbook(12)]);
}
