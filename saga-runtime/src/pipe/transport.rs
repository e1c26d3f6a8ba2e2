//! What carries a pipe: something that accepts connections, and something that makes them.
//!
//! Unix domain sockets are one kind; a named pipe, or a pair of buffers in a test, is another. Knows no frame.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};

use super::endpoint::{EndpointError, Socket};

/// Bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for S {}

/// A connection of which nothing is known but who is at the other end.
pub struct Carrier {
    /// The connection.
    pub stream: Box<dyn ByteStream>,
    /// Who is at the other end, as the operating system says.
    pub peer: Peer,
}

/// The process at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// It belongs to the user of this process.
    pub is_same_user: bool,
    /// Its id, where the operating system tells it.
    pub process: Option<i32>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(id) => write!(f, "process {id}"),
            None => f.write_str("a process"),
        }
    }
}

/// Accepts connections.
pub trait Listen: Send + 'static {
    /// The next connection. May be dropped before it is ready; no connection is lost then.
    ///
    /// # Errors
    /// If there is none to be had just now; the next call may succeed.
    fn accept(&mut self) -> impl Future<Output = io::Result<Carrier>> + Send;
}

/// Makes connections.
pub trait Dial: Send + Sync + 'static {
    /// One connection to whoever serves the other end.
    ///
    /// # Errors
    /// If nobody does ([`EndpointError::may_pass`]), or something is wrong that will not pass.
    fn dial(&self) -> impl Future<Output = Result<Carrier, EndpointError>> + Send;
}

impl Listen for UnixListener {
    async fn accept(&mut self) -> io::Result<Carrier> {
        let (stream, _) = UnixListener::accept(self).await?;
        carrier(stream)
    }
}

impl Dial for Socket {
    async fn dial(&self) -> Result<Carrier, EndpointError> {
        let stream = self.connect().await?;
        carrier(stream).map_err(|error| EndpointError::failed("tell the user behind", self.path(), &error))
    }
}

fn carrier(stream: UnixStream) -> io::Result<Carrier> {
    let credentials = stream.peer_cred()?;
    let peer = Peer {
        is_same_user: credentials.uid() == rustix::process::geteuid().as_raw(),
        process: credentials.pid().filter(|id| *id > 0),
    };
    Ok(Carrier { stream: Box::new(stream), peer })
}
