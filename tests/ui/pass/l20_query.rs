#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step look -> u64 {
            query BalanceOf { account: 1 };
            await Balance { cents } => cents;
        }
    }
}

fn main() {}
