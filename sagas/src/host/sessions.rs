//! The sessions of a host: commands that are typed into them, and their event logs, of which those of sessions that ended
//! lately are kept.

use std::collections::VecDeque;

use saga_runtime::prelude::*;

use super::Host;
use super::windows::PaneNumber;
use crate::bus::{AgentMux, Event, Label, Refusal, Session};
use crate::terminal::{Numbered, Run, RunEnd, RunRefused, SessionLog};

/// The logs of how many sessions that have ended are kept.
const KEPT_ENDED: usize = 16;

/// The event logs of sessions, by the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Logs(VecDeque<(Session, SessionLog)>);

impl Logs {
    /// A session is there.
    pub(super) fn keep(&mut self, window: &Label, pane: PaneNumber, log: SessionLog) {
        let ended = self.0.iter().filter(|(_, log)| log.is_over()).count();
        let mut too_many = ended.saturating_sub(KEPT_ENDED);
        self.0.retain(|(_, log)| {
            let is_dropped = too_many > 0 && log.is_over();
            too_many -= usize::from(is_dropped);
            !is_dropped
        });
        self.0.push_back((Session { window: window.clone(), pane }, log));
    }

    fn of(&self, session: &Session) -> Option<SessionLog> {
        self.0.iter().find(|(kept, _)| kept == session).map(|(_, log)| log.clone())
    }
}

impl Host {
    /// Takes in a command that is to be typed into a session, when those before it have finished there.
    ///
    /// # Errors
    /// [`Refusal::NoSuchSession`], [`Refusal::Busy`], [`Refusal::TooManyRuns`], [`Refusal::OutOfMemory`].
    pub fn run(&self, session: &Session, command: &str) -> Result<Run, Refusal> {
        let windows = self.windows();
        let pane = windows.get(&session.window).and_then(|window| window.panes().get(&session.pane)).cloned();
        drop(windows);
        pane.ok_or(Refusal::NoSuchSession)?.run(command).map_err(|refused| match refused {
            RunRefused::Exited => Refusal::NoSuchSession,
            RunRefused::Busy => Refusal::Busy,
            RunRefused::TooMany => Refusal::TooManyRuns,
            RunRefused::OutOfMemory => Refusal::OutOfMemory,
        })
    }

    /// What happened in a session, oldest first; also in one of those that ended lately.
    ///
    /// # Errors
    /// [`Refusal::NoSuchSession`].
    pub fn log(&self, session: &Session) -> Result<Vec<Numbered>, Refusal> {
        let log = self.logs().of(session).ok_or(Refusal::NoSuchSession)?;
        Ok(log.events())
    }

    /// Answers with the end of a run, however long that takes.
    pub(super) fn report_end(run: Run, reporter: Reporter<AgentMux>) {
        tokio::spawn(async move {
            reporter.emit(match run.finished().await {
                RunEnd::Completed { sequence, status } => Event::RunCompleted { sequence, status },
                RunEnd::SessionExited => Event::SessionExited,
            });
            reporter.handled();
        });
    }
}

#[cfg(test)]
mod tests;
