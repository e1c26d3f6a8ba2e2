//! A subscriber's end of the pipe: everything once, then every change, in order and without gaps.
//!
//! When the connection is lost, or the subscriber did not keep up, it connects again, says where it was, and gets what it
//! missed and everything anew. Of what the snapshot and the changes say it knows their positions, as text.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::PipeOptions;
use super::client::ClientError;
use super::connection::{Connection, Fault};
use super::endpoint::{BUS_SOCKET, Endpoint};
use super::frame::{ErrorCode, Frame, Hello};
use super::speaker::{Backoff, Setback, Speaker};
use super::transport::Dial;
use crate::notice::Position;

/// While so much waits to be taken, nothing more is read.
const BACKLOG: usize = 64;

/// Watches the sagas of a coordinator. Dropping it closes the connection.
#[derive(Debug)]
pub struct Subscriber {
    events: mpsc::Receiver<Result<SubscriberEvent, ClientError>>,
}

/// What a subscriber learns. A snapshot and a change are [`Snapshot`](crate::notice::Snapshot) and
/// [`Told`](crate::notice::Told) as JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum SubscriberEvent {
    /// Everything; what was known of sagas in flight before is void.
    Snapshot(Value),
    /// What changed: since the snapshot, or while it was disconnected.
    Change(Value),
    /// The coordinator is away. When it is back, the changes that were missed follow, then a snapshot.
    Disconnected,
}

impl Subscriber {
    /// Subscribes under this name. Connects in the background, again and again.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect(endpoint: &Endpoint, name: impl Into<String>, options: PipeOptions) -> Self {
        Self::connect_over(endpoint.socket(BUS_SOCKET), name, options)
    }

    /// As [`Subscriber::connect`]; begins with the changes since this position, which an earlier life of the subscriber
    /// has reached.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn resume(endpoint: &Endpoint, name: impl Into<String>, position: Position, options: PipeOptions) -> Self {
        Self::spawn(endpoint.socket(BUS_SOCKET), name.into(), Some(position.to_string()), options)
    }

    /// As [`Subscriber::connect`], over something else than a Unix domain socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn connect_over(dial: impl Dial, name: impl Into<String>, options: PipeOptions) -> Self {
        Self::spawn(dial, name.into(), None, options)
    }

    fn spawn(dial: impl Dial, name: String, position: Option<String>, options: PipeOptions) -> Self {
        let (sender, events) = mpsc::channel(BACKLOG);
        let speaker = Speaker::subscriber(name, options);
        tokio::spawn(watch(dial, speaker, position, sender));
        Self { events }
    }

    /// The next thing to learn. An error is the last one: to connect again cannot help.
    pub async fn next(&mut self) -> Option<Result<SubscriberEvent, ClientError>> {
        self.events.recv().await
    }
}

type Sender = mpsc::Sender<Result<SubscriberEvent, ClientError>>;

async fn watch(dial: impl Dial, speaker: Speaker, mut position: Option<String>, sender: Sender) {
    let mut backoff = Backoff::new(&speaker.options);
    while !sender.is_closed() {
        let hello = Hello { position: position.clone(), ..speaker.hello() };
        let setback = match speaker.introduce(&dial, hello).await {
            Ok((connection, welcome)) => {
                backoff.reset();
                let opening = if welcome.resumed { Expected::Missed } else { Expected::Snapshot };
                let (unseen, position) = (VecDeque::new(), &mut position);
                let watch = Watch { speaker: &speaker, sender: &sender, unseen, position, expected: opening };
                let setback = watch.attend(connection).await;
                // When nobody listens any more, the loop ends.
                let _ = sender.send(Ok(SubscriberEvent::Disconnected)).await;
                setback
            }
            Err(setback) => setback,
        };
        match setback {
            Setback::Passing(reason) => tracing::debug!(%reason, "not subscribed"),
            Setback::Final(error) => {
                let _ = sender.send(Err(error)).await;
                return;
            }
        }
        tokio::select! {
            () = sleep(backoff.wait()) => {}
            () = sender.closed() => {}
        }
    }
}

/// One connection of a subscriber.
struct Watch<'a> {
    speaker: &'a Speaker,
    sender: &'a Sender,
    /// Came, and is not taken yet.
    unseen: VecDeque<SubscriberEvent>,
    /// Of the last that came.
    position: &'a mut Option<String>,
    expected: Expected,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// What was missed, and the snapshot after it.
    Missed,
    /// The snapshot.
    Snapshot,
    /// Changes.
    Changes,
}

impl Watch<'_> {
    async fn attend(mut self, mut connection: Connection) -> Setback {
        loop {
            match self.read(&mut connection) {
                Ok(None) => {}
                Ok(Some(setback)) => {
                    self.deliver_rest().await;
                    return setback;
                }
                Err(fault) => return Speaker::part(connection, fault).await,
            }
            connection.pump_pong();
            let reading = self.unseen.len() < BACKLOG;
            tokio::select! {
                turn = connection.turn(reading) => if let Err(lost) = turn {
                    self.deliver_rest().await;
                    return lost.into();
                },
                permit = self.sender.reserve(), if !self.unseen.is_empty() => {
                    if let (Ok(permit), Some(event)) = (permit, self.unseen.pop_front()) {
                        permit.send(Ok(event));
                    }
                }
                () = self.sender.closed() => return Setback::Passing("nobody listens any more".to_owned()),
            }
        }
    }

    /// Takes the frames that have come; gives why the connection ends, if one of them says so.
    fn read(&mut self, connection: &mut Connection) -> Result<Option<Setback>, Fault> {
        while self.unseen.len() < BACKLOG {
            let Some(frame) = connection.next_frame()? else { return Ok(None) };
            match frame {
                Frame::Snapshot(body) if self.expected != Expected::Changes => {
                    self.expected = Expected::Changes;
                    let snapshot = value(body.get())?;
                    self.came(&snapshot);
                    self.unseen.push_back(SubscriberEvent::Snapshot(snapshot));
                }
                Frame::Notice(body) if self.expected != Expected::Snapshot => {
                    let change = value(body.get())?;
                    self.came(&change);
                    self.unseen.push_back(SubscriberEvent::Change(change));
                }
                Frame::Ping(_) => connection.answer_ping(),
                Frame::Pong(_) => {}
                Frame::Error(error) => return Ok(Some(self.speaker.told(&error))),
                other => return Err(Fault::unexpected(&other)),
            }
        }
        Ok(None)
    }

    /// What came is not to come again.
    fn came(&mut self, body: &Value) {
        if let Some(position) = body.get("position").and_then(Value::as_str) {
            *self.position = Some(position.to_owned());
        }
    }

    async fn deliver_rest(&mut self) {
        for event in self.unseen.drain(..) {
            // When nobody listens any more, it is nobody's loss.
            let _ = self.sender.send(Ok(event)).await;
        }
    }
}

fn value(json: &str) -> Result<Value, Fault> {
    serde_json::from_str(json).map_err(|error| Fault::new(ErrorCode::Malformed, error.to_string()))
}
