//! Commas and semicolons that may be left over.

use saga_runtime::prelude::*;

use super::bus::*;
use super::bus::{Command, Event};
use crate::twin::Twin;

saga! {
    saga Generous(cents: u64, night: u32,) -> (u64, String,) on Travel {
        trigger Asked { cents, night: wanted, .. } if cents > 0 => { cents, night: wanted, };
        concurrency queue per cents, night,;
        deadline 1m;

        step charge -> u64 {
            send Charge { cents, };
            await {
                Charged { receipt, } => receipt,
                refused NoFunds { missing, } => fail missing,
                refused Closed => { 0 }
            };
            compensate Refund { receipt: charge, };
        };

        step book -> String {
            send Book { night };
            await { Booked { room } => { room }, };
            compensate Unbook { room: book };
        }

        return (charge, book,);
    }
}

/// Rule: grammar.separators
#[test]
fn trailing_separators_mean_nothing() {
    let event = Event::Asked { cents: 500, night: 3, urgent: false };
    let mut saga = Twin::start(Generous::triggered_by(&event).expect("it is triggered"));
    saga.reply(charged());
    assert_eq!(saga.sent(), [BOOK]);
    saga.reply(booked());
    assert_eq!(saga.outcome(), Some(&completed()));

    let mut saga = Twin::start(Generous { cents: 500, night: 3 });
    saga.refuse(Refusal::Closed);
    assert_eq!(saga.sent(), [Command::Book { night: 3 }]);
}
