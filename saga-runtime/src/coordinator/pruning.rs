//! Ended sagas are removed from the log that a coordinator has: what may go is looked for beside the log's thread, and
//! removed there, a part in each commit, between what is decided meanwhile.

use tokio::sync::oneshot;

use super::calls::Ask;
use super::{CallError, Coordinator};
use crate::log::{FAMILIES_A_COMMIT, Family, LogError, LogReader, Prune, Pruned, Removed};
use crate::message::{Bus, SagaId};

/// What the log's thread is asked, and whom it answers: nothing is decided about it.
pub(super) enum Pruning {
    /// A reader of the log.
    Reader(oneshot::Sender<Result<Box<dyn LogReader>, LogError>>),
    /// To remove these.
    Remove(Vec<SagaId>, oneshot::Sender<Result<Pruned, LogError>>),
}

impl<B: Bus> Coordinator<B> {
    /// Removes ended sagas from the log, with all that they had: records, what came too late, and their keys, with which
    /// others may be started then. Sagas in flight and stuck ones are never touched, nor what they ran.
    ///
    /// It is done in many commits, oldest first, while sagas go on. Each removes a saga with all that it ran, or nothing
    /// of it; so a call that is dropped, or a coordinator that is stopped or killed, leaves nothing by half.
    ///
    /// ```
    /// # use saga_runtime::prelude::*;
    /// use saga_runtime::log::Prune;
    ///
    /// # async fn example<B: Bus>(coordinator: Coordinator<B>) -> Result<(), CallError> {
    /// let removed = coordinator.prune(Prune { keep: 1000, ..Prune::default() }).await?;
    /// println!("{} sagas with {} records are gone", removed.sagas, removed.records);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the log cannot be read or written, or the coordinator has stopped. What was removed until then stays removed.
    pub async fn prune(&self, prune: Prune) -> Result<Removed, CallError> {
        let mut removed = Removed::default();
        for some in self.prunable(prune).await?.chunks(FAMILIES_A_COMMIT) {
            let sagas = some.iter().map(|family| family.saga).collect();
            let pruned = self.ask(|reply| Ask::Prune(Pruning::Remove(sagas, reply))).await?;
            let pruned = pruned.map_err(|error| stopped_halfway(&removed, &error))?;
            removed.add(some, &pruned);
        }
        Ok(removed)
    }

    async fn prunable(&self, prune: Prune) -> Result<Vec<Family>, CallError> {
        let refused = |error: LogError| CallError::Refused(error.to_string());
        let mut reader = self.ask(|reply| Ask::Prune(Pruning::Reader(reply))).await?.map_err(refused)?;
        let found = tokio::task::spawn_blocking(move || reader.prunable(&prune)).await;
        found.map_err(|error| CallError::Refused(format!("the log could not be searched: {error}")))?.map_err(refused)
    }
}

fn stopped_halfway(removed: &Removed, error: &LogError) -> CallError {
    CallError::Refused(format!("{error}; {} sagas were removed before that", removed.sagas))
}
