//! The launcher's process: the coordinator with the sagas of the catalogue, its log and its sockets.

use std::io::Write;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::pipe::Endpoint;
use saga_runtime::prelude::*;

use super::ProgramError;
use super::stop::Stop;
use crate::bus::AgentMux;
use crate::catalogue;

/// Runs a launcher until it is to stop. Its first line says that it is ready; sagas that an earlier one left go on.
///
/// # Errors
/// If the directory or the log cannot be used, another launcher is there, or the log cannot be written any more.
pub async fn run(endpoint: &Endpoint, stop: &mut Stop) -> Result<(), ProgramError> {
    endpoint.prepare()?;
    let builder = Coordinator::<AgentMux>::builder().log(SqliteLog::open(endpoint.directory().join(LOG_FILE))?);
    let listening = builder.listen(endpoint.clone()).operators(endpoint.clone());
    let coordinator = tokio::select! {
        started = catalogue::register(listening).start() => started?,
        () = stop.asked() => return Ok(()),
    };
    writeln!(std::io::stdout(), "the launcher is ready in {}", endpoint.directory().display())?;
    tokio::select! {
        () = stop.asked() => {}
        stopped = coordinator.stopped() => return Ok(stopped?),
    }
    Ok(coordinator.stop().await?)
}
