//! The coordinator's end of a subscriber: what it missed, a snapshot, then every change.
//!
//! What is sent is JSON of the coordinator's; nothing is known of it here. A subscriber that does not keep up is told
//! so and closed: it connects again and goes on where it was.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, oneshot};

use super::connection::{Connection, Fault, Lost};
use super::frame::{ErrorCode, Frame, Hello};
use super::line::Identity;
use super::server::SubscribeRequest;

/// What a subscriber gets.
#[derive(Debug)]
pub struct Subscription {
    /// The opening begins where the subscriber was.
    pub resumed: bool,
    /// Changes that it missed, if they are known, and then one snapshot.
    pub opening: mpsc::Receiver<Opening>,
    /// Each change since the snapshot, as JSON. One that lags behind the channel's capacity is closed.
    pub changes: broadcast::Receiver<Arc<str>>,
}

/// What a subscriber gets first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// A change from before the snapshot, as JSON.
    Change(Arc<str>),
    /// Everything, as JSON.
    Snapshot(String),
}

/// Why a subscriber is no longer served.
pub(super) enum Parting {
    /// It went, or the coordinator did.
    Gone,
    /// It is told why.
    Told(Fault),
}

impl From<Lost> for Parting {
    fn from(_: Lost) -> Self {
        Self::Gone
    }
}

/// Serves one subscriber until it goes, lags or errs.
pub(super) async fn serve(
    connection: &mut Connection,
    hello: Hello,
    identity: &Identity,
    requests: &mpsc::Sender<SubscribeRequest>,
) -> Parting {
    let Some(subscription) = subscribe(hello.participant, hello.position, requests).await else {
        return Parting::Told(Fault::new(ErrorCode::Unavailable, "the coordinator takes no subscribers now"));
    };
    connection.push(&Frame::Welcome(Box::new(identity.welcome(subscription.resumed, 0))));
    let mut feed = Feed { connection, subscription, max_frame: hello.max_frame };
    feed.run().await.err().unwrap_or(Parting::Gone)
}

async fn subscribe(
    name: String,
    position: Option<String>,
    requests: &mpsc::Sender<SubscribeRequest>,
) -> Option<Subscription> {
    let (reply, answer) = oneshot::channel();
    requests.send(SubscribeRequest { name, position, reply }).await.ok()?;
    answer.await.ok()
}

struct Feed<'a> {
    connection: &'a mut Connection,
    subscription: Subscription,
    /// What the subscriber takes, in bytes.
    max_frame: usize,
}

impl Feed<'_> {
    /// Ends only with a reason to part.
    async fn run(&mut self) -> Result<(), Parting> {
        let mut has_begun = false;
        loop {
            let has_room = self.connection.has_room();
            tokio::select! {
                turn = self.connection.turn(true) => turn?,
                opening = self.subscription.opening.recv(), if has_room && !has_begun => match opening {
                    Some(Opening::Change(change)) => self.push(&change, Frame::Notice)?,
                    Some(Opening::Snapshot(snapshot)) => {
                        self.push(&snapshot, Frame::Snapshot)?;
                        has_begun = true;
                    }
                    None => return Err(unavailable("what was missed cannot be told now")),
                },
                change = self.subscription.changes.recv(), if has_room && has_begun => match change {
                    Ok(change) => self.push(&change, Frame::Notice)?,
                    Err(RecvError::Lagged(missed)) => return Err(lagged(missed)),
                    Err(RecvError::Closed) => return Err(Parting::Gone),
                },
            }
            self.read()?;
            self.connection.pump_pong();
        }
    }

    fn push<'b>(&mut self, json: &'b str, frame: impl FnOnce(&'b RawValue) -> Frame<'b>) -> Result<(), Parting> {
        let no_json = |error| unavailable(format!("what is to be told is no JSON: {error}"));
        let body = serde_json::from_str(json).map_err(no_json)?;
        let frame = frame(body);
        // The name of the frame and its brackets.
        if json.len() + 16 > self.max_frame {
            let message = format!("a {} has {} bytes; raise `max_frame`", frame.name(), json.len());
            return Err(Parting::Told(Fault::new(ErrorCode::TooLong, message)));
        }
        self.connection.push(&frame);
        Ok(())
    }

    fn read(&mut self) -> Result<(), Parting> {
        while let Some(frame) = self.connection.next_frame().map_err(|error| Parting::Told(error.into()))? {
            match frame {
                Frame::Ping(_) => self.connection.answer_ping(),
                Frame::Pong(_) => {}
                other => return Err(Parting::Told(Fault::unexpected(&other))),
            }
        }
        Ok(())
    }
}

fn lagged(missed: u64) -> Parting {
    let message = format!("{missed} notices are waiting; connect again, and go on where you are");
    Parting::Told(Fault::new(ErrorCode::Lagged, message))
}

fn unavailable(message: impl Into<String>) -> Parting {
    Parting::Told(Fault::new(ErrorCode::Unavailable, message))
}
