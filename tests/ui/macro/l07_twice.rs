#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        concurrency allow;
        deadline 1m;
        deadline 2m;
        step book {
            send Book;
            within 5s;
            within 6s;
            compensate Unbook;
            compensate none because "no";
        }
    }
}

fn main() {}
