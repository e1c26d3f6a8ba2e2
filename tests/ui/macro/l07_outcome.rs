#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => 0,
                timout => retry,
                whatever => 1,
                _ => 2,
            }
            within 5s;
            compensate Refund { receipt: charge };
        }
    }
}

fn main() {}

// Rule: grammar.bare-names
