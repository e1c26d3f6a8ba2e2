//! One JSON value a line, in both directions, with a bound on what is read and on how long a write may take. Knows no
//! request.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// How long the other end may leave a line unread.
const PATIENCE: Duration = Duration::from_secs(10);

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    longest: usize,
    line: Vec<u8>,
}

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// The line is longer than it may be.
    #[error("the line is longer than {longest} bytes; send less")]
    TooLong {
        /// Bytes.
        longest: usize,
    },
    /// The connection ended within a line.
    #[error("the connection ended within a line; end each line with a line break")]
    Cut,
    /// The line is no value of the kind that is expected.
    #[error("the line is not understood: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl Lines {
    /// Lines of at most `longest` bytes.
    pub(super) fn new(stream: UnixStream, longest: usize) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: BufReader::new(reader), writer, longest, line: Vec::new() }
    }

    /// The next value; none when the other end has closed. Not to be dropped before it is ready.
    pub(super) async fn receive<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LineError> {
        self.line.clear();
        let most = u64::try_from(self.longest).unwrap_or(u64::MAX).saturating_add(1);
        if (&mut self.reader).take(most).read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        match self.line.split_last() {
            Some((b'\n', line)) => Ok(Some(serde_json::from_slice(line)?)),
            _ if self.line.len() > self.longest => Err(LineError::TooLong { longest: self.longest }),
            _ => Err(LineError::Cut),
        }
    }

    /// Returns when the other end says something more, or closes. May be dropped before it is ready.
    pub(super) async fn disturbed(&mut self) {
        // Whatever it is, the caller goes no further: an error says nothing that the end of the line would not.
        let _ = self.reader.fill_buf().await;
    }

    /// Sends a value.
    pub(super) async fn send<T: Serialize>(&mut self, value: &T) -> Result<(), LineError> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        match timeout(PATIENCE, self.writer.write_all(&line)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        }
    }
}

/// Whether a process of this user is at the other end.
pub(super) fn is_same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}
