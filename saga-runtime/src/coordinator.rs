//! The loop around the machine: decide, record, act. It moves data and decides nothing.
//!
//! ```text
//!  calls ────────┐                              ┌──► outboxes ──► lines ──► participants
//!  participants ─┼─► engine ─► machine          │
//!  clock ────────┘     │  decisions             ├──► notices, replies, handles
//!                      ▼                        │
//!                    batch ──► journal (thread) ┘  after the commit
//! ```
//!
//! While one batch is being committed, the next one is decided: all of it shares one commit.

mod acts;
mod batch;
mod builder;
mod calls;
mod clock;
mod desk;
mod ended;
mod engine;
mod fleeting;
mod handle;
mod journal;
mod outbox;
mod past;
mod pruning;
mod rows;
mod stream;

use std::future::IntoFuture;
use std::pin::Pin;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

pub use self::builder::{Builder, Options, StartupError};
pub use self::handle::{Handle, Settled};

use self::calls::Ask;
use self::handle::Wanted;
pub(crate) use self::rows::late;
use crate::cause::EndedBy;
use crate::machine::{CancelReply, NewSaga, Operator};
use crate::message::{Bus, EventOf, SagaId};
use crate::notice::Notice;
use crate::operator::ParticipantStatus;
use crate::saga::Saga;

/// Executes the sagas of one bus. Clones are handles to the same coordinator; it runs until [`Coordinator::stop`].
///
/// ```no_run
/// # use saga_runtime::prelude::*;
/// # async fn example<B: Bus, S: Saga<Bus = B>>(saga: S) -> Result<(), Box<dyn std::error::Error>> {
/// let coordinator = Coordinator::<B>::builder()
///     .saga::<S>()
///     .log(SqliteLog::open("sagas.db")?)
///     .listen(Endpoint::runtime_dir("agentmux")?)
///     .start()
///     .await?;
/// let handle = coordinator.start(saga).await?;
/// let _outcome = handle.outcome().await;
/// # Ok(())
/// # }
/// ```
pub struct Coordinator<B: Bus> {
    asks: mpsc::Sender<Ask<B>>,
    notices: broadcast::WeakSender<Notice>,
    stopped: watch::Receiver<Option<Result<(), String>>>,
}

impl<B: Bus> Clone for Coordinator<B> {
    fn clone(&self) -> Self {
        Self { asks: self.asks.clone(), notices: self.notices.clone(), stopped: self.stopped.clone() }
    }
}

impl<B: Bus> std::fmt::Debug for Coordinator<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator").field("bus", &B::NAME).finish_non_exhaustive()
    }
}

/// Why a call to the coordinator came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// It makes no sense, or was not accepted.
    #[error("{0}")]
    Refused(String),
    /// The coordinator has stopped. Whether it happened is in the log.
    #[error("the coordinator has stopped; start it again and look whether it happened")]
    Stopped,
}

impl<B: Bus> Coordinator<B> {
    /// A coordinator to be built.
    pub fn builder() -> Builder<B> {
        Builder::new()
    }

