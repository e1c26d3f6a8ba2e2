//! The srv's process: its workspaces, their terminals, the socket over which users reach them, and its line to the
//! coordinator.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Access, access};
use saga_runtime::pipe::{Endpoint, PipeOptions};
use saga_runtime::prelude::*;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::ProgramError;
use super::keeper::Keeper;
use super::stop::Stop;
use crate::control;
use crate::mark::Mark;
use crate::srv::Srv;
use crate::srv::control::{Desk, SRV_SOCKET};
use crate::srv::sessions::Sessions;
use crate::srv::store::{self, STORE_FILE, Store};
use crate::terminal::Shell;

/// The program's name, and with it that of its mark.
pub const NAME: &str = "srv";

/// How long commands may go on when the srv stops, and their answers may wait for the coordinator.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a srv until it is to stop. Its first line says that it is ready: a shell runs in each block that had one before.
/// Whether a launcher is there does not matter.
///
/// # Errors
/// If the directory, the database or the shell cannot be used, another srv is there, what an earlier one left does not
/// end, or the launcher does not let it in.
pub async fn run(endpoint: &Endpoint, shell: PathBuf, stop: &mut Stop) -> Result<(), ProgramError> {
    let (listener, _socket) = endpoint.socket(SRV_SOCKET).bind()?.listen()?;
    access(&shell, Access::EXEC_OK).map_err(|error| {
        format!("{} cannot be run as a shell ({error}); give another one: --shell", shell.display())
    })?;
    let mark = Mark::new(NAME, endpoint.directory())?;
    let keeper = Keeper::start(&mark).await?;
    let shell = Shell { program: shell, ..Shell::default() };
    let ran = with_keeper(endpoint, listener, shell, &mark, stop).await;
    keeper.dismiss().await;
    ran
}

async fn with_keeper(
    endpoint: &Endpoint,
    listener: UnixListener,
    shell: Shell,
    mark: &Mark,
    stop: &mut Stop,
) -> Result<(), ProgramError> {
    let path = endpoint.directory().join(STORE_FILE);
    let (orders_sender, orders) = mpsc::unbounded_channel();
    let participant = Transactional::new(store::open(&path)?, Srv::new(orders_sender))?;
    let store = open_store(&path).await?;
    let sessions = Sessions::new(Arc::clone(&store), shell, mark.clone());
    let ended = tokio::select! {
        started = sessions.start_wanted() => started.map_err(ProgramError::from),
        () = stop.asked() => {
            sessions.quit().await;
            return Ok(());
        }
    };
    let ended = match ended {
        Ok(()) => {
            let serving = tokio::spawn(sessions.clone().serve(orders));
            let ended = serve(endpoint, listener, participant, Desk::new(store, sessions.clone()), stop).await;
            serving.abort();
            ended
        }
        Err(error) => Err(error),
    };
    sessions.quit().await;
    ended
}

async fn open_store(path: &Path) -> Result<Arc<Store>, ProgramError> {
    let path = path.to_owned();
    Ok(Arc::new(tokio::task::spawn_blocking(move || Store::open(&path)).await??))
}

/// Serves sagas and users until it is to stop. The sagas' commands end first: what they ordered of sessions and has no
/// answer yet is resumed by the next life.
async fn serve(
    endpoint: &Endpoint,
    listener: UnixListener,
    participant: Transactional<Srv>,
    desk: Desk,
    stop: &mut Stop,
) -> Result<(), ProgramError> {
    let (quit, quitting) = oneshot::channel();
    let mut on_the_bus: JoinHandle<_> = tokio::spawn(participate(endpoint.clone(), participant, quitting));
    writeln!(std::io::stdout(), "the srv is ready in {}", endpoint.directory().display())?;
    let ended = tokio::select! {
        () = stop.asked() => None,
        ended = &mut on_the_bus => Some(ended),
        never = control::serve(desk, listener) => match never {},
    };
    drop(quit);
    match ended {
        Some(ended) => ended?,
        None => on_the_bus.await?,
    }
}

/// Executes commands until `quitting`.
async fn participate(
    endpoint: Endpoint,
    participant: Transactional<Srv>,
    mut quitting: oneshot::Receiver<()>,
) -> Result<(), ProgramError> {
    let options = ParticipantOptions { grace: GRACE, ..ParticipantOptions::default() };
    let client = tokio::select! {
        client = ParticipantClient::connect_with(&endpoint, participant, options, PipeOptions::default()) => client?,
        _ = &mut quitting => return Ok(()),
    };
    let quitting = async {
        // The sender says so by being dropped.
        let _ = quitting.await;
    };
    Ok(client.run_until(quitting).await?)
}
