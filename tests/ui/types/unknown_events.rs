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
                Chargd { receipt } => receipt,
                Declined => 0,
            }
            compensate Refund { receipt: charge };
        }
        step again -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declind => 0,
            }
            compensate Refund { receipt: again };
        }
    }
}

saga! {
    saga Misspelt(cents: u64) on Travel {
        trigger Aksed { cents };
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
