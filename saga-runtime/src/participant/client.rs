//! A participant in a process of its own: its driver at the end of a [pipe](crate::pipe). What carries frames, and when
//! to connect again, is the pipe's business; what is answered is the driver's.

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinError;

use crate::bus::Report;
use crate::message::{Answer, Bus, Event, ExchangeKey, Fate, ParticipantCommand};
use crate::pipe::client::{ClientHandle, Deliveries};
use crate::pipe::{ClientError, Endpoint, PipeClient, PipeOptions, Recorded};

use super::serving::Drive;
use super::{ParticipantOptions, Serves};

/// The connection of a participant, or of one that only publishes, to a coordinator in another process.
///
/// It connects again by itself, and loses nothing that was said: what is said is kept until the coordinator has
/// recorded it. [`ParticipantClient::run`] executes commands; [`ParticipantClient::publishing`] gives a handle for
/// events that answer no command.
///
/// ```no_run
/// # use saga_runtime::prelude::*;
/// # use saga_runtime::message::Event as EventOfBus;
/// # async fn example<P, E>(endpoint: saga_runtime::pipe::Endpoint, host: P, event: E)
/// # -> Result<(), Box<dyn std::error::Error>>
/// # where
/// #     P: Participant,
/// #     P::Command: saga_runtime::message::ParticipantCommand<Bus = E::Bus>,
/// #     E: EventOfBus,
/// # {
/// let client = ParticipantClient::connect(endpoint, host).await?;
/// let events = client.publishing();
/// let running = tokio::spawn(client.run());
/// events.publish(event).await?;
/// running.await??;
/// # Ok(())
/// # }
/// ```
#[must_use = "commands wait until the client runs, and the connection closes when it is dropped"]
pub struct ParticipantClient<B: Bus> {
    publisher: Publisher<B>,
    pipe: ClientHandle,
    duty: Option<Duty>,
}

/// Ends with an error if the participant cannot go on.
type Work = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>>;

/// Executing commands, until told to stop.
struct Duty {
    /// Never locked: it lets the client be shared while it waits to run.
    work: Mutex<Work>,
    stop: oneshot::Sender<()>,
    options: ParticipantOptions,
}

impl<B: Bus> ParticipantClient<B> {
    /// Connects a participant, and returns when the coordinator has welcomed it; waits while there is none.
    ///
    /// # Errors
    /// If waiting cannot help: the directory is not private, the coordinator speaks another version of the bus, or does
    /// not know the participant.
    pub async fn connect<P>(endpoint: impl Borrow<Endpoint>, participant: P) -> Result<Self, ClientError>
    where
        P: Serves,
        P::Command: ParticipantCommand<Bus = B>,
    {
        Self::connect_with(endpoint, participant, ParticipantOptions::default(), PipeOptions::default()).await
    }

    /// As [`ParticipantClient::connect`], with other limits than the usual ones.
    ///
    /// # Errors
    /// As [`ParticipantClient::connect`].
    pub async fn connect_with<P>(
        endpoint: impl Borrow<Endpoint>,
        participant: P,
        options: ParticipantOptions,
        pipe_options: PipeOptions,
    ) -> Result<Self, ClientError>
    where
        P: Serves,
        P::Command: ParticipantCommand<Bus = B>,
    {
        let name = P::Command::PARTICIPANT;
        let (pipe, deliveries, handle) = PipeClient::connect(endpoint.borrow(), name, P::MEMORY, pipe_options);
        pipe.connected().await?;
        let (stop, stopped) = oneshot::channel();
        let work: Work = Box::pin(serve(participant.driver(options), deliveries, pipe.clone(), stopped));
        let publisher = Publisher { name: name.to_owned(), pipe };
        Ok(Self { publisher, pipe: handle, duty: Some(Duty { work: Mutex::new(work), stop, options }) })
    }

    /// One that takes no commands, and publishes events that are `#[from]` this name. Connects in the background; what
    /// is wrong with that is told by [`ParticipantClient::publish`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn publisher(endpoint: impl Borrow<Endpoint>, name: impl Into<String>) -> Self {
        let name = name.into();
        let (pipe, handle) = PipeClient::publisher(endpoint.borrow(), name.clone(), PipeOptions::default());
        Self { publisher: Publisher { name, pipe }, pipe: handle, duty: None }
    }

    /// A handle that publishes, while this client runs.
    pub fn publishing(&self) -> Publisher<B> {
        self.publisher.clone()
    }

    /// Publishes an event; returns when the coordinator has recorded it. Nothing is lost while the coordinator is away,
    /// and an event that had to be sent twice starts nothing twice.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub async fn publish<E>(&self, event: E) -> Result<(), PublishError>
    where
        E: Event<Bus = B>,
        B: Bus<Event = E>,
    {
        self.publisher.publish(event).await
    }

    /// Executes commands until the pipe is closed for good. To drop the future cuts off what runs;
    /// [`ParticipantClient::run_until`] stops in order.
    ///
    /// # Errors
    /// Why the pipe was closed.
    pub async fn run(self) -> Result<(), ClientError> {
        self.run_until(std::future::pending()).await
    }

    /// Executes commands until `shutdown` is ready or the pipe is closed for good. On shutdown it takes nothing more,
    /// lets what runs end, up to [`ParticipantOptions::grace`], and waits as long again for the answers to be recorded.
    ///
    /// # Errors
    /// Why the pipe was closed, if it was not by `shutdown`.
    pub async fn run_until(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ClientError> {
        let Self { publisher, mut pipe, duty } = self;
        let is_shut_down = match duty {
            Some(duty) => duty.until(shutdown).await?,
            None => tokio::select! {
                ended = &mut pipe => return outcome(ended),
                () = shutdown => true,
            },
        };
        drop(publisher);
        if is_shut_down { Ok(()) } else { outcome(pipe.await) }
    }
}

