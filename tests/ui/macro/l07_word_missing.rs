#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> u64 {
            Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            compensate send Refund { receipt: charge };
        }
        step book {
            send Book;
            retry 2;
            compensate { Unbook };
        }
    }

    saga Borrows(name: &str) on Travel {
        concurrency allow;
    }

    saga Generic<T>(name: T) on Travel {
        concurrency allow;
    }
}

fn main() {}
