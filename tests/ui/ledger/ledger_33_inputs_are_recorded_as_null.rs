#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

#[derive(Clone)]
pub struct Label(String);

saga! {
    saga Leave(label: Label) on Mux {
        concurrency allow;
        deadline 10s;
        step close {
            send CloseWindow { label: label.0 };
            compensate none because "it is closed";
        }
    }
}

fn main() {}
