//! Connections that break after so many bytes as the suite says.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixListener;

use crate::pipe::endpoint::SocketGuard;
use crate::pipe::transport::{ByteStream, Carrier, Listen};

/// How many bytes still pass before a connection breaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// From the participant.
    pub(super) read: usize,
    /// To the participant.
    pub(super) written: usize,
}

impl Budget {
    pub(super) const ENDLESS: Self = Self { read: usize::MAX, written: usize::MAX };
    pub(super) const NONE: Self = Self { read: 0, written: 0 };

    fn is_used_up(self) -> bool {
        self.read == 0 || self.written == 0
    }
}

/// Decides when the connection breaks that is there, and those after it.
#[derive(Debug, Clone, Default)]
pub(super) struct Cutter(Arc<Mutex<Budgets>>);

#[derive(Debug)]
struct Budgets {
    now: Budget,
    next: VecDeque<Budget>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { now: Budget::ENDLESS, next: VecDeque::new() }
    }
}

impl Cutter {
    /// The connection that is there breaks after so many bytes, counted from now on.
    pub(super) fn cut_after(&self, budget: Budget) {
        self.lock().now = budget;
    }

    /// And the one after it so early.
    pub(super) fn cut_next_after(&self, budget: Budget) {
        self.lock().next.push_back(budget);
    }

    fn lock(&self) -> MutexGuard<'_, Budgets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket whose connections go through a [`Cutter`].
pub(super) struct CutListener {
    pub(super) listener: UnixListener,
    pub(super) cutter: Cutter,
    /// The socket is there as long as this is.
    pub(super) _guard: SocketGuard,
}

impl Listen for CutListener {
    async fn accept(&mut self) -> io::Result<Carrier> {
        let carrier = Listen::accept(&mut self.listener).await?;
        let mut budgets = self.cutter.lock();
        budgets.now = budgets.next.pop_front().unwrap_or(Budget::ENDLESS);
        let stream = CutStream { stream: carrier.stream, cutter: self.cutter.clone() };
        Ok(Carrier { stream: Box::new(stream), peer: carrier.peer })
    }
}

struct CutStream {
    stream: Box<dyn ByteStream>,
    cutter: Cutter,
}

impl AsyncRead for CutStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let budget = self.cutter.lock().now;
        if budget.is_used_up() {
            return Poll::Ready(Ok(()));
        }
        let mut chunk = [0; 1024];
        let allowed = chunk.len().min(out.remaining()).min(budget.read);
        let mut some = ReadBuf::new(&mut chunk[..allowed]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut some))?;
        out.put_slice(some.filled());
        let left = &mut self.cutter.lock().now.read;
        *left = left.saturating_sub(some.filled().len());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let budget = self.cutter.lock().now;
        if budget.is_used_up() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let some = &bytes[..bytes.len().min(budget.written)];
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, some))?;
        let left = &mut self.cutter.lock().now.written;
        *left = left.saturating_sub(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
