#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    saga Refill(number: u32) on Mux {
        step refill {
            send SpawnPoolWindow;
            await PoolWindowAdded { .. } => ();
            compensate none because "the next promote refills the pool";
        }
    }
}

fn main() {}
