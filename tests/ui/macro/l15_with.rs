#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 1m;
        step bare {
            send Book;
            compensate none because "nobody minds";
        }
        step maybe when cents > 5 {
            send Book;
            compensate Unbook;
        }
        step first {
            send Book;
            compensate with later;
        }
        step second {
            send Book;
            compensate with nowhere;
        }
        step third {
            send Book;
            compensate with maybe;
        }
        step fourth {
            send Book;
            compensate with bare;
        }
        step later {
            send Book;
            compensate Unbook;
        }
        step hasty {
            send Book;
            await timeout => ();
            within 5s;
            compensate with later;
        }
        step left {
            send Book;
            await disconnected => ();
            compensate Unbook;
        }
        step fifth {
            send Book;
            compensate with left;
        }
        step overheard {
            send Book;
            await Asked { cents: asked } where asked == cents => ();
            compensate with later;
        }
    }
}

fn main() {}
