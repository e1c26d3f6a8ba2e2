//! A terminal session: a real shell in a pseudo-terminal.
//!
//! # Layout
//!
//! | module | what it is for |
//! |---|---|
//! | `session` | the processes of a session |
//! | `run` | a command that is typed by somebody who waits until it has finished |
//! | `script` | how a command gets into a shell unharmed |
//! | `recording` | what is shown, was run and has finished, put in order; pure |
//! | `scanner` | finds in the terminal's bytes that a command begins or has ended; pure |
//! | `sanitiser` | takes out of them the echo of what makes a run; pure |
//! | `events` | the event log of a session; pure |
//!
//! The shell is there when it has shown its prompt. A terminal that ends, or is dropped, takes all that runs in it with
//! it. If this process is killed, the kernel hangs the shell up and what runs in its foreground; a job in the background
//! may then outlive it, as in any terminal, and so may at any time a process that makes itself a daemon (in a session of
//! its own): whoever must not leave such behind [marks](crate::mark) what runs in it. It knows no windows.

mod events;
mod recording;
mod run;
mod sanitiser;
mod scanner;
mod script;
mod session;

pub use events::{KEPT_BYTES, KEPT_EVENTS, Numbered, OUTPUT_BYTES, SessionEvent};
pub use recording::{RunEnd, RunRefused};
pub use run::Run;

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::watch;
use tokio::time::timeout;

use self::recording::Recording;
use self::session::Session;
use crate::processes::Processes;

/// Shown by the shell when it is ready for a command.
pub const PROMPT: &str = "agentmux$ ";

/// How long what runs in a terminal is given to end by itself when it is hung up, before it is killed.
pub const GRACE: Duration = Duration::from_millis(500);

/// What the user types to interrupt what runs in the foreground.
const INTERRUPT: char = '\x03';

/// What to run in a terminal, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// The program: a POSIX shell.
    pub program: PathBuf,
    /// What it and all that it starts find in their environment, beside what this process has.
    pub environment: Vec<(String, String)>,
    /// How long it may take until it shows its prompt.
    pub ready_within: Duration,
}

impl Default for Shell {
    fn default() -> Self {
        Self { program: PathBuf::from("/bin/sh"), environment: Vec::new(), ready_within: Duration::from_secs(3) }
    }
}

/// Why there is no terminal.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The system refused a pseudo-terminal or a process.
    #[error("the system gives no terminal: {0}")]
    Spawn(String),
    /// The shell is started, and does not answer.
    #[error("the shell shows no prompt within {0:?}")]
    Silent(Duration),
    /// The shell is started, and has ended.
    #[error("the shell ended before it showed a prompt")]
    Ended,
}

/// How far a terminal session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// The shell runs.
    Running,
    /// The shell has ended; processes that it started may be left.
    ShellEnded,
    /// Nothing is left.
    Over,
}

/// A shell in a pseudo-terminal. Dropped, it is killed with all that runs in it.
pub struct Terminal {
    shell: Pid,
    /// None when the shell has ended.
    master: Mutex<Option<Box<dyn MasterPty + Send>>>,
    /// None when the shell has ended.
    writer: Mutex<Option<Box<dyn Write + Send>>>,
    recording: watch::Sender<Recording>,
    life: watch::Receiver<Life>,
}

impl Terminal {
    /// Starts a shell and waits until it shows its prompt.
    ///
    /// # Errors
    /// If the system gives no terminal or process, or the shell does not come up in time; then nothing is left of it.
    pub async fn open(shell: &Shell) -> Result<Self, TerminalError> {
        let (shell, ready_within) = (shell.clone(), shell.ready_within);
        let terminal = tokio::task::spawn_blocking(move || Self::spawn(&shell)).await.map_err(refused)??;
        match timeout(ready_within, terminal.shows(PROMPT)).await {
            Ok(true) => Ok(terminal),
            Ok(false) => Err(TerminalError::Ended),
            Err(_) => Err(TerminalError::Silent(ready_within)),
        }
    }

