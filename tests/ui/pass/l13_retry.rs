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
            await refused _ => retry;
            retry 3 times;
            compensate Unbook;
        }
        step again {
            send Book;
            within 1s;
            await timeout => ();
            compensate none because "an empty bed costs nothing";
        }
    }
}

fn main() {}
