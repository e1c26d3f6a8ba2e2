#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    #[ephemeral(always)]
    #[on_restart(forget)]
    #[version(2)]
    #[version(3)]
    saga Trip(#[redact(all)] cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    #[ephemeral]
    #[on_restart(park)]
    saga Walk() on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
