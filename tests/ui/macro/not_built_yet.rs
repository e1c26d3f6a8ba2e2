#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step each for item in vec![1] , 8 at once {
            send Book;
            compensate Unbook;
        }
        step maybe when cents > 0 {
            send Book;
            compensate Unbook;
        }
        parallel {
            step left { send Book; compensate Unbook; }
            step right { send Book; compensate { send Unbook; within 5s; }; }
        }
        require cents > 0 else "nothing to pay";
        step elsewhere { await Asked { cents: asked } where asked == cents => (); }
        step shared { send Book; compensate with maybe; }
        pivot step point { send Book; }
        finally step last { send Book; }
    }
}

fn main() {}
