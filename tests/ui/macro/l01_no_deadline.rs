#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
