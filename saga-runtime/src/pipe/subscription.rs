//! The coordinator's end of a subscriber: a snapshot, then every change since.
//!
//! What is sent is JSON of the coordinator's; nothing is known of it here. A subscriber that does not keep up is told
//! so and closed: it connects again and begins with a new snapshot, rather than with a gap.

use serde_json::value::RawValue;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot};

use super::connection::{Connection, Fault, Lost};
use super::frame::{ErrorCode, Frame, Hello};
use super::line::Identity;
use super::server::{SubscribeRequest, Subscription};

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
    let Some(subscription) = subscribe(hello.participant, requests).await else {
        return Parting::Told(Fault::new(ErrorCode::Unavailable, "the coordinator takes no subscribers now"));
    };
    connection.push(&Frame::Welcome(Box::new(identity.welcome(false, 0))));
    let mut feed = Feed { connection, subscription, max_frame: hello.max_frame };
    feed.run().await.err().unwrap_or(Parting::Gone)
}

async fn subscribe(name: String, requests: &mpsc::Sender<SubscribeRequest>) -> Option<Subscription> {
    let (reply, answer) = oneshot::channel();
    requests.send(SubscribeRequest { name, reply }).await.ok()?;
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
        let snapshot = std::mem::take(&mut self.subscription.snapshot);
        self.push(&snapshot, Frame::Snapshot)?;
        loop {
            let has_room = self.connection.has_room();
            tokio::select! {
                turn = self.connection.turn(true) => turn?,
                change = self.subscription.changes.recv(), if has_room => match change {
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
        let body = serde_json::from_str(json).map_err(|error| {
            Parting::Told(Fault::new(ErrorCode::Unavailable, format!("a notice is no JSON: {error}")))
        })?;
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
    let message = format!("{missed} notices were missed; connect again for a new snapshot");
    Parting::Told(Fault::new(ErrorCode::Lagged, message))
}
