//! What users ask of a program from another process: newline-delimited JSON over a socket of its own.
//!
//! It is neither the bus nor the operator's socket: no saga passes here. One line asks, one line answers, in order. What
//! can be asked is the program's business.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use saga_runtime::pipe::Endpoint;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::bus::Refusal;

/// The longest line that is read from a user, in bytes.
const LONGEST_WISH: u64 = 256 * 1024;

/// The longest line that a user reads: all that is kept of a session has room in one.
const LONGEST_REPLY: u64 = 8 * 1024 * 1024;

/// How long no user is let in after the system refused a connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How many users are served at once; others wait.
const USERS_AT_ONCE: usize = 32;

/// A program with users.
pub trait Grants: Clone + Send + Sync + 'static {
    /// What a user wants.
    type Wish: DeserializeOwned + Send;
    /// What a user gets.
    type Reply: Serialize + Send + Sync;

    /// Does what a user wants.
    ///
    /// # Errors
    /// If it says no.
    fn grant(&self, wish: Self::Wish) -> impl Future<Output = Result<Self::Reply, Refusal>> + Send;
}

/// The line that answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer<R> {
    Granted(R),
    Refused(Refusal),
    Malformed(String),
}

/// Why a user does not get it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody is there.
    #[error("{0}")]
    Away(String),
    /// It says no.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// It does not understand.
    #[error("not understood ({0}); use the program of the same version")]
    Malformed(String),
    /// Something else is said than was asked for.
    #[error("answered by something else: {0}")]
    Unexpected(String),
    /// It went away.
    #[error("the connection was closed before the answer")]
    Gone,
    /// The connection failed, or what came over it is no answer.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl ControlError {
    /// This was not asked for.
    pub fn unexpected(reply: &impl Debug) -> Self {
        Self::Unexpected(format!("{reply:?}"))
    }
}

/// Serves users until it is dropped.
///
/// # Panics
/// Never: the seats are not closed.
pub async fn serve(program: impl Grants, listener: UnixListener) -> Infallible {
    let seats = Arc::new(Semaphore::new(USERS_AT_ONCE));
    let mut users = JoinSet::new();
    loop {
        let seat = Arc::clone(&seats).acquire_owned().await.expect("nobody closes the seats");
        match listener.accept().await {
            Ok((stream, _)) => {
                let program = program.clone();
                users.spawn(async move {
                    let _seat = seat;
                    if let Err(error) = serve_user(&program, stream).await {
                        tracing::debug!(%error, "a user left");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a user cannot be let in");
                // The system is short of something, and nothing tells when it is not any more.
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
        while users.try_join_next().is_some() {}
    }
}

/// Serves one user, until that one leaves.
///
/// # Errors
/// If the connection fails, or is another user's of the machine.
pub async fn serve_user<G: Grants>(program: &G, stream: UnixStream) -> io::Result<()> {
    let ours = rustix::process::geteuid().as_raw();
    if stream.peer_cred()?.uid() != ours {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user"));
    }
    let mut stream = BufReader::new(stream);
    while let Some(line) = read_line(&mut stream, LONGEST_WISH).await? {
        let answer = match serde_json::from_str(&line) {
            Ok(wish) => program.grant(wish).await.map_or_else(Answer::Refused, Answer::Granted),
            Err(error) => Answer::Malformed(error.to_string()),
        };
        write_line(&mut stream, &answer).await?;
    }
    Ok(())
}

/// A user's end: asks wishes `W`, and gets replies `R`.
#[derive(Debug)]
pub struct Client<W, R> {
    stream: BufReader<UnixStream>,
    says: PhantomData<fn(W) -> R>,
}

impl<W: Serialize, R: DeserializeOwned> Client<W, R> {
    /// Connects to the `program` that serves this socket of the directory.
    ///
    /// # Errors
    /// If none does.
    pub async fn connect(endpoint: &Endpoint, socket: &str, program: &str) -> Result<Self, ControlError> {
        let stream = endpoint.socket(socket).connect().await.map_err(|error| {
            ControlError::Away(match error.may_pass() {
                true => format!("{error}; does a {program} run there? start one: sagas up, or sagas {program}"),
                false => error.to_string(),
            })
        })?;
        Ok(Self::over(stream))
    }

    /// Over this connection.
    pub fn over(stream: UnixStream) -> Self {
        Self { stream: BufReader::new(stream), says: PhantomData }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// If the program says no, does not understand, or is gone.
    pub async fn ask(&mut self, wish: &W) -> Result<R, ControlError> {
        write_line(&mut self.stream, wish).await?;
        let line = read_line(&mut self.stream, LONGEST_REPLY).await?.ok_or(ControlError::Gone)?;
        match serde_json::from_str(&line).map_err(io::Error::from)? {
            Answer::Granted(reply) => Ok(reply),
            Answer::Refused(refusal) => Err(ControlError::Refused(refusal)),
            Answer::Malformed(why) => Err(ControlError::Malformed(why)),
        }
    }
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

    /// Doubles numbers, up to a hundred.
    #[derive(Clone)]
    struct Doubler;

    impl Grants for Doubler {
        type Wish = u32;
        type Reply = u32;

        async fn grant(&self, wish: u32) -> Result<u32, Refusal> {
            if wish > 100 { Err(Refusal::OutOfMemory) } else { Ok(2 * wish) }
        }
    }

    fn user() -> Client<u32, u32> {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        tokio::spawn(async move { serve_user(&Doubler, theirs).await });
        Client::over(ours)
    }

    #[tokio::test]
    async fn a_user_gets_it_or_is_told_why_not() {
        let mut user = user();
        assert_eq!(user.ask(&21).await.expect("it is there"), 42);
        assert!(matches!(user.ask(&101).await, Err(ControlError::Refused(Refusal::OutOfMemory))));
    }

    #[tokio::test]
    async fn nonsense_is_answered_and_the_connection_goes_on() {
        let mut user = user();
        for nonsense in ["", "{}", "\"dance\"", "{\"close\":{}}", "[[[[", "-1"] {
            user.stream.write_all(format!("{nonsense}\n").as_bytes()).await.expect("it reads");
            let line = read_line(&mut user.stream, LONGEST_REPLY).await.expect("it answers").expect("a line");
            assert!(line.starts_with("{\"malformed\":"), "{nonsense}: {line}");
        }
        assert_eq!(user.ask(&1).await.expect("it is there"), 2);
    }

    #[tokio::test]
    async fn a_line_without_end_closes_the_connection() {
        let mut user = user();
        let endless = vec![b' '; LONGEST_WISH as usize + 1];
        // It may have hung up before all is written.
        let _ = user.stream.write_all(&endless).await;
        assert!(!matches!(read_line(&mut user.stream, LONGEST_REPLY).await, Ok(Some(_))));
    }
}
