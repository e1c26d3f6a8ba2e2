#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step look -> u64 {
            send BalanceOf { account: 1 };
            await Balance { cents } => cents;
            compensate none because "it only looks";
        }
        step charge -> u64 {
            query Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => 0,
            }
        }
        step book {
            send Book;
            compensate BalanceOf { account: 1 };
        }
        step without -> u64 {
            send BalanceOf { account: 1 };
            await Balance { cents } => cents;
        }
    }
}

fn main() {}
