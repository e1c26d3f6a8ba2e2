#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Out(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step back {
            run Back { cents };
            compensate unwind;
        }
    }

    saga Back(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step out {
            run Out { cents };
            compensate unwind;
        }
    }
}

fn main() {}
