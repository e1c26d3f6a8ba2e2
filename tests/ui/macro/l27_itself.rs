#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Round(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step again {
            run Round { cents };
            compensate unwind;
        }
    }
}

fn main() {}
