//! A participant's end of the pipe: connects, connects again, and loses nothing that was reported.
//!
//! A report is kept until the coordinator has recorded it, across reconnects and across restarts of the coordinator.
//! A delivery is acknowledged when it has been handed to the receiver that [`PipeClient::connect`] gives: from then on
//! it is the participant's, and dies with its process. That is sound for a memory that dies with the process too.
//!
//! Memory is bounded: while a window of reports is not recorded, [`PipeClient::report`] waits; while nobody takes the
//! deliveries, no more are read.

mod task;

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::task::{ClientTask, Pending};
use super::PipeOptions;
use super::body::encode_report;
use super::endpoint::{BUS_SOCKET, Endpoint, EndpointError};
use super::frame::{ErrorCode, FrameError, Limits, Numbered, Role};
use super::speaker::Speaker;
use super::transport::Dial;
use crate::bus::{Delivery, Horizon, Report};
use crate::message::{Bus, EventOf, Memory};

/// A participant's handle to its pipe; cheap to clone. When the last one is dropped and everything is recorded, the
/// pipe closes.
#[derive(Debug)]
pub struct PipeClient<B> {
    reports: mpsc::Sender<Pending>,
    state: watch::Receiver<State>,
    limits: Limits,
    bus: PhantomData<fn() -> B>,
}

impl<B> Clone for PipeClient<B> {
    fn clone(&self) -> Self {
        Self { reports: self.reports.clone(), state: self.state.clone(), limits: self.limits, bus: PhantomData }
    }
}

/// How it is with a client.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    Ended(Result<(), ClientError>),
}

/// What a participant takes, with the sagas that are still open.
pub type Deliveries<B> = mpsc::Receiver<(Delivery<B>, Horizon)>;
/// The task that keeps a pipe: ends with an error when connecting again cannot help.
pub type ClientHandle = JoinHandle<Result<(), ClientError>>;

impl<B: Bus> PipeClient<B> {
    /// A participant of this name. Connects in the background, again and again; what is reported meanwhile is kept.
    /// The pipe closes when the deliveries are dropped.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect(
        endpoint: &Endpoint,
        name: impl Into<String>,
        memory: Memory,
        options: PipeOptions,
    ) -> (Self, Deliveries<B>, ClientHandle) {
        Self::connect_over(endpoint.socket(BUS_SOCKET), name, memory, options)
    }

    /// As [`PipeClient::connect`], over something else than a Unix domain socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect_over(
        dial: impl Dial,
        name: impl Into<String>,
        memory: Memory,
        options: PipeOptions,
    ) -> (Self, Deliveries<B>, ClientHandle) {
        let (deliver, deliveries) = mpsc::channel(options.window.max(1));
        let speaker = Speaker::of_bus::<B>(Role::Participant, name.into(), Some(memory), options);
        let (client, handle) = Self::spawn(dial, speaker, Some(deliver));
        (client, deliveries, handle)
    }

    /// A participant that takes no commands, and only publishes.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn publisher(endpoint: &Endpoint, name: impl Into<String>, options: PipeOptions) -> (Self, ClientHandle) {
        let speaker = Speaker::of_bus::<B>(Role::Publisher, name.into(), None, options);
        Self::spawn(endpoint.socket(BUS_SOCKET), speaker, None)
    }

    fn spawn(
        dial: impl Dial,
        speaker: Speaker,
        deliver: Option<mpsc::Sender<(Delivery<B>, Horizon)>>,
    ) -> (Self, ClientHandle) {
        let (reports, reported) = mpsc::channel(speaker.options.window.max(1));
        let (told, state) = watch::channel(State::Connecting);
        let limits = speaker.options.limits();
        let handle = tokio::spawn(ClientTask::new(dial, speaker, reported, deliver, told).run());
        (Self { reports, state, limits, bus: PhantomData }, handle)
    }

    /// Waits until the coordinator has welcomed this client.
    ///
    /// # Errors
    /// If it never will.
    pub async fn connected(&self) -> Result<(), ClientError> {
        let mut state = self.state.clone();
        match state.wait_for(|state| *state != State::Connecting).await.as_deref() {
            Ok(State::Connected) => Ok(()),
            Ok(State::Ended(Err(error))) => Err(error.clone()),
            _ => Err(ClientError::Closed),
        }
    }

    /// Queues a report; waits while too many are not recorded yet. Reports leave in the order in which they were queued.
    ///
    /// # Errors
    /// If no frame can carry it, or the pipe is closed for good.
    pub async fn report(&self, report: Report<B>) -> Result<Recorded, ClientError> {
        let body = encode_report(report).map_err(|error| ClientError::Unwritable { reason: error.to_string() })?;
        Numbered::check(&self.limits, &body)?;
        let (recorded, receiver) = oneshot::channel();
        let pending = Pending { body, recorded };
        self.reports.send(pending).await.map_err(|_| ended(&self.state))?;
        Ok(Recorded { receiver, state: self.state.clone() })
    }

    /// Publishes an event; returns when the coordinator has recorded it.
    ///
    /// # Errors
    /// If no frame can carry it, or the pipe is closed for good before it was recorded.
    pub async fn publish(&self, event: EventOf<B>) -> Result<(), ClientError> {
        self.report(Report::Published(event)).await?.await
    }
}

