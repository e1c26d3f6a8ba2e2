#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge {
            send Charge { cents };
            await {
                refused NoFunds => (),
                refused Closed => retry,
            }
            compensate Unbook;
        }
        step again {
            send Charge { cents };
            await {
                refused NoFunds => (),
                refused reason => fail reason,
            }
            compensate Unbook;
        }
    }
}

fn main() {}
