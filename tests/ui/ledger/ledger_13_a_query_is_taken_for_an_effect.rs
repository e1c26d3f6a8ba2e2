#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    saga Leave(label: String) -> bool on Mux {
        concurrency allow;
        deadline 10s;
        step look -> bool {
            send StateOf { label };
            await WindowState { usable } => usable;
            compensate none because "it only looks";
        }
        step quit {
            query Quit;
        }
        return look;
    }
}

fn main() {}
