#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        trigger Asked { cents };
        step charge -> u64 {
            compensate Refund { receipt: charge };
            retry 3 times every 100ms..1s;
            within 5s;
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            };
            send Charge { cents };
        };
        deadline 1m;;
        concurrency allow;
    }
}

fn main() {}
