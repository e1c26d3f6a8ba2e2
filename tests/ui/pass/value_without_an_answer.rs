#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(account: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step balance -> Option<u64> {
            query BalanceOf { account };
            await {
                Balance { cents } => Some(cents),
                timeout => None,
                disconnected => None,
            }
            within 5s;
        }
        step book -> bool {
            send Book;
            await {
                handled => true,
                timeout => false,
                disconnected => false,
            }
            within 5s;
            compensate none because "an empty bed costs nothing";
        }
    }
}

fn main() {}
