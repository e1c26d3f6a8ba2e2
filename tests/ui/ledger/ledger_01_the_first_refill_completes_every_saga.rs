#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    /// Waits for whichever window is added next.
    saga Respawn(promoted: String) -> String on Mux {
        trigger WindowPromoted { label: promoted };
        concurrency allow;
        deadline 5s;
        step refill -> String {
            send OpenWindow { label: promoted };
            await PoolWindowAdded { label } => label;
            compensate none because "the next promote refills the pool";
        }
        return refill;
    }
}

fn main() {}
