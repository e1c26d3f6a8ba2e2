#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 10s;
        step alone {
            send Book;
            within 10s;
            compensate Unbook;
        }
        step together {
            send Book;
            within 2s;
            retry 3 times every 1s;
            compensate Unbook;
        }
        pivot step charge {
            send Charge { cents };
            await {
                Charged { .. } => (),
                Declined => fail "declined",
            }
            within 1m;
        }
    }
}

fn main() {}
