//! Serves operators: takes their requests to the coordinator's desk, and its answers back. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::lines::{LineError, Lines, is_same_user};
use super::{Request, Response};
use crate::message::SagaId;
use crate::notice::Notice;
use crate::pipe::endpoint::{Endpoint, EndpointError, OPERATOR_SOCKET, SocketGuard};

/// The longest request, in bytes.
const LONGEST_REQUEST: usize = 1 << 20;
/// Operators who are served at once.
const SEATS: usize = 32;
/// How long a connection may be silent, unless it follows.
const SILENCE: Duration = Duration::from_secs(60);
/// Before the next try, when the operating system has no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// What a coordinator does for operators. A clone is the same desk.
pub trait Desk: Clone + Send + Sync + 'static {
    /// Does what is asked. Never called with [`Request::Follow`].
    fn request(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// Notices from now on. When the sender is dropped, those who follow are sent home.
    fn follow(&self) -> Receiver<Notice>;
}

/// The operator's socket, bound.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    /// Removes the socket when the server is dropped.
    _guard: SocketGuard,
}

impl Server {
    /// Binds the operator's socket of an endpoint.
    ///
    /// # Errors
    /// If the directory is not private, another coordinator serves the socket, or something else is in its place.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(endpoint: &Endpoint) -> Result<Self, EndpointError> {
        let (listener, guard) = endpoint.socket(OPERATOR_SOCKET).bind()?.listen()?;
        Ok(Self { listener, _guard: guard })
    }

    /// Serves operators until it is dropped, which closes all connections and removes the socket.
    pub async fn serve<D: Desk>(self, desk: D) {
        let seats = Arc::new(Semaphore::new(SEATS));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let (desk, seats) = (desk.clone(), Arc::clone(&seats));
                        connections.spawn(async move {
                            match seats.try_acquire() {
                                Ok(_seat) => serve(stream, &desk).await,
                                Err(_) => turn_away(stream).await,
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no operator can connect just now");
                        sleep(PAUSE).await;
                    }
                },
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a request of an operator broke its connection");
                    }
                }
            }
        }
    }
}

async fn turn_away(stream: UnixStream) {
    let message = format!("{SEATS} operators are connected, which is as many as can be; close one of them");
    say_last(&mut Lines::new(stream, LONGEST_REQUEST), message).await;
}

/// One connection, from its first line to its last.
async fn serve<D: Desk>(stream: UnixStream, desk: &D) {
    let same_user = is_same_user(&stream);
    let mut lines = Lines::new(stream, LONGEST_REQUEST);
    let ended = match same_user {
        Ok(true) => answer(&mut lines, desk).await,
        Ok(false) => Err(Farewell::Say("only the user who runs the coordinator may operate it".to_owned())),
        Err(error) => Err(Farewell::Say(format!("cannot tell the user behind the connection: {error}"))),
    };
    if let Err(Farewell::Say(message)) = ended {
        tracing::info!(%message, "the connection of an operator was closed");
        say_last(&mut lines, message).await;
    }
}

/// Why a connection ends before the other end closes it.
enum Farewell {
    /// With a word.
    Say(String),
    /// There is nobody to say it to.
    Gone,
}

impl From<LineError> for Farewell {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Io(_) => Self::Gone,
            LineError::TooLong { .. } | LineError::Cut | LineError::Malformed(_) => Self::Say(error.to_string()),
        }
    }
}

async fn answer<D: Desk>(lines: &mut Lines, desk: &D) -> Result<(), Farewell> {
    loop {
        let request = timeout(SILENCE, lines.receive()).await;
        let Some(request) = request.map_err(|_| Farewell::Say(format!("no request came for {SILENCE:?}")))?? else {
            return Ok(());
        };
        match request {
            Request::Follow { saga } => return follow(lines, desk, saga).await,
            request => lines.send(&desk.request(request).await).await?,
        }
    }
}

/// Passes notices on, until the other end or the coordinator closes.
async fn follow<D: Desk>(lines: &mut Lines, desk: &D, saga: Option<SagaId>) -> Result<(), Farewell> {
    let mut notices = desk.follow();
    lines.send(&Response::Following).await?;
    loop {
        let received = tokio::select! {
            received = notices.recv() => received,
            () = lines.disturbed() => return Ok(()),
        };
        let notice = match received {
            Ok(notice) if saga.is_some() && notice.saga() != saga => continue,
            Ok(notice) => notice,
            Err(RecvError::Lagged(missed)) => Notice::Lagged { missed },
            Err(RecvError::Closed) => return Ok(()),
        };
        lines.send(&Response::Notice { notice }).await?;
    }
}

async fn say_last(lines: &mut Lines, message: String) {
    if let Err(error) = lines.send(&Response::Error { message }).await {
        tracing::debug!(%error, "an operator did not hear the last word");
    }
}
