#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
        return cents;
    }

    saga Other() -> () on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
