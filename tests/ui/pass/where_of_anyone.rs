#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64, hoped: u64) -> u64 on Travel {
        concurrency allow;
        deadline 1m;
        step asked -> u64 {
            await {
                Asked { cents: asked } where asked == cents if asked > hoped => asked,
                Asked { cents } where cents == cents => cents + 1,
                timeout => 0,
            }
            within 10s;
        }
        step charge -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } where receipt == hoped => receipt,
                Charged { receipt } => receipt + 1,
                Declined => fail "declined",
                Asked { cents: again } where again == asked + 1 => again,
            }
            compensate Refund { receipt: charge };
        }
        step book {
            send Book;
            await Asked { cents: again } where again == charge => ();
            compensate Unbook;
        }
        return charge;
    }
}

fn main() {}
