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
                Charged { .. } => fail "charged",
                Declined => fail "declined",
            }
            compensate none because "never mind";
        }
        step book -> u64 {
            send Book;
            compensate Unbook;
        }
        step again -> u64 {
            send Book;
            await refused _ => 1;
            compensate Unbook;
        }
    }
}

fn main() {}
