#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step first {
            send Book
            compensate Unbook;
        }
        step second {
            send bus::Command::Book;
            compensate Unbook;
        }
        step third -> u64 {
            send Charge { cents: };
            await {
                Charged { receipt } = receipt,
                Declined => 0,
            }
            compensate Refund { receipt: third };
        }
        step fourth
        return third;
    }

    saga Broken(cents u64) on Travel {
        deadline 5;
    }
    saga Unfinished
}

fn main() {}
