//! The task behind a [`PipeClient`](super::PipeClient): alone owns the connection, and so alone writes to it.

use std::collections::VecDeque;
use std::future::pending;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use super::{ClientError, State};
use crate::bus::{Delivery, Horizon, SessionId};
use crate::message::{Bus, ExchangeKey};
use crate::pipe::body::{Inbound, decode_delivery};
use crate::pipe::connection::{Body, Connection, Fault};
use crate::pipe::frame::{ErrorCode, Frame, Numbered, Received, Welcome};
use crate::pipe::link::{Link, Receipt};
use crate::pipe::speaker::{Backoff, Setback, Speaker};
use crate::pipe::transport::Dial;

/// While so much waits for the participant, nothing more is read: more than any window, so that only a coordinator that
/// breaks the rules gets here. Acknowledgements come the same way, and a participant that waits for one takes nothing.
const BACKLOG: usize = 1024;

/// A report on its way, and whom to tell that it is recorded.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) body: Box<RawValue>,
    pub(super) recorded: oneshot::Sender<()>,
}

impl Body for Pending {
    fn body(&self) -> &RawValue {
        &self.body
    }
}

impl Pending {
    fn record(self) {
        // Not everybody waits for it.
        let _ = self.recorded.send(());
    }
}

/// What the participant gets.
type Item<B> = (Delivery<B>, Horizon);

/// A participant's end of the pipe, over all its connections.
pub(super) struct ClientTask<B: Bus, D> {
    dial: D,
    reported: mpsc::Receiver<Pending>,
    /// None for a publisher.
    deliver: Option<mpsc::Sender<Item<B>>>,
    state: watch::Sender<State>,
    talk: Talk<B>,
}

/// What lasts from one connection to the next.
struct Talk<B: Bus> {
    speaker: Speaker,
    link: Link<Pending>,
    /// The coordinator that was spoken with last.
    coordinator: Option<SessionId>,
    /// Came, and is not taken yet. None: it was withdrawn, and only its number counts.
    inbound: VecDeque<Option<Item<B>>>,
    takes_deliveries: bool,
}

impl<B: Bus, D: Dial> ClientTask<B, D> {
    pub(super) fn new(
        dial: D,
        speaker: Speaker,
        reported: mpsc::Receiver<Pending>,
        deliver: Option<mpsc::Sender<Item<B>>>,
        state: watch::Sender<State>,
    ) -> Self {
        let link = Link::new(speaker.options.window);
        let takes_deliveries = deliver.is_some();
        let talk = Talk { speaker, link, coordinator: None, inbound: VecDeque::new(), takes_deliveries };
        Self { dial, reported, deliver, state, talk }
    }

    /// Runs until the participant is gone, or to connect again cannot help.
    pub(super) async fn run(mut self) -> Result<(), ClientError> {
        let result = self.keep_connected().await;
        if let Err(error) = &result {
            tracing::error!(%error, "the pipe is closed for good");
        }
        // Before whatever is not recorded is dropped with the link, so that whoever waits for it learns why.
        self.state.send_replace(State::Ended(result.clone()));
        result
    }

    async fn keep_connected(&mut self) -> Result<(), ClientError> {
        let mut backoff = Backoff::new(&self.talk.speaker.options);
        loop {
            let setback = match self.connect().await {
                Ok(connection) => {
                    backoff.reset();
                    self.state.send_replace(State::Connected);
                    match self.attend(connection).await {
                        Ok(()) => return Ok(()),
                        Err(setback) => setback,
                    }
                }
                Err(setback) => setback,
            };
            match setback {
                Setback::Final(error) => return Err(error),
                Setback::Passing(reason) => tracing::debug!(%reason, "not connected"),
            }
            self.state.send_replace(State::Connecting);
            if self.is_done() {
                return Ok(());
            }
            tokio::select! {
                () = sleep(backoff.wait()) => {}
                () = taker_gone(self.deliver.as_ref()) => return Ok(()),
            }
        }
    }

    async fn connect(&mut self) -> Result<Connection, Setback> {
        // What is queued by now is part of what there is to say.
        while self.talk.has_room() {
            let Ok(report) = self.reported.try_recv() else { break };
            self.talk.link.send(report);
        }
        let mut hello = self.talk.speaker.hello();
        hello.acknowledged = self.talk.link.acknowledged();
        hello.sent = self.talk.link.last();
        let number = self.talk.link.taken();
        hello.received = self.talk.coordinator.clone().map(|session| Received { session, number });
        let (connection, welcome) = self.talk.speaker.introduce(&self.dial, hello).await?;
        match self.talk.resume(welcome) {
            Ok(()) => Ok(connection),
            Err(fault) => Err(Speaker::part(connection, fault).await),
        }
    }

