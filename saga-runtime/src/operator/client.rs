//! The operator's end of the socket.

use std::path::PathBuf;

use super::lines::{LineError, Lines, is_same_user};
use super::{Request, Response};
use crate::message::SagaId;
use crate::notice::Notice;
use crate::pipe::endpoint::{Endpoint, EndpointError, OPERATOR_SOCKET};

/// The longest answer, in bytes: a notice may hold an input or an output of any size.
const LONGEST_ANSWER: usize = 64 << 20;

/// A connection to a running coordinator.
#[derive(Debug)]
pub struct Client {
    lines: Lines,
}

/// Why a coordinator did not do what it was asked. Each names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody serves the socket.
    #[error("no coordinator is running at {socket}; start it, or give the directory of another one (--dir)")]
    NotRunning {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket cannot be used.
    #[error(transparent)]
    Endpoint(EndpointError),
    /// Another user's process serves the socket.
    #[error("{socket} is served by another user; give a directory of your own (--dir)")]
    OtherUser {
        /// The socket.
        socket: PathBuf,
    },
    /// The coordinator says no.
    #[error("{0}")]
    Refused(String),
    /// The coordinator stopped, or sent this operator away.
    #[error("the coordinator closed the connection; see whether it is still running")]
    Closed,
    /// The coordinator says something else than was asked for.
    #[error("the coordinator answers something that this program does not understand ({0}); use programs of one build")]
    NotUnderstood(String),
    /// The connection failed.
    #[error("the connection to the coordinator failed: {0}")]
    Failed(String),
}

impl ClientError {
    /// Whether no coordinator is running.
    pub fn is_not_running(&self) -> bool {
        matches!(self, Self::NotRunning { .. })
    }
}

impl From<LineError> for ClientError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Cut => Self::Closed,
            LineError::Malformed(_) | LineError::TooLong { .. } => Self::NotUnderstood(error.to_string()),
            LineError::Io(error) => Self::Failed(error.to_string()),
        }
    }
}

impl Client {
    /// Connects to the coordinator that serves an endpoint.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if none does; others if the directory or the socket is not to be trusted.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, ClientError> {
        let socket = endpoint.socket(OPERATOR_SOCKET);
        let path = || socket.path().to_owned();
        let stream = socket.connect().await.map_err(|error| match error {
            error if error.may_pass() => ClientError::NotRunning { socket: path() },
            error => ClientError::Endpoint(error),
        })?;
        match is_same_user(&stream) {
            Ok(true) => Ok(Self { lines: Lines::new(stream, LONGEST_ANSWER) }),
            Ok(false) => Err(ClientError::OtherUser { socket: path() }),
            Err(error) => Err(ClientError::Failed(error.to_string())),
        }
    }

    /// Asks, and waits for the answer, which is never [`Response::Error`].
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the reason, if the coordinator says no; others if no answer comes.
    pub async fn request(&mut self, request: &Request) -> Result<Response, ClientError> {
        let sent = self.lines.send(request).await;
        // Who is sent away may have closed before it reads, and has said why.
        match (self.lines.receive().await, sent) {
            (Ok(Some(Response::Error { message })), _) => Err(ClientError::Refused(message)),
            (_, Err(error)) | (Err(error), _) => Err(error.into()),
            (Ok(Some(response)), _) => Ok(response),
            (Ok(None), _) => Err(ClientError::Closed),
        }
    }

    /// Notices from now on, of all or of one saga.
    ///
    /// # Errors
    /// If the coordinator does not agree to it.
    pub async fn follow(mut self, saga: Option<SagaId>) -> Result<Notices, ClientError> {
        match self.request(&Request::Follow { saga }).await? {
            Response::Following => Ok(Notices { lines: self.lines }),
            other => Err(ClientError::NotUnderstood(format!("{other:?}"))),
        }
    }
}

/// Notices as they come.
#[derive(Debug)]
pub struct Notices {
    lines: Lines,
}

impl Notices {
    /// The next one; none when the coordinator has stopped. Not to be dropped before it is ready.
    ///
    /// # Errors
    /// If the connection fails.
    pub async fn next(&mut self) -> Result<Option<Notice>, ClientError> {
        match self.lines.receive().await? {
            Some(Response::Notice { notice }) => Ok(Some(notice)),
            Some(Response::Error { message }) => Err(ClientError::Refused(message)),
            Some(other) => Err(ClientError::NotUnderstood(format!("{other:?}"))),
            None => Ok(None),
        }
    }
}
