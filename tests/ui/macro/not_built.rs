#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Night(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step room {
            send Book;
            compensate {
                send Unbook;
                await Asked { cents: asked } where asked == cents => ();
            }
        }
        finally step note {
            send Book;
            await Asked { cents: asked } where asked == cents => ();
        }
    }

    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step night {
            run Night { cents };
            await timeout => ();
            within 10s;
            compensate unwind;
        }
    }
}

fn main() {}
