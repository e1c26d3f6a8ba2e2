#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 2h;
        step book {
            send Book;
            within { std::time::Duration::from_millis(cents) };
            retry 3 times every 5ms..{ std::time::Duration::from_secs(1) };
            compensate Unbook;
        }
    }
}

fn main() {}