    /// Serves one connection; ends well when there is nothing left to do.
    async fn attend(&mut self, mut connection: Connection) -> Result<(), Setback> {
        let Self { talk, reported, deliver, .. } = self;
        let mut has_reporters = true;
        loop {
            if let Err(said) = talk.read(&mut connection) {
                return Err(match said {
                    Said::Wrong(fault) => Speaker::part(connection, fault).await,
                    Said::Farewell(setback) => setback,
                });
            }
            connection.pump(&mut talk.link);
            if !has_reporters && talk.link.acknowledged() == talk.link.last() {
                connection.finish().await;
                return Ok(());
            }
            let reading = talk.inbound.len() < BACKLOG;
            tokio::select! {
                report = reported.recv(), if has_reporters && talk.has_room() => match report {
                    Some(report) => talk.queue(report, reported),
                    None => has_reporters = false,
                },
                turn = connection.turn(reading) => turn?,
                permit = permit(deliver.as_ref()), if !talk.inbound.is_empty() => match permit {
                    Some(permit) => {
                        talk.hand_over(permit, deliver.as_ref());
                        // What can be answered at once is: the acknowledgement travels with the answer.
                        tokio::task::yield_now().await;
                        talk.queue_ready(reported);
                    }
                    None => return Ok(()),
                },
                () = taker_gone(deliver.as_ref()) => return Ok(()),
            }
        }
    }

    /// Whether nobody can report any more, and everything is recorded.
    fn is_done(&self) -> bool {
        let link = &self.talk.link;
        self.reported.is_closed() && self.reported.is_empty() && link.acknowledged() == link.last()
    }
}

/// What the coordinator said that ends a connection.
enum Said {
    /// It broke the rules, and is to be told.
    Wrong(Fault),
    /// Its last word.
    Farewell(Setback),
}

impl<F: Into<Fault>> From<F> for Said {
    fn from(fault: F) -> Self {
        Self::Wrong(fault.into())
    }
}

impl<B: Bus> Talk<B> {
    /// Goes on where the coordinator says.
    fn resume(&mut self, welcome: Welcome) -> Result<(), Fault> {
        if !welcome.resumed {
            self.link.restart_incoming(0);
            self.inbound.clear();
        } else if self.coordinator.as_ref() != Some(&welcome.session) {
            return Err(Fault::new(ErrorCode::Sequence, "a session cannot be resumed that was never begun"));
        }
        self.coordinator = Some(welcome.session);
        self.link.resume(welcome.received)?.for_each(Pending::record);
        Ok(())
    }

    fn read(&mut self, connection: &mut Connection) -> Result<(), Said> {
        while self.inbound.len() < BACKLOG {
            let Some(frame) = connection.next_frame().map_err(Fault::from)? else { return Ok(()) };
            match frame {
                Frame::Message(message) if self.takes_deliveries => self.receive(&message)?,
                Frame::Ack(number) => self.link.acknowledge(number).map_err(Fault::from)?.for_each(Pending::record),
                Frame::Ping(_) => connection.answer_ping(),
                Frame::Pong(_) => {}
                Frame::Error(error) => return Err(Said::Farewell(self.speaker.told(&error))),
                other => return Err(Fault::unexpected(&other).into()),
            }
        }
        Ok(())
    }

    fn receive(&mut self, message: &Numbered<'_>) -> Result<(), Fault> {
        let inbound = decode_delivery(message.body)
            .map_err(|error| Fault::new(ErrorCode::BadMessage, format!("a message is no delivery: {error}")))?;
        let receipt = self.link.receive(message.number)?;
        match inbound {
            Inbound::Withdrawn(key) => self.withdraw(key, receipt),
            Inbound::Delivery(delivery, horizon) if receipt == Receipt::New => {
                self.inbound.push_back(Some((delivery, horizon)));
            }
            Inbound::Delivery(..) => {}
        }
        Ok(())
    }

    /// What had come of it before, and is not taken yet, is withdrawn too.
    fn withdraw(&mut self, key: ExchangeKey, receipt: Receipt) {
        let is_withdrawn =
            |(delivery, _): &mut Item<B>| matches!(delivery, Delivery::Command { key: other, .. } if *other == key);
        for item in &mut self.inbound {
            item.take_if(is_withdrawn);
        }
        if receipt == Receipt::New {
            self.inbound.push_back(None);
        }
    }

    /// Hands over all that there is room for. From here on it is the participant's.
    fn hand_over(&mut self, permit: mpsc::Permit<'_, Item<B>>, deliver: Option<&mpsc::Sender<Item<B>>>) {
        let mut permit = Some(permit);
        while let Some(free) = permit
            && let Some(inbound) = self.inbound.pop_front()
        {
            self.link.taken_up_to(self.link.taken() + 1);
            permit = match inbound {
                None => Some(free),
                Some(item) => {
                    free.send(item);
                    deliver.and_then(|deliver| deliver.try_reserve().ok())
                }
            };
        }
    }

    fn has_room(&self) -> bool {
        self.link.waiting() < self.speaker.options.window
    }

    /// Queues a report and those that wait behind it.
    fn queue(&mut self, report: Pending, reported: &mut mpsc::Receiver<Pending>) {
        self.link.send(report);
        self.queue_ready(reported);
    }

    /// Queues the reports that wait, as far as there is room.
    fn queue_ready(&mut self, reported: &mut mpsc::Receiver<Pending>) {
        while self.has_room()
            && let Ok(report) = reported.try_recv()
        {
            self.link.send(report);
        }
    }
}

async fn permit<T>(deliver: Option<&mpsc::Sender<T>>) -> Option<mpsc::Permit<'_, T>> {
    match deliver {
        Some(deliver) => deliver.reserve().await.ok(),
        None => pending().await,
    }
}

/// Ready when nobody takes deliveries any more; for a publisher never.
async fn taker_gone<T>(deliver: Option<&mpsc::Sender<T>>) {
    match deliver {
        Some(deliver) => deliver.closed().await,
        None => pending().await,
    }
}
