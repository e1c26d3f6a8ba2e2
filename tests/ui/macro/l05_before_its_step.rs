#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step early -> u64 {
            send Charge { cents: late };
            await {
                Charged { receipt } => receipt + late,
                Declined => fail format!("declined, {late}"),
            }
            compensate Refund { receipt: early };
        }
        step late -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            compensate Refund { receipt: late };
        }
    }
}

saga! {
    saga InMacros(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step ask {
            query BalanceOf { account: if matches!(charge, 3) { 1 } else { vec![charge, cents][0] } };
            await Balance { cents } => { assert!(charge > cents, "{cents}"); };
        }
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            compensate Refund { receipt: charge };
        }
    }
}

fn main() {}
