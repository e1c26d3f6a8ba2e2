//! Watches over the terminal of each block: starts it, ends it, and starts a fresh one when a shell has ended by itself.
//!
//! | module | what it is for |
//! |---|---|
//! | `seat` | one block's session: a task that does one thing after another |
//!
//! What is wanted stands in the database; what runs is here, and does not survive this process. It decides nothing about
//! workspaces.

mod seat;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use saga_runtime::rusqlite;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use self::seat::{Ask, Seat};
use super::participant::Order;
use super::reducer::Then;
use super::store::Store;
use crate::bus::{BlockId, Refusal};
use crate::mark::Mark;
use crate::processes::Processes;
use crate::terminal::{GRACE, Shell, Terminal};

/// How many shells are started at the same time: more are not ready sooner.
const STARTED_AT_ONCE: usize = 8;

/// The sessions of one life of a srv. Clones are the same.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    shell: Shell,
    mark: Mark,
    /// Ends the processes of a session; whether nothing is left. Blocks.
    end: fn(&Mark, BlockId) -> bool,
    starting: Semaphore,
    seats: Mutex<BTreeMap<BlockId, Seat>>,
}

impl Sessions {
    /// None yet. What runs in them is marked.
    pub fn new(store: Arc<Store>, shell: Shell, mark: Mark) -> Self {
        Self::ending(store, shell, mark, |mark, block| mark.of(&block.0.to_string()).end(GRACE))
    }

    fn ending(store: Arc<Store>, shell: Shell, mark: Mark, end: fn(&Mark, BlockId) -> bool) -> Self {
        let (starting, seats) = (Semaphore::new(STARTED_AT_ONCE), Mutex::default());
        Self(Arc::new(Inner { store, shell, mark, end, starting, seats }))
    }

    /// At the start of a life: starts a shell wherever one is wanted, and returns when each is at its prompt or has
    /// failed; those are tried again and again.
    ///
    /// # Errors
    /// If the database does not say where.
    pub async fn start_wanted(&self) -> rusqlite::Result<()> {
        let store = Arc::clone(&self.0.store);
        let wanted = tokio::task::spawn_blocking(move || store.begin_life()).await;
        let wanted = wanted.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let started: JoinSet<_> = wanted.into_iter().map(|block| self.ask(block, Ask::Keep)).collect();
        started.join_all().await;
        Ok(())
    }

    /// Does what the participant orders, until that is gone.
    pub async fn serve(self, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(Order { then, reporter }) = orders.recv().await {
            // Asked at once, so that orders for one block are done in their order; awaited beside each other.
            let done = self.carry_out(then);
            tokio::spawn(async move {
                match done.await {
                    Ok(()) => reporter.handled(),
                    Err(refusal) => reporter.refused(refusal),
                }
            });
        }
    }

    fn carry_out(&self, then: Then) -> impl Future<Output = Result<(), Refusal>> + Send + use<> {
        let (asked, may_refuse): (Vec<_>, _) = match then {
            Then::Start(block) => (vec![self.ask(block, Ask::Start)], true),
            Then::End(block) => (vec![self.ask(block, Ask::End)], true),
            Then::EndAll(blocks) => (blocks.into_iter().map(|block| self.ask(block, Ask::End)).collect(), false),
        };
        async move {
            let done = asked.into_iter().collect::<JoinSet<_>>().join_all().await;
            let done: Result<(), Refusal> = done.into_iter().collect();
            if may_refuse { done } else { Ok(()) }
        }
    }

    /// Starts the session of a block, and returns when its shell is at the prompt.
    ///
    /// # Errors
    /// [`Refusal::OutOfMemory`]; then the block has none, and none is wanted.
    pub fn start(&self, block: BlockId) -> impl Future<Output = Result<(), Refusal>> + Send + use<> {
        self.ask(block, Ask::Start)
    }

    /// Ends the session of a block, and returns when nothing is left of it.
    ///
    /// # Errors
    /// [`Refusal::SessionStays`]; then the block has a session again, if it is still there.
    pub fn end(&self, block: BlockId) -> impl Future<Output = Result<(), Refusal>> + Send + use<> {
        self.ask(block, Ask::End)
    }

    /// The terminal of a block, as long as one runs.
    pub fn terminal(&self, block: BlockId) -> Option<Arc<Terminal>> {
        self.seats().get(&block)?.terminal()
    }

    /// The terminals that run.
    pub fn terminals(&self) -> BTreeMap<BlockId, Arc<Terminal>> {
        self.seats().iter().filter_map(|(block, seat)| Some((*block, seat.terminal()?))).collect()
    }

    /// Ends everything, and returns when no process is left. What is wanted stays wanted, for the next life.
    pub async fn quit(&self) {
        let blocks: Vec<_> = self.seats().keys().copied().collect();
        let ended: JoinSet<_> = blocks.into_iter().map(|block| self.ask(block, Ask::Quit)).collect();
        ended.join_all().await;
    }

    /// Asks for this at once; the answer comes when it is done.
    fn ask(
        &self,
        block: BlockId,
        ask: fn(oneshot::Sender<Result<(), Refusal>>) -> Ask,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + use<> {
        let (reply, done) = oneshot::channel();
        self.seats().entry(block).or_insert_with(|| Seat::begin(self.clone(), block)).ask(ask(reply));
        // The task of a seat answers each ask, unless all is over.
        async move { done.await.unwrap_or(Err(Refusal::SessionStays)) }
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<BlockId, Seat>> {
        // Nothing that is done with the seats can panic half way.
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
