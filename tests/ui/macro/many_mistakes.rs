#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrncy allow;
        step charge -> u64 {
            send Charge { cents: book };
            await {
                Charged { receipt } => receipt,
                Balance { cents } => cents,
            }
            within 10;
        }
        step charge {
            send Book;
            compensate none;
        }
        step book -> Strin {
            query Boook;
            await timout => 5;
        }
        step typed -> String {
            send Charge { cents: "five" };
            await {
                Charged { receipt } => receipt,
                Declined => String::new(),
            }
            compensate Refund { receipt: typed, because: 1 };
        }
        retur cents;
    }

    saga Other(cents: u64) on Travel {
        deadline 5s;
        step charge -> u64 {
            send Charge { cents };
            await Charged { receipt } => receipt;
            compensate Refund { receipt: charge };
        }
        step look -> u64 {
            send BalanceOf { account: 1 };
            await Balance { cents } => cents;
            compensate none because "it only looks";
        }
    }
}

fn main() {}