    /// The process of the shell.
    pub fn shell(&self) -> u32 {
        self.shell.as_raw_nonzero().get().unsigned_abs()
    }

    /// Whether a program other than the shell holds the foreground.
    pub fn is_busy(&self) -> bool {
        let foreground = locked(&self.master).as_ref().and_then(|master| master.process_group_leader());
        foreground.is_some_and(|group| group != self.shell.as_raw_nonzero().get())
    }

    /// Types text, as if at the keyboard. Blocks while the terminal takes no more.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn type_in(&self, text: &str) -> io::Result<()> {
        if text.contains(INTERRUPT) {
            self.recording.send_modify(Recording::interrupt);
        }
        match locked(&self.writer).as_mut() {
            Some(writer) => writer.write_all(text.as_bytes()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Takes in a command that is to be typed when those before it have finished, and that somebody will wait for.
    ///
    /// # Errors
    /// If the session has ended, too many runs are in flight, a program that was not started by a run has the terminal,
    /// or the system gives no memory.
    pub fn run(self: &Arc<Self>, command: &str) -> Result<Run, RunRefused> {
        Run::new(self, command)
    }

    /// The session's event log, there also when the terminal is gone.
    pub fn log(&self) -> SessionLog {
        SessionLog(self.recording.subscribe())
    }

    /// The latest output, at most 64 KiB of it.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(self.recording.borrow().latest()).into_owned()
    }

    /// Whether the text is shown: waits for it, until the shell has ended.
    pub async fn shows(&self, text: &str) -> bool {
        let (mut recording, ended) = (self.recording.subscribe(), self.shell_ended());
        tokio::select! {
            biased;
            shown = recording.wait_for(|recording| recording.shows(text)) => shown.is_ok(),
            () = ended => false,
        }
    }

    /// Completes when the shell has ended, by itself or not.
    pub fn shell_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut life = self.life.clone();
        async move {
            // The sender is gone only when all is over.
            let _ = life.wait_for(|life| *life != Life::Running).await;
        }
    }

    /// Whether the shell has ended, by itself or not.
    pub fn has_ended(&self) -> bool {
        *self.life.borrow() != Life::Running
    }

    /// Kills the shell, as when it crashes.
    pub fn kill_shell(&self) {
        if *self.life.borrow() == Life::Running {
            // It may have ended in this very moment, and then needs no signal.
            let _ = rustix::process::kill_process(self.shell, Signal::KILL);
        }
    }

    /// Ends the session: hangs up, kills what is left after [`GRACE`], and waits until nothing is.
    pub async fn end(&self) {
        let session = self.session();
        // It looks through all processes of the machine. Should that fail, the shell is killed after the grace.
        let _ = tokio::task::spawn_blocking(move || session.hang_up()).await;
        if timeout(GRACE, self.shell_ended()).await.is_err() {
            self.session().signal(Signal::KILL);
            self.shell_ended().await;
        }
        self.close();
        let mut life = self.life.clone();
        // The sender is gone only when all is over.
        let _ = life.wait_for(|life| *life == Life::Over).await;
    }

    /// Gives the pseudo-terminal back to the system, which may be short of them.
    fn close(&self) {
        locked(&self.master).take();
        // Somebody may be typing still, and is told soon that nobody reads.
        if let Ok(mut writer) = self.writer.try_lock() {
            writer.take();
        }
    }

    fn session(&self) -> Session {
        Session::led_by(self.shell)
    }

