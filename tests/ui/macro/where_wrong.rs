#[path = "../bus.rs"]
mod bus;

use bus::Travel;
use saga_runtime::prelude::*;

saga! {
    saga Trip(cents: u64) on Travel {
        concurrency allow;
        deadline 5s;
        step one {
            await Asked { cents: asked } where aksed == cents => ();
        }
        step two {
            send Book;
            await {
                handled where asked == cents => (),
                refused reason where reason == cents => fail reason,
            }
            compensate Unbook;
        }
        step three {
            await {
                Asked { cents: asked } where asked == cents => (),
                refused reason => fail reason,
            }
            compensate Unbook;
        }
        step four {
            await Asked { .. } => ();
        }
        step five {
            await Asked { cents: asked } where asked == asked => ();
        }
    }
}

fn main() {}
