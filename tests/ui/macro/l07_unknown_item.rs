#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        dedline 5s;
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Other() on Travel {
        concurrency allow;
        deadline 5s;
        frobnicate { this; };
        step book {
            send Book;
            compensate Unbook;
        }
    }

    saga Nearly() on Travel {
        concurency allow;
        deadlin 5s;
        paralel {
            stp first {
                await Asked { cents } where cents == 1 => ();
            }
        }
        stpe second {
            sleep 1s;
        }
        fianlly step third { send Book; }
        let fourth = step { sleep 1s; };
    }
}

fn main() {}
