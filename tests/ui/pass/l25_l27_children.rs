#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Inner(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 5s;
        step nap {
            sleep 1s;
            await handled => ();
        }
        return cents;
    }

    saga Outer(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 1m;
        step dropped {
            run Inner { cents };
            compensate unwind;
        }
        step kept -> u64 {
            run Inner { cents };
            await {
                failed why if why.kind() == CauseKind::Deadline => retry,
                failed why => fail why,
                timeout => fail "too long",
            }
            within 10s;
            retry 2 times;
            compensate Refund { receipt: kept };
        }
        step other -> bool {
            run Inner { cents };
            await {
                handled => true,
                failed _ => false,
            }
            compensate none because "it changes nothing";
        }
        return if other { kept } else { 0 };
    }
}

fn main() {}
