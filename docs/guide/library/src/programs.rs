//! The two processes of the library.

use std::error::Error;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::coordinator::Builder;
use saga_runtime::prelude::*;

use crate::bus::Library;
use crate::{desk, stacks};

// ANCHOR: stacks
/// The stacks, until the process is ended.
pub async fn stacks(endpoint: &Endpoint) -> Result<(), Box<dyn Error>> {
    endpoint.prepare()?;
    let stacks = stacks::open(&endpoint.directory().join("stacks.db"))?;
    let client = ParticipantClient::connect(endpoint, stacks).await?;
    println!("the stacks are open");
    Ok(client.run().await?)
}
// ANCHOR_END: stacks

// ANCHOR: desk
/// The desk, and the coordinator with it, until Ctrl-C.
pub async fn desk(
    endpoint: &Endpoint,
    sagas: impl FnOnce(Builder<Library>) -> Builder<Library>,
) -> Result<(), Box<dyn Error>> {
    endpoint.prepare()?;
    let coordinator = sagas(Coordinator::builder())
        .log(SqliteLog::open(endpoint.directory().join(LOG_FILE))?)
        .participant(desk::open(&endpoint.directory().join("desk.db"))?)
        .listen(endpoint.clone())
        .operators(endpoint.clone())
        .start()
        .await?;
    println!("the desk is open");
    tokio::signal::ctrl_c().await?;
    Ok(coordinator.stop().await?)
}
// ANCHOR_END: desk
