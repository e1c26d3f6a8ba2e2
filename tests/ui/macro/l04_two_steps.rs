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
            compensate Unbook;
        }
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga States() on Travel {
        concurrency allow;
        deadline 5s;
        step charge {
            send Book;
            compensate Unbook;
        }
        step compensate_charge {
            send Book;
            compensate Unbook;
        }
        step a1 {
            sleep 1s;
        }
        step a_1 {
            sleep 1s;
        }
        parallel {
            step hotel {
                sleep 1s;
            }
            step flight {
                sleep 1s;
            }
        }
        step hotel_flight {
            sleep 1s;
        }
    }

    saga States() on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }
}

fn main() {}
