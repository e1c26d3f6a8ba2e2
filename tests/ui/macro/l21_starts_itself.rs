#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        trigger Charged { receipt: cents };
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => 0,
            }
            compensate Refund { receipt: charge };
        }
    }
}

fn main() {}
