#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    /// The nearest right programs to those that misplace pivots, shares, blocks and finally steps.
    saga Trip(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline 1m;
        require cents > 0 else "nothing to pay";
        step room {
            send Book;
            compensate {
                send Unbook;
                await handled => ();
                within 2s;
                retry 3 times;
            }
        }
        step other {
            send Book;
            await {
                handled => (),
                timeout => fail "late",
            }
            within 1s;
            compensate with room;
        }
        step before {
            compensate Unbook;
        }
        pivot step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            within 5s;
            retry 2 times;
        }
        step parts for part in vec![1, 2] {
            send Charge { cents: part };
            await {
                Charged { .. } => (),
                Declined => (),
                timeout => (),
            }
            retry 1 times;
        }
        finally step note when cause.is_none() {
            send Charge { cents: charge.unwrap_or_default() };
            await {
                Charged { .. } => (),
                Declined => (),
            }
        }
        return charge;
    }
}

fn main() {}
