#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    saga ClosePane(process: u32) on Mux {
        concurrency allow;
        deadline 5s;
        step end {
            send EndProcess { process };
            within 5s;
            compensate none because "what has ended has ended";
        }
    }
}

fn main() {}
