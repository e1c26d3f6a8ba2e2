//! What a user does with the windows of a host, from another process: newline-delimited JSON over a socket of its own.
//!
//! It is neither the bus nor the operator's socket: no saga passes here. One line asks, one line answers, in order.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use saga_runtime::prelude::Mode;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Host;
use super::state::HostState;
use super::windows::PaneNumber;
use crate::bus::{Label, Refusal, Session};
use crate::terminal::Numbered;

/// The name of the socket, in the directory in which the processes meet.
pub const HOST_SOCKET: &str = "host.sock";

/// The longest line that is read from a user, in bytes.
const LONGEST_WISH: u64 = 256 * 1024;

/// The longest line that a user reads: all that is kept of a session has room in one.
const LONGEST_REPLY: u64 = 8 * 1024 * 1024;

/// How long no user is let in after the system refused a connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How many users are served at once; others wait.
const USERS_AT_ONCE: usize = 32;

/// What a user wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To see what there is.
    State,
    /// To be shown a hidden window.
    Promote,
    /// One more hidden window, as when the host adds it of its own accord.
    Add,
    /// One more pane in a window.
    Split {
        /// Which.
        label: Label,
    },
    /// To type into the first pane of a window.
    Type {
        /// Which.
        label: Label,
        /// What, with `\n` for the enter key.
        text: String,
    },
    /// To read the latest output of the first pane of a window.
    Output {
        /// Which.
        label: Label,
    },
    /// To read what happened in a session.
    Log {
        /// Which.
        session: Session,
    },
    /// To close a window.
    Close {
        /// Which.
        label: Label,
    },
    /// To have the shells of a window killed, as when they crash.
    Crash {
        /// Which.
        label: Label,
    },
}

/// What a user gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What there is.
    State(HostState),
    /// This window.
    Window(Label),
    /// This pane.
    Pane(PaneNumber),
    /// This text.
    Output(String),
    /// These events, oldest first.
    Log(Vec<Numbered>),
    /// It is done.
    Done,
    /// The host says no.
    Refused(Refusal),
    /// The line is no [`Wish`].
    Malformed(String),
}

/// Why a user does not get it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The host says no.
    #[error("the host refuses: {0}")]
    Refused(Refusal),
    /// The host does not understand.
    #[error("the host does not understand: {0}")]
    Malformed(String),
    /// Something else is said than was asked for.
    #[error("the host answers something else: {0:?}")]
    Unexpected(Reply),
    /// The host went away.
    #[error("the host closed the connection before it answered")]
    Gone,
    /// The connection failed, or what came over it is no answer.
    #[error("the connection to the host failed: {0}")]
    Io(#[from] io::Error),
}