    /// Starts a saga. It is recorded before this returns.
    ///
    /// # Errors
    /// When it is not accepted: its kind is not registered, or one of its expressions panics.
    pub fn start<S: Saga<Bus = B>>(&self, saga: S) -> Start<'_, S> {
        Start { coordinator: self, saga, key: None }
    }

    /// Starts a saga by its name, with an input in JSON.
    ///
    /// # Errors
    /// When there is no such saga, or the input does not fit.
    pub async fn start_named(&self, name: &str, input: &str, key: Option<String>) -> Result<SagaId, CallError> {
        let saga = NewSaga::Named { name: name.to_owned(), input: input.to_owned() };
        let asked = self.ask(|reply| Ask::Start { saga, key, wanted: None, reply });
        asked.await?.map(|(id, _)| id).map_err(CallError::Refused)
    }

    /// A handle to a saga that was started before, in flight or ended.
    ///
    /// # Errors
    /// When there is no such saga, or it is of another kind, or of a version with another output.
    pub async fn attach<S: Saga<Bus = B>>(&self, id: SagaId) -> Result<Handle<S>, CallError> {
        let wanted = Wanted::of::<S>();
        let attached = self.ask(|reply| Ask::Attach { saga: id, wanted, reply }).await?;
        let (id, progress) = attached.map_err(CallError::Refused)?;
        Ok(Handle::new(id, progress))
    }

    /// Publishes an event, as a participant in this process would. Recorded, with all that it starts, before this
    /// returns.
    ///
    /// # Errors
    /// When the coordinator has stopped.
    pub async fn publish(&self, event: EventOf<B>) -> Result<(), CallError> {
        self.ask(|reply| Ask::Publish { event, reply }).await
    }

    /// Has a saga undone.
    ///
    /// # Errors
    /// When there is no such saga.
    pub async fn cancel(&self, id: SagaId) -> Result<CancelReply, CallError> {
        self.cancel_by(id, None).await
    }

    /// Does what an operator says about a stuck saga; who and why are recorded.
    ///
    /// # Errors
    /// When it makes no sense for this saga.
    pub async fn operate(&self, id: SagaId, action: Operator, by: EndedBy) -> Result<(), CallError> {
        self.ask(|reply| Ask::Operate { saga: id, action, by, reply }).await?.map_err(CallError::Refused)
    }

    /// What is told from now on.
    pub fn notices(&self) -> Notices {
        Notices { receiver: self.watch() }
    }

    /// The participants that are sent to, and whether they are there.
    ///
    /// # Errors
    /// When the coordinator has stopped.
    pub async fn participants(&self) -> Result<Vec<ParticipantStatus>, CallError> {
        self.ask(|reply| Ask::Participants { reply }).await
    }

    /// Stops. What participants in this process run may end (see
    /// [`ParticipantOptions::grace`](crate::participant::ParticipantOptions)), and is recorded; then lines and log are
    /// closed. Sagas in flight go on when a coordinator is started on the same log.
    ///
    /// # Errors
    /// When the coordinator had stopped because its log could not be written.
    pub async fn stop(self) -> Result<(), LogFailed> {
        let _ = self.asks.send(Ask::Stop).await;
        self.stopped().await
    }

    /// Returns when the coordinator has stopped.
    ///
    /// # Errors
    /// When it stopped because its log could not be written: nothing that was not recorded has left.
    pub async fn stopped(&self) -> Result<(), LogFailed> {
        let mut stopped = self.stopped.clone();
        let result = match stopped.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        };
        result.unwrap_or_else(|| Err("the coordinator was torn down with its runtime".to_owned())).map_err(LogFailed)
    }

    /// The receiving end of all notices; closed, if the coordinator has stopped.
    fn watch(&self) -> broadcast::Receiver<Notice> {
        self.notices.upgrade().map_or_else(|| broadcast::channel(1).1, |notices| notices.subscribe())
    }

    async fn cancel_by(&self, id: SagaId, by: Option<EndedBy>) -> Result<CancelReply, CallError> {
        self.ask(|reply| Ask::Cancel { saga: id, by, reply }).await?.map_err(CallError::Refused)
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask<B>) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_| CallError::Stopped)?;
        answer.await.map_err(|_| CallError::Stopped)
    }
}

/// The log could not be written, and the coordinator stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator stopped: {0}")]
pub struct LogFailed(String);

/// A start that is to be awaited.
#[must_use = "a start does nothing unless it is awaited"]
pub struct Start<'a, S: Saga> {
    coordinator: &'a Coordinator<S::Bus>,
    saga: S,
    key: Option<String>,
}

impl<S: Saga> Start<'_, S> {
    /// The same key is the same saga: if one was started with it before, in flight or ended, this is a handle to that.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl<'a, S: Saga> IntoFuture for Start<'a, S> {
    type Output = Result<Handle<S>, CallError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { coordinator, saga, key } = self;
        let (saga, wanted) = (NewSaga::of(saga), Some(Wanted::of::<S>()));
        Box::pin(async move {
            let started = coordinator.ask(|reply| Ask::Start { saga, key, wanted, reply }).await?;
            let (id, progress) = started.map_err(CallError::Refused)?;
            Ok(Handle::new(id, progress))
        })
    }
}

/// Notices, as they come.
#[derive(Debug)]
pub struct Notices {
    receiver: broadcast::Receiver<Notice>,
}

impl Notices {
    /// The next one; none when the coordinator has stopped. One who is too slow is told how many were missed.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.receiver.recv().await {
            Ok(notice) => Some(notice),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Notice::Lagged { missed }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests;
