#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Early(cents: u64) on Travel {
        concurrency queue per cents, book;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Keyless(cents: u64) on Travel {
        concurrency skip per;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Misspelt(cents: u64) on Travel {
        concurrency replcae per cents;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
