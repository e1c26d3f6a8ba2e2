//! A command typed into a terminal by somebody who waits until it has finished.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::Terminal;
use super::recording::{Recording, RunEnd, RunRefused};
use super::scanner::Marker;
use super::script::Script;

/// How long a shell may take to begin with what was typed before others are typed too.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// Removes what somebody may have typed and not yet entered.
const ERASE_LINE: char = '\x15';

/// A run that was taken in by a terminal. Dropped, it is not typed any more, if it was not yet; otherwise it goes on, and
/// the session's log will tell of its end.
#[derive(Debug)]
pub struct Run {
    // The terminal ends when its owners drop it, whoever waits for a run.
    terminal: Weak<Terminal>,
    recording: watch::Sender<Recording>,
    marker: Marker,
    script: Script,
    command: String,
}

impl Run {
    pub(super) fn new(terminal: &Arc<Terminal>, command: &str) -> Result<Self, RunRefused> {
        if terminal.recording.borrow().is_idle() && terminal.is_busy() {
            return Err(RunRefused::Busy);
        }
        let mut registered = Err(RunRefused::Exited);
        terminal.recording.send_modify(|recording| registered = recording.register(|| Marker(fastrand::u64(..))));
        let marker = registered?;
        let recording = terminal.recording.clone();
        let script = Script::new(marker, command).map_err(|error| {
            tracing::warn!(%error, "a command cannot be handed over to a shell");
            recording.send_modify(|recording| recording.let_go(marker));
            RunRefused::OutOfMemory
        })?;
        Ok(Self { terminal: Arc::downgrade(terminal), recording, marker, script, command: command.to_owned() })
    }

    /// Types the command when its turn has come, and waits until it has finished.
    pub async fn finished(self) -> RunEnd {
        self.until(|recording| recording.is_up(self.marker)).await;
        self.type_in().await;
        let begun = self.until(|recording| !recording.is_awaiting_shell(self.marker));
        if timeout(BEGUN_WITHIN, begun).await.is_err() {
            self.recording.send_modify(|recording| recording.pass_over(self.marker));
        }
        self.until(|recording| recording.end_of(self.marker).is_some()).await;
        self.recording.borrow().end_of(self.marker).unwrap_or(RunEnd::SessionExited)
    }

    async fn until(&self, holds: impl Fn(&Recording) -> bool) {
        // A sender is held here.
        let _ = self.recording.subscribe().wait_for(holds).await;
    }

    async fn type_in(&self) {
        let Some(terminal) = self.terminal.upgrade() else { return };
        let line = self.script.line();
        let mut is_typed = false;
        self.recording.send_modify(|recording| is_typed = recording.typed(self.marker, &line, &self.command));
        if is_typed {
            let typed = tokio::task::spawn_blocking(move || terminal.type_in(&format!("{ERASE_LINE}{line}\n"))).await;
            if let Err(error) = typed.map_err(std::io::Error::other).flatten() {
                // Whoever waits is told when it has ended.
                tracing::debug!(%error, "a terminal takes no input");
            }
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.recording.send_modify(|recording| recording.let_go(self.marker));
    }
}

#[cfg(test)]
mod tests;