    fn spawn(shell: &Shell) -> Result<Self, TerminalError> {
        let pair = native_pty_system().openpty(PtySize::default()).map_err(refused)?;
        let mut reader = pair.master.try_clone_reader().map_err(refused)?;
        let writer = pair.master.take_writer().map_err(refused)?;
        let recording = watch::Sender::new(Recording::default());
        let (life_sender, life) = watch::channel(Life::Running);
        let (hand_over, child) = mpsc::channel();
        // Nothing is sent: it is closed when all is copied.
        let (copying, copied) = mpsc::channel();
        // The threads come first: without one to reap it, no shell is started.
        let copy_to = recording.clone();
        start_thread("terminal-output", move || copy(&mut *reader, &copy_to, copying))?;
        let exit_of = recording.clone();
        start_thread("terminal-life", move || {
            if let Ok((child, shell)) = child.recv() {
                attend(child, shell, &life_sender, || exit(&exit_of, &copied));
            }
        })?;
        let child = pair.slave.spawn_command(interactive(shell)).map_err(refused)?;
        let shell = child.process_id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let shell = shell.ok_or_else(|| refused("the shell has no process id"))?;
        hand_over.send((child, shell)).map_err(refused)?;
        Ok(Self { shell, master: Mutex::new(Some(pair.master)), writer: Mutex::new(Some(writer)), recording, life })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if *self.life.borrow() != Life::Over {
            self.session().signal(Signal::KILL);
        }
    }
}

/// What happened in a session: there also when the terminal is gone.
#[derive(Debug, Clone)]
pub struct SessionLog(watch::Receiver<Recording>);

impl SessionLog {
    /// What happened, oldest first, as far as it is kept: at most [`KEPT_BYTES`] of output, and [`KEPT_EVENTS`].
    pub fn events(&self) -> Vec<Numbered> {
        self.0.borrow().events()
    }

    /// Whether the session has ended, and all that it showed is recorded.
    pub fn is_over(&self) -> bool {
        self.0.borrow().has_exited()
    }
}

/// Copies what the terminal shows, until nothing holds it open any more; then it lets go of `_copying`.
fn copy(reader: &mut dyn Read, recording: &watch::Sender<Recording>, _copying: mpsc::Sender<Infallible>) {
    let mut chunk = [0; 4096];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => recording.send_modify(|recording| recording.hear(&chunk[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "a terminal cannot be read any more");
                return;
            }
        }
    }
}

/// Records that the session has ended, after the last that it shows. A process that made itself a daemon may hold the
/// terminal for ever.
fn exit(recording: &watch::Sender<Recording>, copied: &mpsc::Receiver<Infallible>) {
    if copied.recv_timeout(GRACE) == Err(mpsc::RecvTimeoutError::Timeout) {
        tracing::warn!("a process outside of a session that has ended holds its terminal");
    }
    recording.send_modify(Recording::exit);
}

/// Waits for the shell, ends what it leaves behind, and reaps it: in this order, so that its number is nobody else's
/// while its session is looked for.
fn attend(mut child: Box<dyn Child + Send + Sync>, shell: Pid, life: &watch::Sender<Life>, over: impl FnOnce()) {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    if let Err(error) = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(shell), ended)) {
        tracing::error!(%error, shell = shell.as_raw_nonzero(), "a shell cannot be waited for");
    }
    life.send_replace(Life::ShellEnded);
    if !Session::led_by(shell).end(GRACE) {
        tracing::error!(session = shell.as_raw_nonzero(), "processes of a closed terminal do not end");
    }
    if let Err(error) = child.wait() {
        tracing::error!(%error, shell = shell.as_raw_nonzero(), "a shell cannot be reaped");
    }
    over();
    life.send_replace(Life::Over);
}

fn interactive(shell: &Shell) -> CommandBuilder {
    let mut command = CommandBuilder::new(&shell.program);
    if shell.program.file_name().is_some_and(|name| name == "bash") {
        // One that sets another prompt would be waited for in vain.
        command.arg("--norc");
    }
    for (variable, value) in &shell.environment {
        command.env(variable, value);
    }
    command.env("PS1", PROMPT);
    command.env("TERM", "dumb");
    // Files that a shell would run before its first prompt.
    command.env_remove("ENV");
    command.env_remove("BASH_ENV");
    command
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), TerminalError> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map(drop).map_err(refused)
}

fn refused(error: impl fmt::Display) -> TerminalError {
    TerminalError::Spawn(format!("{error:#}"))
}

/// What these locks guard is whole whenever they are free.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
