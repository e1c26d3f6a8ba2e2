//! The wire: one JSON object a line, as `docs/protocol.md` describes it.
//!
//! Says what a frame looks like and nothing about when one may be sent. Knows no bus: the body of a message is JSON
//! that passes through, byte by byte.

mod decoder;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bus::SessionId;
use crate::message::Memory;

pub use self::decoder::{FrameDecoder, FrameError, Limits};

/// The version of the protocol. Both ends must speak the same.
pub const PROTOCOL: u32 = 1;

/// One line of a pipe: an object with one field, which names the frame.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame<'a> {
    /// The first frame of whoever connects.
    Hello(Box<Hello>),
    /// The coordinator's answer to [`Frame::Hello`].
    Welcome(Box<Welcome>),
    /// Numbered, kept by its sender until acknowledged.
    #[serde(borrow)]
    Message(Numbered<'a>),
    /// Messages up to this number have been taken over.
    Ack(u64),
    /// Is anyone there?
    Ping(Empty),
    /// The answer to [`Frame::Ping`].
    Pong(Empty),
    /// The last frame before the sender closes the connection.
    #[serde(borrow)]
    Error(ErrorFrame<'a>),
    /// To a subscriber: everything, once, after what it missed.
    #[serde(borrow)]
    Snapshot(&'a RawValue),
    /// To a subscriber: a change.
    #[serde(borrow)]
    Notice(&'a RawValue),
}

impl Frame<'_> {
    /// The name of the frame on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Welcome(_) => "welcome",
            Self::Message(_) => "message",
            Self::Ack(_) => "ack",
            Self::Ping(_) => "ping",
            Self::Pong(_) => "pong",
            Self::Error(_) => "error",
            Self::Snapshot(_) => "snapshot",
            Self::Notice(_) => "notice",
        }
    }

    /// Appends the frame, as one line.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        serde_json::to_writer(&mut *bytes, self).expect("text, numbers and JSON always make JSON, and memory takes it");
        // JSON has line breaks only between tokens, and there a blank means the same.
        for byte in &mut bytes[start..] {
            if *byte == b'\n' {
                *byte = b' ';
            }
        }
        bytes.push(b'\n');
    }
}

/// The body of frames that say all by their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// A message with its number.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered<'a> {
    /// Grows by one, from 1.
    pub number: u64,
    /// JSON, exactly as its sender wrote it.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

impl Numbered<'_> {
    /// Bytes that a frame has around the body of a message, at most.
    const AROUND: usize = 64;
    /// Levels around the body of a message.
    const LEVELS: usize = 2;

    /// Whether a message with this body fits into a frame that the other end takes.
    ///
    /// # Errors
    /// If it is too long or nests too deep.
    pub fn check(limits: &Limits, body: &RawValue) -> Result<(), FrameError> {
        let within = Limits {
            max_frame: limits.max_frame.saturating_sub(Self::AROUND),
            max_depth: limits.max_depth.saturating_sub(Self::LEVELS),
        };
        within.check(body.get().as_bytes())
    }
}

/// Why a connection is closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorFrame<'a> {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

/// Who connects, what it speaks, and where it stands.
///
/// Only `protocol` is required to be there, so that an end of another version is refused for its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// What it wants to be.
    #[serde(default)]
    pub role: Role,
    /// Its name: that of a participant, or of a subscriber in logs.
    #[serde(default)]
    pub participant: String,
    /// The name of the bus; a subscriber may leave it out.
    #[serde(default)]
    pub bus: String,
    /// The fingerprint of the bus; a subscriber may leave it out.
    #[serde(default)]
    pub fingerprint: String,
    /// Random text that names this life of the process.
    #[serde(default)]
    pub session: SessionId,
    /// What the participant keeps when its process dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Its messages up to this number were acknowledged, by whichever coordinator: it has them no more.
    #[serde(default)]
    pub acknowledged: u64,
    /// The highest number among the messages that it has to say now.
    #[serde(default)]
    pub sent: u64,
    /// Where it stands in the messages of the coordinator that it spoke with last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// A subscriber's: where it stands in what it was told, as it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The longest frame that it takes, in bytes, without the line break.
    #[serde(default = "default_max_frame")]
    pub max_frame: usize,
}