/// Serves users until it is dropped.
///
/// # Panics
/// Never: the seats are not closed.
pub async fn serve(host: Host, listener: UnixListener) -> Infallible {
    let seats = Arc::new(Semaphore::new(USERS_AT_ONCE));
    let mut users = JoinSet::new();
    loop {
        let seat = Arc::clone(&seats).acquire_owned().await.expect("nobody closes the seats");
        match listener.accept().await {
            Ok((stream, _)) => {
                let host = host.clone();
                users.spawn(async move {
                    let _seat = seat;
                    if let Err(error) = serve_user(&host, stream).await {
                        tracing::debug!(%error, "a user of the host left");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a user of the host cannot be let in");
                // The system is short of something, and nothing tells when it is not any more.
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
        while users.try_join_next().is_some() {}
    }
}

/// A user's end.
#[derive(Debug)]
pub struct ControlClient {
    stream: BufReader<UnixStream>,
}

impl ControlClient {
    /// Over this connection to [`HOST_SOCKET`].
    pub fn over(stream: UnixStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If the host says no, does not understand, or is gone.
    pub async fn ask(&mut self, wish: &Wish) -> Result<Reply, ControlError> {
        write_line(&mut self.stream, wish).await?;
        let line = read_line(&mut self.stream, LONGEST_REPLY).await?.ok_or(ControlError::Gone)?;
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            Reply::Refused(refusal) => Err(ControlError::Refused(refusal)),
            Reply::Malformed(why) => Err(ControlError::Malformed(why)),
            reply => Ok(reply),
        }
    }

    /// What there is.
    ///
    /// # Errors
    /// As [`ControlClient::ask`].
    pub async fn state(&mut self) -> Result<HostState, ControlError> {
        match self.ask(&Wish::State).await? {
            Reply::State(state) => Ok(state),
            other => Err(ControlError::Unexpected(other)),
        }
    }

    /// Shows a hidden window.
    ///
    /// # Errors
    /// As [`ControlClient::ask`].
    pub async fn promote(&mut self) -> Result<Label, ControlError> {
        self.window(&Wish::Promote).await
    }

    /// Adds a hidden window, as the host does of its own accord.
    ///
    /// # Errors
    /// As [`ControlClient::ask`].
    pub async fn add(&mut self) -> Result<Label, ControlError> {
        self.window(&Wish::Add).await
    }

    /// What happened in a session, oldest first.
    ///
    /// # Errors
    /// As [`ControlClient::ask`].
    pub async fn log(&mut self, session: Session) -> Result<Vec<Numbered>, ControlError> {
        match self.ask(&Wish::Log { session }).await? {
            Reply::Log(events) => Ok(events),
            other => Err(ControlError::Unexpected(other)),
        }
    }

    async fn window(&mut self, wish: &Wish) -> Result<Label, ControlError> {
        match self.ask(wish).await? {
            Reply::Window(label) => Ok(label),
            other => Err(ControlError::Unexpected(other)),
        }
    }
}

async fn serve_user(host: &Host, stream: UnixStream) -> io::Result<()> {
    let ours = rustix::process::geteuid().as_raw();
    if stream.peer_cred()?.uid() != ours {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user"));
    }
    let mut stream = BufReader::new(stream);
    while let Some(line) = read_line(&mut stream, LONGEST_WISH).await? {
        let reply = match serde_json::from_str(&line) {
            Ok(wish) => grant(host, wish).await,
            Err(error) => Reply::Malformed(error.to_string()),
        };
        write_line(&mut stream, &reply).await?;
    }
    Ok(())
}

async fn grant(host: &Host, wish: Wish) -> Reply {
    let granted = match wish {
        Wish::State => Ok(Reply::State(host.state())),
        Wish::Promote => host.promote().await.map(Reply::Window),
        Wish::Add => host.add().await.map(Reply::Window),
        Wish::Split { label } => host.split(&label).await.map(Reply::Pane),
        Wish::Type { label, text } => host.type_in(&label, text).await.map(|()| Reply::Done),
        Wish::Output { label } => host.output(&label).map(Reply::Output),
        Wish::Log { session } => host.log(&session).map(Reply::Log),
        Wish::Close { label } => host.close(&label, Mode::Forward).map(|()| Reply::Done),
        Wish::Crash { label } => host.crash(&label).map(|()| Reply::Done),
    };
    granted.unwrap_or_else(Reply::Refused)
}

/// The next line; none at the end.
async fn read_line(
    stream: &mut (impl AsyncRead + AsyncBufReadExt + Unpin),
    longest: u64,
) -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = stream.take(longest).read_line(&mut line).await?;
    match line.pop() {
        Some('\n') => Ok(Some(line)),
        None => Ok(None),
        Some(_) if count as u64 == longest => Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long")),
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn write_line(stream: &mut BufReader<UnixStream>, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostOptions;

    /// A user of a host with a full pool, and its raw connection. Nothing listens to what the host tells.
    async fn user() -> ControlClient {
        let (host, _told) = Host::new(HostOptions::default());
        host.fill_pool().await.expect("the system gives two shells");
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        tokio::spawn(async move { serve_user(&host, theirs).await });
        ControlClient::over(ours)
    }

    #[tokio::test]
    async fn a_user_gets_what_is_asked_for() {
        let mut user = user().await;
        let label = user.promote().await.expect("the pool is full");
        let state = user.state().await.expect("the host is there");
        assert!(state.windows.iter().any(|window| window.label == label && !window.hidden));
        assert_eq!(user.ask(&Wish::Split { label: label.clone() }).await.expect("it is there"), Reply::Pane(2));
        let text = "echo $((40 + 2))\n".to_owned();
        assert_eq!(user.ask(&Wish::Type { label: label.clone(), text }).await.expect("it is there"), Reply::Done);
        let output = user.ask(&Wish::Output { label: label.clone() }).await.expect("it is there");
        assert!(matches!(output, Reply::Output(text) if text.starts_with("agentmux$ ")));
        assert_eq!(user.ask(&Wish::Crash { label }).await.expect("it is there"), Reply::Done);
    }

    #[tokio::test]
    async fn a_user_is_told_why_not() {
        let mut user = user().await;
        let label = Label::from("nowhere");
        let refused = user.ask(&Wish::Close { label }).await.expect_err("there is no such window");
        assert!(matches!(refused, ControlError::Refused(Refusal::NoSuchWindow)));
    }

    #[tokio::test]
    async fn nonsense_is_answered_and_the_connection_goes_on() {
        let mut user = user().await;
        for nonsense in ["", "{}", "\"dance\"", "{\"close\":{}}", "[[[["] {
            user.stream.write_all(format!("{nonsense}\n").as_bytes()).await.expect("the host reads");
            let line = read_line(&mut user.stream, LONGEST_REPLY).await.expect("the host answers").expect("a line");
            assert!(line.starts_with("{\"malformed\":"), "{nonsense}: {line}");
        }
        assert_eq!(user.state().await.expect("the host is there").windows.len(), 2);
    }

    #[tokio::test]
    async fn a_line_without_end_closes_the_connection() {
        let mut user = user().await;
        let endless = vec![b' '; LONGEST_WISH as usize + 1];
        // The host may have hung up before all is written.
        let _ = user.stream.write_all(&endless).await;
        assert!(!matches!(read_line(&mut user.stream, LONGEST_REPLY).await, Ok(Some(_))));
    }
}
