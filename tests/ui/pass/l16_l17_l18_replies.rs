#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt: 0 } => fail "no receipt",
                Charged { receipt } if receipt > 5 => receipt,
                Charged { receipt } => receipt,
                Declined => 0,
            }
            compensate Refund { receipt: charge };
        }
        step handled_only -> u64 {
            send Charge { cents };
            await handled => 1;
            compensate Refund { receipt: 1 };
        }
    }
}

fn main() {}
