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
            compensate none because "a room is given back by itself";
        }
        step look -> u64 {
            query BalanceOf { account: cents };
            await Balance { cents } => cents;
        }
    }
}

fn main() {}