fn default_max_frame() -> usize {
    Limits::default().max_frame
}

/// How far the messages of a session have been taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// The sender's session.
    pub session: SessionId,
    /// The number of the last message that was taken over.
    pub number: u64,
}

/// What the coordinator speaks, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The name of the bus.
    pub bus: String,
    /// The fingerprint of the bus.
    pub fingerprint: String,
    /// Random text that names this run of the coordinator.
    pub session: SessionId,
    /// Its messages go on after `received` of the hello; otherwise they begin again at 1. To a subscriber: what follows
    /// begins with what it missed since the position that it gave.
    pub resumed: bool,
    /// The number of the last message of this participant's session that is recorded.
    pub received: u64,
    /// The longest frame that it takes, in bytes, without the line break.
    pub max_frame: usize,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes commands, and publishes.
    #[default]
    Participant,
    /// Only publishes.
    Publisher,
    /// Only watches.
    Subscriber,
}

/// Why a connection is closed, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// A line that is no frame.
    Malformed,
    /// A line that is not UTF-8.
    NotUtf8,
    /// A line that is too long.
    TooLong,
    /// A line that nests too deep.
    TooDeep,
    /// The ends speak different versions of the protocol.
    OtherProtocol,
    /// The ends speak different buses, or different versions of one.
    OtherBus,
    /// Nobody of this name may do that.
    NotAllowed,
    /// The process belongs to another user.
    WrongUser,
    /// No hello came in time.
    NoHello,
    /// There are too many connections.
    Crowded,
    /// Another process of the same name has taken over.
    Fenced,
    /// A subscriber did not keep up.
    Lagged,
    /// A number that does not follow.
    Sequence,
    /// A frame in the wrong place.
    Unexpected,
    /// A message that is none of this bus.
    BadMessage,
    /// The coordinator cannot serve this now.
    Unavailable,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Whether to connect again may help.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::NoHello | Self::Crowded | Self::Lagged | Self::Unavailable)
    }
}

impl fmt::Display for ErrorCode {
    /// As on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(frame: &Frame<'_>) -> String {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    #[test]
    fn frames_look_as_documented() {
        let body: &RawValue = serde_json::from_str(r#"{"published":  "x"}"#).expect("JSON");
        let error = ErrorFrame { code: ErrorCode::OtherBus, message: "no".into() };
        assert_eq!(line(&Frame::Ack(7)), "{\"ack\":7}\n");
        assert_eq!(line(&Frame::Ping(Empty {})), "{\"ping\":{}}\n");
        assert_eq!(line(&Frame::Error(error)), "{\"error\":{\"code\":\"other_bus\",\"message\":\"no\"}}\n");
        assert_eq!(
            line(&Frame::Message(Numbered { number: 3, body })),
            "{\"message\":{\"number\":3,\"body\":{\"published\":  \"x\"}}}\n"
        );
    }

    #[test]
    fn a_line_break_in_a_body_does_not_break_the_line() {
        let body: &RawValue = serde_json::from_str("{\n\"a\": \"x\\ny\"\n}").expect("JSON");
        assert_eq!(line(&Frame::Notice(body)), "{\"notice\":{ \"a\": \"x\\ny\" }}\n");
    }

    #[test]
    fn a_code_from_the_future_is_unknown() {
        assert_eq!(serde_json::from_str::<ErrorCode>("\"on_fire\"").expect("a code"), ErrorCode::Unknown);
        assert_eq!(ErrorCode::NotUtf8.to_string(), "not_utf8");
    }
}
