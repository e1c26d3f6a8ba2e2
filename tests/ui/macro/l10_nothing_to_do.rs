#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;

    }

    saga Other() on Travel {
        concurrency allow;
        deadline 5s;
        step idle {
        }
        step tries {
            retry 3 times;
        }
    }

    saga Third() on Travel {
        concurrency allow;
        deadline 5s;
        step waits {
            await Asked { cents } => ();
        }
    }

    saga Fourth() on Travel {
        concurrency allow;
        deadline 5s;
        step book {
            send Book;
            await { }
            compensate Unbook;
        }
        parallel { }
    }
}

fn main() {
    let trip = Trip { cents: 1 };
    assert!(SagaTest::<Trip>::start(trip).sent().is_empty());
    let _: Option<TripState> = None;
}
