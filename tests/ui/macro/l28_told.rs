#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(#[redact] pin: u64, cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            await { handled => (), refused _ => fail format!("{cents} with {pin}") }
            compensate Unbook;
        }
        step shadowed {
            send Book;
            await {
                handled => (),
                refused _ if cents > 5 => fail { let other = pin; format!("{other}") },
                refused _ => fail (|pin: u64| format!("{pin}"))(cents),
            }
            compensate Unbook;
        }
    }
}

fn main() {}
