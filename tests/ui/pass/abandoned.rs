#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step charge -> Option<u64> {
            send Charge { cents };
            await {
                Charged { receipt } => Some(receipt),
                Declined => fail "declined",
                timeout => None,
            }
            within 5s;
            compensate Refund { receipt: charge.unwrap_or_default() };
        }
        step book {
            send Book;
            await disconnected => ();
            compensate Unbook;
        }
        step rebook {
            send Book;
            await {
                timeout => retry,
                disconnected => fail "the hotel is away",
            }
            within 5s;
            compensate Unbook;
        }
    }
}

fn main() {}
