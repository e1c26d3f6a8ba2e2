//! The srv on a stage: started, killed, frozen, looked at; and its users.

use std::time::Instant;

use rustix::process::Signal;

use super::{BOUND, Stage, again, signal, until};
use crate::mark;
use crate::programs::{ProgramError, srv, workspace};
use crate::srv::control::{SrvClient, Wish};
use crate::srv::state::SrvState;

impl Stage {
    /// Starts the srv.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_srv(&mut self) -> Result<(), ProgramError> {
        let srv = self.fleet.start(srv::NAME).await?;
        self.processes.extend(srv.id());
        self.srv = Some(srv);
        self.srv_state().await.map(drop)
    }

    /// Kills the srv as `kill -9` does.
    ///
    /// # Errors
    /// If none runs.
    pub async fn kill_srv(&mut self) -> Result<(), ProgramError> {
        Ok(self.srv.take().ok_or("no srv runs")?.kill().await?)
    }

    /// Stops the srv in the middle of whatever it does, until it is thawed.
    ///
    /// # Errors
    /// If none runs.
    pub fn freeze_srv(&self) -> Result<(), ProgramError> {
        signal(self.srv.as_ref(), Signal::STOP)
    }

    /// Lets the srv go on.
    ///
    /// # Errors
    /// If none runs.
    pub fn thaw_srv(&self) -> Result<(), ProgramError> {
        signal(self.srv.as_ref(), Signal::CONT)
    }

    /// A user of the srv.
    ///
    /// # Errors
    /// If no srv runs.
    pub async fn srv_user(&self) -> Result<SrvClient, ProgramError> {
        workspace::connect(&self.endpoint()).await
    }

    /// Asks the srv, as a user does.
    ///
    /// # Errors
    /// If no srv runs, or it says no.
    pub async fn srv_wish(&self, wish: Wish) -> Result<(), ProgramError> {
        self.srv_user().await?.ask(&wish).await?;
        Ok(())
    }

    /// What the srv says there is.
    ///
    /// # Errors
    /// If no srv runs.
    pub async fn srv_state(&mut self) -> Result<SrvState, ProgramError> {
        let state = self.srv_user().await?.state().await?;
        self.processes.extend(state.shells());
        Ok(state)
    }

    /// Waits until the srv's workspaces are so.
    ///
    /// # Errors
    /// If no srv runs, or they do not become so.
    pub async fn until_srv(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&SrvState) -> bool,
    ) -> Result<SrvState, ProgramError> {
        let until = Instant::now() + BOUND;
        loop {
            let state = self.srv_state().await?;
            if holds(&state) {
                return Ok(state);
            }
            let so = |error| format!("{error}; the srv says that there is {state:?}");
            again(what, until).await.map_err(so)?;
        }
    }

    /// Waits until nothing that belongs to a block runs any more. Gives what still does.
    ///
    /// # Errors
    /// If the process table cannot be read.
    pub async fn until_marked_end(&self) -> Result<Vec<(u32, String)>, ProgramError> {
        // What does not end is named by the caller.
        let _ = until("what runs in blocks ends", async || self.in_blocks().is_ok_and(|left| left.is_empty())).await;
        self.in_blocks()
    }

    /// The processes that belong to blocks, each with the number of its block: as the process table says, and not the srv.
    ///
    /// # Errors
    /// If the process table cannot be read.
    pub fn in_blocks(&self) -> Result<Vec<(u32, String)>, ProgramError> {
        Ok(mark::all_marked(srv::NAME, self.directory.path())?)
    }
}
