#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64, hoped: u64) -> u64 on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await {
                Declined => 0,
                Charged { receipt } => receipt,
                Charged { receipt } where receipt == hoped => receipt + 1,
            }
            compensate Refund { receipt: charge };
        }
        return charge;
    }
}

fn main() {}
