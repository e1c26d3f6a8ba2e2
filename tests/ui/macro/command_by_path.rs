#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send bus::Command::Charge { cents };
            await {
                Charged { receipt } => receipt,
                bus::Event::Declined => fail "declined",
                refused bus::Refusal::Closed => retry,
            }
            compensate Refund { receipt: charge };
        }
        step book {
            send Book;
            compensate bus::Command::Unbook;
        }
    }
}

fn main() {}

// Rule: grammar.bare-names
