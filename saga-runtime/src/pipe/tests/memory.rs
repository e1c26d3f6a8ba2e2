//! A network in memory: connections that break where a test says, in virtual time.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc;

use crate::pipe::EndpointError;
use crate::pipe::transport::{Carrier, Dial, Listen, Peer};

const SELF: Peer = Peer { is_same_user: true, process: None };
const OTHER: Peer = Peer { is_same_user: false, process: None };

/// How many bytes pass before a connection breaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) read: usize,
    pub(super) written: usize,
}

impl Budget {
    pub(super) const ENDLESS: Self = Self { read: usize::MAX, written: usize::MAX };
}

/// Connects clients with whoever listens.
#[derive(Clone)]
pub(super) struct Network {
    listener: Arc<Mutex<Option<mpsc::UnboundedSender<Carrier>>>>,
    /// Of the next connections; those after them are endless.
    budgets: Arc<Mutex<VecDeque<Budget>>>,
    /// Of all connections of which the client's end is gone.
    used: Arc<Mutex<Vec<Budget>>>,
    /// Bytes that a connection holds.
    capacity: usize,
    is_same_user: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    pub(super) fn new(capacity: usize, budgets: impl IntoIterator<Item = Budget>) -> Self {
        Self {
            listener: Arc::default(),
            budgets: Arc::new(Mutex::new(budgets.into_iter().collect())),
            used: Arc::default(),
            capacity,
            is_same_user: true,
        }
    }

    /// On which each end belongs to another user.
    pub(super) fn of_strangers() -> Self {
        Self { is_same_user: false, ..Self::new(1024, []) }
    }

    /// From now on, connections come here.
    pub(super) fn listen(&self) -> Listener {
        let (sender, carriers) = mpsc::unbounded_channel();
        *lock(&self.listener) = Some(sender);
        Listener { carriers }
    }

    /// How much passed over each connection.
    pub(super) fn used(&self) -> Vec<Budget> {
        lock(&self.used).clone()
    }

    /// One end of a connection; the other one is accepted.
    pub(super) fn connect(&self) -> Option<DuplexStream> {
        let (ours, theirs) = duplex(self.capacity);
        let carrier = Carrier { stream: Box::new(theirs), peer: self.peer() };
        lock(&self.listener).as_ref()?.send(carrier).ok()?;
        Some(ours)
    }

    fn peer(&self) -> Peer {
        if self.is_same_user { SELF } else { OTHER }
    }
}

impl Dial for Network {
    async fn dial(&self) -> Result<Carrier, EndpointError> {
        let absent = || EndpointError::failed("connect to", &PathBuf::from("network"), &io::ErrorKind::NotFound.into());
        let stream = self.connect().ok_or_else(absent)?;
        let left = lock(&self.budgets).pop_front().unwrap_or(Budget::ENDLESS);
        let used = self.used.clone();
        let stream = Fragile { stream, left, passed: Budget { read: 0, written: 0 }, used };
        Ok(Carrier { stream: Box::new(stream), peer: self.peer() })
    }
}

pub(super) struct Listener {
    carriers: mpsc::UnboundedReceiver<Carrier>,
}

impl Listen for Listener {
    async fn accept(&mut self) -> io::Result<Carrier> {
        match self.carriers.recv().await {
            Some(carrier) => Ok(carrier),
            None => std::future::pending().await,
        }
    }
}

/// The client's end of a connection, which breaks when its budget is used up.
struct Fragile {
    stream: DuplexStream,
    left: Budget,
    passed: Budget,
    used: Arc<Mutex<Vec<Budget>>>,
}

impl Fragile {
    fn is_broken(&self) -> bool {
        self.left.read == 0 || self.left.written == 0
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        lock(&self.used).push(self.passed);
    }
}

impl AsyncRead for Fragile {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_broken() {
            return Poll::Ready(Ok(()));
        }
        let mut chunk = [0; 1024];
        let allowed = chunk.len().min(out.remaining()).min(self.left.read);
        let mut some = ReadBuf::new(&mut chunk[..allowed]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut some))?;
        let count = some.filled().len();
        out.put_slice(some.filled());
        self.left.read -= count;
        self.passed.read += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_broken() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let some = &bytes[..bytes.len().min(self.left.written)];
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, some))?;
        self.left.written -= count;
        self.passed.written += count;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
