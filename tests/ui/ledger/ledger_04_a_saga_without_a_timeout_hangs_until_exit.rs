#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    saga Respawn(promoted: String) on Mux {
        concurrency allow;
        step refill {
            send SpawnPoolWindow;
            await PoolWindowAdded { .. } => ();
            compensate none because "the next promote refills the pool";
        }
    }

    saga Refill(promoted: String) on Mux {
        concurrency allow;
        deadline none;
        step refill {
            send SpawnPoolWindow;
            await PoolWindowAdded { .. } => ();
            compensate none because "the next promote refills the pool";
        }
    }
}

fn main() {}
