//! A renderer's process: it watches the sagas of a launcher, and says what it sees, one line each.
//!
//! It gets what is in flight, then every change, in order and without gaps; when the launcher was away, all of it anew.

use std::io::{self, Write};

use saga_runtime::cli::describe;
use saga_runtime::notice::Notice;
use saga_runtime::pipe::{Endpoint, PipeOptions, Subscriber, SubscriberEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ProgramError;
use super::stop::Stop;

/// The name under which it subscribes.
const NAME: &str = "renderer";

/// What a renderer sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// What is in flight; what was known before is void.
    Snapshot(Value),
    /// What changed since.
    Change(Notice),
    /// The launcher is away; a snapshot follows when it is back.
    Disconnected,
}

impl Seen {
    /// In words, on one line.
    pub fn describe(&self) -> String {
        match self {
            Self::Snapshot(snapshot) => format!("{:>5} · in flight: {}", "", snapshot.as_array().map_or(0, Vec::len)),
            Self::Change(notice) => describe(notice),
            Self::Disconnected => format!("{:>5} · the launcher is away", ""),
        }
    }
}

/// Watches until it is to stop.
///
/// # Errors
/// If the directory cannot be used, or the launcher does not let it in.
pub async fn run(endpoint: &Endpoint, json: bool, stop: &mut Stop) -> Result<(), ProgramError> {
    let mut subscriber = Subscriber::connect(endpoint, NAME, PipeOptions::default());
    loop {
        let event = tokio::select! {
            event = subscriber.next() => event,
            () = stop.asked() => return Ok(()),
        };
        match event {
            Some(event) => say(&seen(event?)?, json)?,
            None => return Ok(()),
        }
    }
}

fn seen(event: SubscriberEvent) -> Result<Seen, serde_json::Error> {
    Ok(match event {
        SubscriberEvent::Snapshot(snapshot) => Seen::Snapshot(snapshot),
        SubscriberEvent::Change(change) => Seen::Change(serde_json::from_value(change)?),
        SubscriberEvent::Disconnected => Seen::Disconnected,
    })
}

fn say(seen: &Seen, json: bool) -> io::Result<()> {
    let line = if json { serde_json::to_string(seen)? } else { seen.describe() };
    writeln!(io::stdout(), "{line}")
}
