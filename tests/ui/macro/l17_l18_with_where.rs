#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64, hoped: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step uncorrelated -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } => receipt,
                Declined => 0,
                Asked { cents } => cents,
            }
            compensate Refund { receipt: uncorrelated };
        }
        step not_every_one -> u64 {
            send Charge { cents };
            await {
                Charged { receipt } where receipt == hoped => receipt,
                Declined => 0,
                Asked { cents: asked } where asked == cents => asked,
            }
            compensate Refund { receipt: not_every_one };
        }
        step unheard -> u64 {
            await Unheard { of } where of == cents => of;
        }
    }
}

fn main() {}
