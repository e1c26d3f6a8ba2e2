//! The host's process: its windows, the socket over which users reach them, and its line to the coordinator.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{Access, access};
use saga_runtime::participant::Publisher;
use saga_runtime::pipe::{Endpoint, PipeOptions};
use saga_runtime::prelude::*;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

use super::ProgramError;
use super::keeper::Keeper;
use super::stop::Stop;
use crate::bus::{AgentMux, Event};
use crate::control;
use crate::host::control::HOST_SOCKET;
use crate::host::{Host, HostOptions};
use crate::mark::Mark;
use crate::terminal::Shell;

/// The program's name, and with it that of its mark.
pub const NAME: &str = "host";

/// How long commands may go on when the host stops, and their answers may wait for the coordinator.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a host until it is to stop. Its first line says that it is ready; whether a launcher is there does not matter.
///
/// # Errors
/// If the directory or the shell cannot be used, another host is there, or the launcher does not let it in.
pub async fn run(endpoint: &Endpoint, shell: PathBuf, stop: &mut Stop) -> Result<(), ProgramError> {
    let (listener, _socket) = endpoint.socket(HOST_SOCKET).bind()?.listen()?;
    access(&shell, Access::EXEC_OK).map_err(|error| {
        format!("{} cannot be run as a shell ({error}); give another one: --shell", shell.display())
    })?;
    let mark = Mark::new(NAME, endpoint.directory())?;
    let keeper = Keeper::start(&mark).await?;
    let shell = Shell { program: shell, environment: vec![mark.environment("window")], ..Shell::default() };
    let ran = with_keeper(endpoint, listener, shell, stop).await;
    keeper.dismiss().await;
    ran
}

async fn with_keeper(
    endpoint: &Endpoint,
    listener: UnixListener,
    shell: Shell,
    stop: &mut Stop,
) -> Result<(), ProgramError> {
    let (host, told) = Host::new(HostOptions { shell, ..HostOptions::default() });
    tokio::select! {
        filled = host.fill_pool() => filled.map_err(|refusal| format!("no hidden window could be made: {refusal}"))?,
        () = stop.asked() => return Ok(()),
    }
    let (quit, quitting) = oneshot::channel();
    let mut on_the_bus = tokio::spawn(participate(endpoint.clone(), host.clone(), told, quitting));
    writeln!(std::io::stdout(), "the host is ready in {}", endpoint.directory().display())?;
    let ended = tokio::select! {
        () = stop.asked() => None,
        ended = &mut on_the_bus => Some(ended),
        never = control::serve(host.clone(), listener) => match never {},
    };
    host.quit().await;
    drop(quit);
    match ended {
        Some(ended) => ended?,
        None => on_the_bus.await?,
    }
}

/// Executes commands and publishes what the host tells, until `quitting`.
async fn participate(
    endpoint: Endpoint,
    host: Host,
    told: mpsc::UnboundedReceiver<Event>,
    mut quitting: oneshot::Receiver<()>,
) -> Result<(), ProgramError> {
    let options = ParticipantOptions { grace: GRACE, ..ParticipantOptions::default() };
    let client = tokio::select! {
        client = ParticipantClient::connect_with(&endpoint, host, options, PipeOptions::default()) => client?,
        _ = &mut quitting => return Ok(()),
    };
    let publisher = client.publishing();
    let quitting = async {
        // The sender says so by being dropped.
        let _ = quitting.await;
    };
    tokio::select! {
        ended = client.run_until(quitting) => Ok(ended?),
        failed = publish(publisher, told) => failed,
    }
}

/// Publishes one after another; ends only if that fails.
async fn publish(publisher: Publisher<AgentMux>, mut told: mpsc::UnboundedReceiver<Event>) -> Result<(), ProgramError> {
    while let Some(event) = told.recv().await {
        publisher.publish(event).await?;
    }
    std::future::pending().await
}
