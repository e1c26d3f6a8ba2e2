#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5;
        step book {
            send Book;
            within 10sec;
            retry 3 times every 5..1.5s;
            compensate Unbook;
        }
    }

    saga Apart() on Travel {
        concurrency allow;
        deadline 3 s;
        step book {
            send Book;
            within 1.5 s;
            retry 3 times every 5 sec..1 m;
            compensate Unbook;
        }
    }

    saga Negative() on Travel {
        concurrency allow;
        deadline 1m;
        step pause {
            sleep -5s;
        }
        step book {
            send Book;
            within 1s;
            retry -1 times;
            compensate Unbook;
        }
    }

    saga Other() on Travel {
        concurrency allow;
        deadline 1h30m;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
