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
            retry 3 times;
            compensate Unbook;
        }
        step again {
            send Book;
            await timeout => fail "late";
            compensate Unbook;
        }
    }
}

fn main() {}
