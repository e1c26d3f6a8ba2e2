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
            await Charged { receipt } => receipt;
            compensate Refund { receipt: charge };
        }
        step again -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } if receipt > 0 => receipt,
                Declined => 0,
            }
            compensate Refund { receipt: again };
        }
        step some -> u64 {
            query BalanceOf { account: 1 };
            await Balance { cents: 0..5 } => 0;
        }
    }
}

fn main() {}
