#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    /// What a pivot cannot be.
    saga Point(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        pivot step charge for part in vec![1, 2] {
            send Charge { cents: cents / part };
            compensate Refund { receipt: part };
        }
    }

    /// What cannot stand behind it.
    saga Behind(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        pivot step charge {
            send Book;
        }
        require cents > 0 else "nothing to pay";
        step room {
            send Book;
            compensate Unbook;
        }
        step receipt -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
        }
        pivot step again {
            send Book;
        }
    }

    saga Beside(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        parallel {
            pivot step charge {
                send Charge { cents };
                await {
                    Charged { .. } => (),
                    Declined => fail "declined",
                }
            }
            step room {
                send Book;
                compensate Unbook;
            }
        }
    }
}

fn main() {}
