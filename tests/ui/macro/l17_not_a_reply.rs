#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            await Charged { .. } => ();
            compensate Unbook;
        }
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => 0,
                Balance { cents } => cents,
            }
            compensate Refund { receipt: charge };
        }
        step of_nobody -> u64 {
            await { timeout => 4 }
            within 3s;
        }
    }
}

fn main() {}
