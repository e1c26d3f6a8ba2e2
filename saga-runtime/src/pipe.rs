//! The pipe: between the coordinator's process and the participants and subscribers in other processes.
//!
//! ```text
//!  coordinator ◄─bus─► PipeServer: a line a participant ◄─frames─► PipeClient ◄─bus─► participant's driver
//!              ───────► a task a subscriber             ─frames─►  Subscriber
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | [`endpoint`] | the private directory in which processes meet, and its sockets |
//! | [`transport`] | what carries bytes: Unix domain sockets, or anything else |
//! | [`frame`] | the wire: what a frame looks like; bytes in, frames out |
//! | [`link`] | numbering, acknowledging, going on after a reconnect; no I/O, no clock |
//! | [`server`] | the coordinator's end |
//! | [`client`] | a participant's end |
//! | [`subscription`] | what the coordinator tells a subscriber |
//! | [`subscriber`] | a subscriber's end |
//! | [`conformance`] | what a participant promises, as a suite that runs against any program |
//!
//! The pipe decides nothing about sagas, and knows none. `docs/protocol.md` describes the wire for other languages.

pub mod client;
pub mod conformance;
pub mod endpoint;
pub mod frame;
pub mod link;
pub mod server;
pub mod subscriber;
pub mod subscription;
pub mod transport;

mod body;
mod connection;
mod handshake;
mod line;
mod rights;
mod speaker;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::frame::Limits;
use crate::bus::SessionId;

pub use self::client::{ClientError, ClientHandle, Deliveries, PipeClient, Recorded};
pub use self::endpoint::{Endpoint, EndpointError};
pub use self::server::{Lines, PipeEvent, PipeServer, SubscribeRequest};
pub use self::subscriber::{Subscriber, SubscriberEvent};
pub use self::subscription::{Opening, Subscription};

/// What an end of a pipe allows and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipeOptions {
    /// Bytes of the longest frame, without the line break. 1 MiB.
    pub max_frame: usize,
    /// How many numbered messages may be out and not taken over. 64.
    pub window: usize,
    /// How long the other end may take to introduce itself. 5 s.
    pub handshake: Duration,
    /// How often each end makes itself heard. 2 s.
    pub heartbeat: Duration,
    /// After so many heartbeats without a sound the other end is taken for dead. 5.
    pub missed_heartbeats: u32,
    /// The first wait before a client connects again; doubled after each failure. 50 ms.
    pub reconnect: Duration,
    /// The longest such wait. 2 s.
    pub reconnect_at_most: Duration,
    /// How many connections may be about to introduce themselves at once. 32.
    pub max_handshakes: usize,
    /// How many subscribers may be connected at once. 32.
    pub max_subscribers: usize,
}

impl Default for PipeOptions {
    fn default() -> Self {
        Self {
            max_frame: Limits::default().max_frame,
            window: 64,
            handshake: Duration::from_secs(5),
            heartbeat: Duration::from_secs(2),
            missed_heartbeats: 5,
            reconnect: Duration::from_millis(50),
            reconnect_at_most: Duration::from_secs(2),
            max_handshakes: 32,
            max_subscribers: 32,
        }
    }
}

impl PipeOptions {
    fn limits(&self) -> Limits {
        Limits { max_frame: self.max_frame, ..Limits::default() }
    }
}

/// Random text that names this life of a process.
fn new_session() -> SessionId {
    let bits = getrandom::u64().expect("the operating system has random numbers once it has booted");
    format!("{bits:016x}")
}
