//! The host's process: its windows, the socket over which users reach them, and its line to the coordinator.

use std::io::Write;
use std::path::PathBuf;

use rustix::fs::{Access, access};
use saga_runtime::pipe::endpoint::Endpoint;

use super::ProgramError;
use super::stop::Stop;
use crate::host::control::{self, HOST_SOCKET};
use crate::host::terminal::Shell;
use crate::host::{Host, HostOptions};

/// Runs a host until it is to stop. Its first line says that it is ready; whether a launcher is there does not matter.
///
/// # Errors
/// If the directory or the shell cannot be used, or another host is there.
pub async fn run(endpoint: &Endpoint, shell: PathBuf, stop: &mut Stop) -> Result<(), ProgramError> {
    let (listener, _socket) = endpoint.socket(HOST_SOCKET).bind()?.listen()?;
    access(&shell, Access::EXEC_OK).map_err(|error| {
        format!("{} cannot be run as a shell ({error}); give another one: --shell", shell.display())
    })?;
    let shell = Shell { program: shell, ..Shell::default() };
    let (host, _told) = Host::new(HostOptions { shell, ..HostOptions::default() });
    host.fill_pool().await.map_err(|refusal| format!("no hidden window could be made: {refusal}"))?;
    writeln!(std::io::stdout(), "the host is ready in {}", endpoint.directory().display())?;
    tokio::select! {
        () = stop.asked() => {}
        never = control::serve(host.clone(), listener) => match never {},
    }
    host.quit().await;
    Ok(())
}
