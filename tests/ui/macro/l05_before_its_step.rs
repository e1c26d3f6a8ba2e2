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

fn main() {}
