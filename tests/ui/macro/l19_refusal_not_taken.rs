#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge {
            send Charge { cents };
            await refused NoFunds => ();
            compensate Unbook;
        }
        step misspelt {
            send Charge { cents };
            await refused NoFund => ();
            compensate Unbook;
        }
        step again {
            send Charge { cents };
            await { handled => (), refused NoFunds => () }
            compensate Unbook;
        }
    }
}

fn main() {}
