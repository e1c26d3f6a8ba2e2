#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Inner(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 5s;
        step nap { sleep 1s; }
        return cents;
    }

    saga Outer(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step both { sleep 1s; send Book; compensate Unbook; }
        step alone { sleep 1s; compensate Unbook; }
        step bounded { sleep 1s; within 2s; }
        step booked { send Book; compensate unwind; }
        step failing { send Book; await { failed why => fail why, handled => () } compensate Unbook; }
        step refusing { run Inner { cents }; await { refused _ => () } compensate unwind; }
        step again { run Inner { cents }; await { handled => retry } compensate unwind; }
        step lasting { run Inner { cents }; }
        step typed -> String { run Inner { cents }; compensate unwind; }
    }
}

fn main() {}
