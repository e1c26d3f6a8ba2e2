#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cause: u64, fail: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step retry {
            send Book;
            compensate Unbook;
        }
        step none {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
