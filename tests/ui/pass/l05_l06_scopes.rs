#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) -> String on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            compensate Refund { receipt: charge };
        }
        step again -> u64 {
            send Charge { cents: charge };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            compensate Refund { receipt: again };
        }
        return format!("{charge} {again} {cents}");
    }
}

fn main() {}
