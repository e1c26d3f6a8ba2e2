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
                Charged { receipt } if receipt > 5 => receipt,
                Charged { receipt } => receipt,
                Declined | Charged { .. } => 0,
            }
            compensate Refund { receipt: charge };
        }
    }

    saga Outcomes(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge {
            send Charge { cents };
            await {
                handled => (),
                handled => fail "never",
                timeout if cents > 5 => (),
                timeout => (),
                timeout => fail "never",
                disconnected => (),
                disconnected => fail "never",
                refused NoFunds if cents > 5 => (),
                refused NoFunds => (),
                refused Closed | NoFunds => (),
                refused _ => (),
                refused reason => fail reason,
            }
            within 1s;
            compensate Unbook;
        }
    }
}

fn main() {}
