#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    saga Promote(tab: u32) on Mux {
        concurrency allow;
        deadline 10s;
        step create {
            send CreateTab { tab };
        }
        step moved {
            send MoveTab { tab, to: 1 };
            compensate none;
        }
    }
}

fn main() {}
