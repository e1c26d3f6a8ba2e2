//! One connection: frames in, frames out, and a heartbeat.
//!
//! Owned by one task, which alone writes to it, so that frames never mix. What goes out is kept whole until the stream
//! took it: a write that stops half way is continued, or nothing is ever written again. Holds at most one frame that
//! is not complete, and a bounded number of bytes to write. Knows no session and no bus.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use super::PipeOptions;
use super::frame::{Empty, ErrorCode, ErrorFrame, Frame, FrameDecoder, FrameError, Numbered};
use super::link::{Link, LinkError};
use super::transport::{ByteStream, Carrier, Peer};

/// Bytes. With this much to write, nothing is added.
const HIGH_WATER: usize = 64 << 10;
/// Bytes read at once.
const CHUNK: usize = 16 << 10;
/// How long a last word may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a message on its way carries.
pub(super) trait Body {
    /// JSON.
    fn body(&self) -> &RawValue;
}

/// What the other end did wrong: said in one error frame, after which the connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A frame that has no business here.
    pub(super) fn unexpected(frame: &Frame<'_>) -> Self {
        Self::new(ErrorCode::Unexpected, format!("`{}` is not expected here", frame.name()))
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        Self::new(ErrorCode::Sequence, error.to_string())
    }
}

/// How a connection ended without anybody's fault.
#[derive(Debug)]
pub(super) enum Lost {
    Closed,
    Torn,
    Silent(Duration),
    Failed(io::Error),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the other end closed the connection"),
            Self::Torn => f.write_str("the connection broke within a frame"),
            Self::Silent(time) => write!(f, "nothing was heard for {time:?}"),
            Self::Failed(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

/// A connection and what is on its way in and out.
pub(super) struct Connection {
    stream: Box<dyn ByteStream>,
    peer: Peer,
    decoder: FrameDecoder,
    chunk: Box<[u8]>,
    unwritten: Vec<u8>,
    /// How much of `unwritten` the stream took.
    written: usize,
    /// The stream took part of a frame.
    is_mid_frame: bool,
    write_failed: bool,
    pong_due: bool,
    beat: Interval,
    silent_beats: u32,
    missed_beats: u32,
}

impl Connection {
    pub(super) fn new(carrier: Carrier, options: &PipeOptions) -> Self {
        let mut beat = interval_at(Instant::now() + options.heartbeat, options.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            stream: carrier.stream,
            peer: carrier.peer,
            decoder: FrameDecoder::new(options.limits()),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            unwritten: Vec::new(),
            written: 0,
            is_mid_frame: false,
            write_failed: false,
            pong_due: false,
            beat,
            silent_beats: 0,
            missed_beats: options.missed_heartbeats,
        }
    }

    /// Who is at the other end.
    pub(super) fn peer(&self) -> Peer {
        self.peer
    }

    /// Writes what is there to write, reads if `reading`, keeps the heartbeat; returns when something came or went.
    ///
    /// Only to be asked to read when [`Connection::next_frame`] has given all there is. May be dropped at any time.
    pub(super) async fn turn(&mut self, reading: bool) -> Result<(), Lost> {
        poll_fn(|context| self.poll_turn(context, reading)).await
    }

    /// The next frame that has come.
    pub(super) fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.decoder.next_frame()
    }

    /// To be called for each ping. Many pings are answered with one pong.
    pub(super) fn answer_ping(&mut self) {
        self.pong_due = true;
    }

    /// Adds a frame to what is to be written.
    pub(super) fn push(&mut self, frame: &Frame<'_>) {
        frame.encode(&mut self.unwritten);
    }

    /// Whether more may be added now.
    pub(super) fn has_room(&self) -> bool {
        self.unwritten.len() - self.written < HIGH_WATER
    }

    /// Adds what is due: a pong, an acknowledgement, the next messages. As much as there is room for.
    pub(super) fn pump<T: Body>(&mut self, link: &mut Link<T>) {
        if !self.has_room() {
            return;
        }
        self.pump_pong();
        if let Some(number) = link.next_ack() {
            self.push(&Frame::Ack(number));
        }
        while self.has_room()
            && let Some((number, item)) = link.next_message()
        {
            self.push(&Frame::Message(Numbered { number, body: item.body() }));
        }
    }

    /// Adds a pong, if one is due.
    pub(super) fn pump_pong(&mut self) {
        if self.pong_due && self.has_room() {
            self.pong_due = false;
            self.push(&Frame::Pong(Empty {}));
        }
    }

    /// Says why, and closes. Frames of which nothing was written yet are not written any more.
    pub(super) async fn dismiss(mut self, fault: &Fault) {
        self.drop_frames_not_begun();
        self.push(&Frame::Error(ErrorFrame { code: fault.code, message: fault.message.as_str().into() }));
        self.finish().await;
    }

    /// Writes what is left, for a second at most, and closes.
    pub(super) async fn finish(mut self) {
        let rest = &self.unwritten[self.written..];
        // Whoever does not listen is not told.
        if !self.write_failed && !matches!(timeout(FAREWELL, self.stream.write_all(rest)).await, Ok(Ok(()))) {
            tracing::debug!(peer = %self.peer, "the other end of a connection did not hear the last word");
        }
    }

    fn drop_frames_not_begun(&mut self) {
        let rest = &self.unwritten[self.written..];
        let begun = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) if self.is_mid_frame => end + 1,
            _ => 0,
        };
        self.unwritten.truncate(self.written + begun);
    }

    fn poll_turn(&mut self, context: &mut Context<'_>, reading: bool) -> Poll<Result<(), Lost>> {
        let mut moved = self.poll_beat(context, reading)?.is_ready();
        moved |= self.poll_write(context).is_ready();
        if reading {
            moved |= self.poll_read(context)?.is_ready();
        }
        if moved { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_beat(&mut self, context: &mut Context<'_>, reading: bool) -> Poll<Result<(), Lost>> {
        ready!(self.beat.poll_tick(context));
        // Who does not listen cannot tell whether the other end speaks.
        self.silent_beats = if reading { self.silent_beats + 1 } else { 0 };
        if self.silent_beats > self.missed_beats {
            return Poll::Ready(Err(Lost::Silent(self.beat.period() * self.missed_beats)));
        }
        if self.has_room() {
            self.push(&Frame::Ping(Empty {}));
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when something was written. What fails is told by the next read, which may still find a last word.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut wrote = Poll::Pending;
        while !self.write_failed && self.written < self.unwritten.len() {
            let rest = &self.unwritten[self.written..];
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Pending => break,
                Poll::Ready(Ok(count)) if count > 0 => self.wrote(count),
                Poll::Ready(_) => self.write_failed = true,
            }
            wrote = Poll::Ready(());
        }
        wrote
    }

    fn wrote(&mut self, count: usize) {
        self.written += count;
        self.is_mid_frame = self.unwritten[self.written - 1] != b'\n';
        if self.written == self.unwritten.len() || self.written > HIGH_WATER {
            self.unwritten.drain(..self.written);
            self.written = 0;
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let mut buffer = ReadBuf::new(&mut self.chunk);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)).map_err(Lost::Failed)?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(if self.decoder.is_torn() { Lost::Torn } else { Lost::Closed }));
        }
        self.silent_beats = 0;
        self.decoder.push(buffer.filled());
        Poll::Ready(Ok(()))
    }
}
