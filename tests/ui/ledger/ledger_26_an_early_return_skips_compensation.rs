#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    saga Promote(tab: u32, to: Option<u32>) on Mux {
        concurrency allow;
        deadline 10s;
        step create {
            send CreateTab { tab };
            compensate DeleteTab { tab };
        }
        step moved {
            send MoveTab { tab, to: to? };
            compensate none because "the tab is deleted";
        }
    }
}

fn main() {}
