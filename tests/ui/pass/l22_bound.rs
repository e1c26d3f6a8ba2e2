#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64, who: String) on Travel {
        trigger Asked { cents } => { cents, who: String::new() };
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Either(cents: u64) on Travel {
        trigger Asked { cents } | Balance { cents };
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
