#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charg { cents };
            await {
                Chargd { receipt } => receipt,
                refused NoFund => 5,
            }
            compensate none because "never mind";
        }
        step book {
            send Book;
            await refused reason if somebody => fail nobody;
            compensate Unbook;
        }
        step rebook {
            send Book;
            await handled => drop(cause);
            compensate Refund { recipt: 1 };
        }
    }
}

fn main() {}
