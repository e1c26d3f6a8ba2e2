#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(handled: u64, allow: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
        step book_again {
            send Book;
            compensate Unbook;
        }
        step timeout {
            send Book;
            compensate Unbook;
        }
    }

    saga Odd() on Travel {
        concurrency allow;
        deadline 5s;
        step self_ {
            send Book;
            compensate Unbook;
        }
        step _1 {
            sleep 1s;
        }
        step __ {
            sleep 1s;
        }
    }
}

saga! {
    saga Words(step: bool, within: u32, deadline: u64) -> u64 on Travel {
        concurrency allow;
        deadline 5s;
        require step else "no step";
        step book -> u64 {
            send Book;
            await handled => within as u64;
            compensate Unbook;
        }
        return deadline as u64 + book;
    }
}

fn main() {}