impl Duty {
    /// Whether it was shut down; otherwise the pipe has ended.
    async fn until(self, shutdown: impl Future<Output = ()> + Send) -> Result<bool, ClientError> {
        let mut work = self.work.into_inner().unwrap_or_else(PoisonError::into_inner);
        tokio::select! {
            ended = &mut work => return ended.map(|()| false),
            () = shutdown => {}
        }
        drop(self.stop);
        if tokio::time::timeout(2 * self.options.grace, work).await.is_err() {
            tracing::warn!("the last answers were not recorded in time; the coordinator will ask for them");
        }
        Ok(true)
    }
}

impl<B: Bus> fmt::Debug for ParticipantClient<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParticipantClient").field("name", &self.publisher.name).finish_non_exhaustive()
    }
}

/// Publishes events of one participant; cheap to clone.
pub struct Publisher<B: Bus> {
    name: String,
    pipe: PipeClient<B>,
}

impl<B: Bus> Publisher<B> {
    /// Publishes an event; returns when the coordinator has recorded it.
    ///
    /// # Errors
    /// If the event is not `#[from]` this participant, no frame can carry it, or the pipe was closed for good before it
    /// was recorded.
    pub async fn publish<E>(&self, event: E) -> Result<(), PublishError>
    where
        E: Event<Bus = B>,
        B: Bus<Event = E>,
    {
        let info = event.info();
        if info.from != Some(self.name.as_str()) {
            return Err(PublishError::NotYours { event: info.name, name: self.name.clone() });
        }
        Ok(self.pipe.publish(event).await?)
    }
}

impl<B: Bus> Clone for Publisher<B> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), pipe: self.pipe.clone() }
    }
}

impl<B: Bus> fmt::Debug for Publisher<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why an event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// It is another participant's, or a reply.
    #[error("`{event}` is not for `{name}` to publish; declare it `#[from(..)]` that participant, or publish another")]
    NotYours {
        /// The event.
        event: &'static str,
        /// Who wanted to publish it.
        name: String,
    },
    /// It could not be sent.
    #[error(transparent)]
    Pipe(#[from] ClientError),
}

fn outcome(ended: Result<Result<(), ClientError>, JoinError>) -> Result<(), ClientError> {
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(ClientError::Closed),
    })
}

/// Serves until the pipe is closed for good or the sender of `stopped` is gone; then lets what runs end. `deliveries` is
/// held to the end: the pipe closes with it.
async fn serve<B: Bus>(
    mut driver: impl Drive<B>,
    mut deliveries: Deliveries<B>,
    pipe: PipeClient<B>,
    mut stopped: oneshot::Receiver<()>,
) -> Result<(), ClientError> {
    let mut outlet = Outlet { pipe, last: None };
    loop {
        let delivery = tokio::select! {
            biased;
            () = driver.hear() => None,
            delivery = deliveries.recv(), if driver.has_room() => match delivery {
                Some(delivery) => Some(delivery),
                None => break,
            },
            _ = &mut stopped => break,
        };
        if let Some((delivery, horizon)) = delivery {
            driver.take(delivery, &horizon);
        }
        while driver.has_room()
            && let Ok((delivery, horizon)) = deliveries.try_recv()
        {
            driver.take(delivery, &horizon);
        }
        outlet.pass_on(&mut driver).await;
        if let Some(reason) = driver.failure() {
            return Err(ClientError::Participant { reason: reason.to_owned() });
        }
    }
    driver.stop();
    while driver.hear_last().await {
        outlet.pass_on(&mut driver).await;
    }
    if let Some(recorded) = outlet.last {
        let _ = recorded.await;
    }
    Ok(())
}

/// The way to the coordinator. A pipe that is closed for good says why where it was opened, and gives no deliveries any
/// more.
struct Outlet<B: Bus> {
    pipe: PipeClient<B>,
    /// Ready when the last report is recorded.
    last: Option<Recorded>,
}

impl<B: Bus> Outlet<B> {
    async fn pass_on(&mut self, driver: &mut impl Drive<B>) {
        while let Some(report) = driver.next_report() {
            if let Ok(recorded) = say(report, &self.pipe).await {
                self.last = Some(recorded);
            }
        }
    }
}

/// Reports, or reports that it cannot: an answer that no frame can carry must not leave its saga waiting.
async fn say<B: Bus>(report: Report<B>, pipe: &PipeClient<B>) -> Result<Recorded, ClientError> {
    let excuse = Excuse::of(&report);
    match (pipe.report(report).await, excuse) {
        (Err(error @ (ClientError::Unsendable(_) | ClientError::Unwritable { .. })), Some(excuse)) => {
            tracing::error!("{error}");
            pipe.report(excuse.report(&error)).await
        }
        (recorded, _) => recorded,
    }
}

/// What to say in place of a report that cannot be sent.
enum Excuse {
    Answer { key: ExchangeKey, attempt: u32 },
    Fate { key: ExchangeKey },
}

impl Excuse {
    fn of<B: Bus>(report: &Report<B>) -> Option<Self> {
        match report {
            Report::Answered { key, attempt, .. } => Some(Self::Answer { key: *key, attempt: *attempt }),
            Report::Fate { key, .. } => Some(Self::Fate { key: *key }),
            Report::Published(_) => None,
        }
    }

    fn report<B: Bus>(self, error: &ClientError) -> Report<B> {
        match self {
            Self::Answer { key, attempt } => {
                Report::Answered { key, attempt, answer: Answer::Broken(format!("the answer was lost: {error}")) }
            }
            Self::Fate { key } => Report::Fate { key, fate: Fate::Unknown },
        }
    }
}
