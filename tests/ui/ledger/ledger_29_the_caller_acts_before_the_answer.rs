#![deny(unused_must_use)]

#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

saga! {
    pub(crate) saga Leave(label: String) on Mux {
        concurrency allow;
        deadline 10s;
        step close {
            send CloseWindow { label };
            compensate none because "it is closed";
        }
    }
}

pub(crate) async fn leave(coordinator: &Coordinator<Mux>, label: String) -> Result<(), CallError> {
    coordinator.start(Leave { label: label.clone() });
    coordinator.start(Leave { label }).await?;
    println!("the window is closed");
    Ok(())
}

fn main() {}
