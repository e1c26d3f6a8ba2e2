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
                Charged { receipt } => receipt,
                Declined => retry,
            }
            compensate Refund { receipt: charge };
        }
        step book {
            send Book;
            await handled => retry;
            compensate Unbook;
        }
        step none_but_again -> u64 {
            send Book;
            await handled => retry;
            compensate {
                send Unbook;
                await handled => retry;
            }
        }
    }
}

fn main() {}
