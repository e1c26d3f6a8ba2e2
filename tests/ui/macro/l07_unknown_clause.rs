#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => fail "declined",
            }
            wihtin 1s;
            compensat Refund { receipt: 1 };
        }
        step undone {
            send Book;
            undo Unbook;
        }
        step called {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        }
        step text {
            "book";
        }
        step documented {
            /// Books.
            send Book;
            compensate { unwind; }
        }
    }
}

fn main() {}