/// Ready when a report is recorded. The report is sent whether or not anybody waits for this.
#[derive(Debug)]
#[must_use = "a report that is not recorded yet may still be refused"]
pub struct Recorded {
    receiver: oneshot::Receiver<()>,
    state: watch::Receiver<State>,
}

impl Future for Recorded {
    type Output = Result<(), ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let recorded = ready!(Pin::new(&mut self.receiver).poll(context));
        Poll::Ready(recorded.map_err(|_| ended(&self.state)))
    }
}

fn ended(state: &watch::Receiver<State>) -> ClientError {
    match &*state.borrow() {
        State::Ended(Err(error)) => error.clone(),
        _ => ClientError::Closed,
    }
}

/// Why a pipe is closed for good, or a report cannot be sent. Each names the thing and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Something is wrong with the endpoint that waiting does not mend.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The coordinator refused the connection, or closed it for good.
    #[error("the coordinator refused `{name}` ({code}): {message}")]
    Refused {
        /// The name of this end.
        name: String,
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people.
        message: String,
    },
    /// Another user serves the endpoint.
    #[error("the process that serves the bus belongs to another user; give a directory of your own")]
    WrongUser,
    /// The other end speaks another bus.
    #[error("`{name}` speaks bus {ours}, and the coordinator {theirs}; build both from the same declarations")]
    OtherBus {
        /// The name of this end.
        name: String,
        /// The name and fingerprint of this end's bus.
        ours: String,
        /// The name and fingerprint of the coordinator's bus.
        theirs: String,
    },
    /// The coordinator takes less than this end may say.
    #[error("frames may have {ours} bytes here, and the coordinator takes {theirs}; give both the same `max_frame`")]
    SmallerFrames {
        /// Bytes.
        ours: usize,
        /// Bytes.
        theirs: usize,
    },
    /// What the other end says is not the protocol.
    #[error("the process that serves the bus does not keep to the protocol: {reason}")]
    Protocol {
        /// What it did.
        reason: String,
    },
    /// The report is too long or nests too deep.
    #[error("the report cannot be sent: {0}")]
    Unsendable(#[from] FrameError),
    /// The report is no JSON.
    #[error("the report cannot be written as JSON: {reason}")]
    Unwritable {
        /// What serde says.
        reason: String,
    },
    /// The participant at this end cannot go on.
    #[error("the participant cannot go on: {reason}")]
    Participant {
        /// Why, and what helps.
        reason: String,
    },
    /// The pipe was closed at this end.
    #[error("the pipe is closed")]
    Closed,
}
