//! The keeper: a process that outlives the program whose terminals it keeps, and kills what that leaves behind.
//!
//! It holds one end of a pipe, and its program the other: however the program ends, the pipe closes. What it kills is what
//! the program has [marked](crate::mark). The program itself does the same when it starts, for the case that both were
//! killed.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ProgramError;
use super::stop::{Owner, Stop};
use crate::mark::Mark;
use crate::processes::Processes;

/// The program's name on the command line, which nobody need know.
pub const NAME: &str = "keeper";

/// How long a keeper that has nothing left to do may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// How long after a keeper was killed another one is started.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Waits until its program has ended, however, and kills what that has marked.
///
/// # Errors
/// If something does not end.
pub async fn run(mark: &Mark) -> Result<(), ProgramError> {
    // What is meant for its program, or for the terminal of that, is not for it.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "the keeper stays in the session of its program");
    }
    Stop::listen(Owner::StandardInput)?.owner_gone().await;
    let left = mark.of_this_life();
    let over = tokio::task::spawn_blocking(move || left.kill()).await?;
    if over { Ok(()) } else { Err("processes of a terminal were killed, and do not end".into()) }
}

/// A keeper at work. Another one takes its place if it is killed.
#[derive(Debug)]
pub struct Keeper {
    dismiss: oneshot::Sender<()>,
    watch: JoinHandle<()>,
}

impl Keeper {
    /// Starts one that keeps what is marked so, and kills what earlier lives left, should their keepers have been killed
    /// too.
    ///
    /// # Errors
    /// If the system gives no process, or what was left does not end.
    pub async fn start(mark: &Mark) -> Result<Self, ProgramError> {
        let left = mark.of_other_lives();
        if !tokio::task::spawn_blocking(move || left.kill()).await? {
            return Err("processes that an earlier life left were killed, and do not end".into());
        }
        let post = Post { binary: std::env::current_exe()?, mark: mark.clone() };
        let first = post.man().map_err(|error| format!("cannot start the keeper of the terminals: {error}"))?;
        let (dismiss, dismissed) = oneshot::channel();
        Ok(Self { dismiss, watch: tokio::spawn(post.watch(first, dismissed)) })
    }

    /// Sends it away, and returns when it is gone: what was marked has ended then.
    pub async fn dismiss(self) {
        drop(self.dismiss);
        // A panic in there has been told.
        let _ = self.watch.await;
    }
}

/// Where a keeper stands, whoever that is.
struct Post {
    binary: PathBuf,
    mark: Mark,
}

impl Post {
    fn man(&self) -> io::Result<(Child, Option<ChildStdin>)> {
        let mut command = Command::new(&self.binary);
        command.args([NAME, "--variable", self.mark.variable(), "--life", self.mark.life()].map(OsString::from));
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut keeper = command.spawn()?;
        let lifeline = keeper.stdin.take();
        Ok((keeper, lifeline))
    }

    async fn watch(self, first: (Child, Option<ChildStdin>), mut dismissed: oneshot::Receiver<()>) {
        let (mut keeper, mut lifeline) = first;
        loop {
            tokio::select! {
                _ = &mut dismissed => break,
                ended = keeper.wait() => tracing::warn!(?ended, "the keeper of the terminals ended; another one comes"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
            match self.man() {
                Ok((next, line)) => (keeper, lifeline) = (next, line),
                Err(error) => tracing::error!(%error, "the system gives no keeper of the terminals"),
            }
        }
        drop(lifeline);
        if timeout(ENDED_WITHIN, keeper.wait()).await.is_err() {
            tracing::error!("the keeper of the terminals does not end");
        }
    }
}
