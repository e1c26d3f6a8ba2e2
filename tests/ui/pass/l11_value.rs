#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step book -> u64 {
            send Book;
            await handled => cents;
            compensate Unbook;
        }
        step again -> () {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
