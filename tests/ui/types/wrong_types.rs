#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) -> u64 on Travel {
        concurrency allow;
        deadline { 5 };
        step charge -> String {
            send Charge { cents: "five" };
            await {
                Charged { receipt } => receipt,
                Declined => fail std::cell::Cell::new(5),
            }
            compensate Refund { receipt: charge };
        }
        step book {
            send Book;
            await handled => cents;
            within { 5 };
            retry "three" times;
            compensate Unbook;
        }
        return book;
    }
}

fn main() {}
