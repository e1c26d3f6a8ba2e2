#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64, who: String, when_asked: u64) on Travel {
        trigger Asked { .. };
        trigger asked;
        trigger Asked { cents } => { cents, who: String::new() };
        trigger Asked { cent } if true;
        trigger Asked { cents } => { cents, whoo: String::new(), when_asked: 1 };
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
