#[path = "../../tests/ledger/mux.rs"]
mod mux;

use mux::Mux;
use saga_runtime::prelude::*;

/// What a connection that is dropped would like to say.
async fn drop_path(coordinator: Coordinator<Mux>, failed: Notice) {
    let _ = coordinator.publish(failed).await;
}

fn main() {}
