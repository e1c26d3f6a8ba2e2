//! A participant as the coordinator sees it: its sessions, what is out, what it said.
//!
//! Does no I/O and reads no clock: is told what the coordinator wants and which frames came, gives what to tell the
//! coordinator. The task around it is in [`task`].
//!
//! The participant's session is one life of its process. When another one comes, everything that was on its way to the
//! old one is dropped, and the coordinator delivers again what is unanswered.

pub(super) mod task;

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::PipeOptions;
use super::body::{decode_report, encode_delivery, encode_withdrawn};
use super::connection::{Body, Connection, Fault};
use super::frame::{ErrorCode, Frame, FrameError, Hello, Limits, Numbered, PROTOCOL, Welcome};
use super::link::{Link, Receipt};
use super::rights::Rights;
use crate::bus::{Delivery, FromParticipant, Horizon, Payload, Report, SessionId, ToParticipant};
use crate::log::ReceivedRow;
use crate::message::{Bus, Command, CommandOf, ExchangeKey, fingerprint};

/// While so much waits for the coordinator, nothing more is read.
const BACKLOG: usize = 64;

/// What the coordinator's end says of itself.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) bus: &'static str,
    pub(super) fingerprint: String,
    pub(super) session: SessionId,
    pub(super) options: PipeOptions,
}

impl Identity {
    pub(super) fn new<B: Bus>(options: PipeOptions) -> Self {
        Self { bus: B::NAME, fingerprint: fingerprint::<B>(), session: super::new_session(), options }
    }

    pub(super) fn welcome(&self, resumed: bool, received: u64) -> Welcome {
        Welcome {
            protocol: PROTOCOL,
            bus: self.bus.to_owned(),
            fingerprint: self.fingerprint.clone(),
            session: self.session.clone(),
            resumed,
            received,
            max_frame: self.options.max_frame,
        }
    }
}

/// A delivery on its way.
struct Outgoing {
    key: ExchangeKey,
    body: Box<RawValue>,
    /// Worth nothing on the next connection.
    live_only: bool,
}

impl Outgoing {
    /// Keeps the number and leaves nothing to do.
    fn withdraw(&mut self) {
        self.live_only = false;
        match encode_withdrawn(self.key) {
            Ok(body) => self.body = body,
            Err(error) => tracing::error!(key = %self.key, %error, "a command cannot be withdrawn"),
        }
    }
}

impl Body for Outgoing {
    fn body(&self) -> &RawValue {
        &self.body
    }
}

/// A delivery that cannot be written.
#[derive(Debug)]
pub(super) struct Undeliverable {
    pub(super) key: ExchangeKey,
    pub(super) reason: String,
}

/// One participant, whether or not it is connected.
pub(super) struct Line<B: Bus> {
    name: &'static str,
    identity: Arc<Identity>,
    rights: Rights,
    /// The participant's session that was here last, by this coordinator or an earlier one.
    session: Option<SessionId>,
    link: Link<Outgoing>,
    /// What the participant takes.
    limits: Limits,
    is_connected: bool,
    /// The number up to which it had something to say when it connected.
    catching_up: Option<u64>,
    told: VecDeque<FromParticipant<B>>,
}

impl<B: Bus> Line<B> {
    /// A participant that is away. `received` says how far an earlier coordinator took its reports over.
    pub(super) fn new(name: &'static str, identity: Arc<Identity>, received: Option<ReceivedRow>) -> Self {
        let mut link = Link::new(identity.options.window);
        let session = received.map(|row| {
            link.restart_incoming(row.number);
            row.session
        });
        Self {
            name,
            rights: Rights::of::<B>(name),
            session,
            link,
            limits: identity.options.limits(),
            identity,
            is_connected: false,
            catching_up: None,
            told: VecDeque::new(),
        }
    }

    /// Whether the reports of the session before must be recorded first: [`ToParticipant::Recorded`] names no session,
    /// so what it acknowledges must not be in doubt.
    pub(super) fn must_wait(&self, hello: &Hello) -> bool {
        self.session.as_ref() != Some(&hello.session) && self.link.taken() < self.link.received()
    }

    /// The participant connects, and any earlier connection is gone.
    ///
    /// # Errors
    /// If it claims to have received what was never sent. Nothing has changed then.
    pub(super) fn connect(&mut self, hello: &Hello) -> Result<Welcome, Fault> {
        let is_known = self.session.as_ref() == Some(&hello.session);
        let resume = hello.received.as_ref().filter(|received| is_known && received.session == self.identity.session);
        let taken = resume.map(|received| self.link.resume(received.number).map(|gone| gone.len())).transpose()?;
        self.disconnect("another connection took its place");
        self.is_connected = true;
        self.limits.max_frame = hello.max_frame.min(self.identity.options.max_frame);
        if taken.is_none() {
            self.link.restart_outgoing();
        }
        if !is_known || hello.acknowledged > self.link.received() {
            self.link.restart_incoming(hello.acknowledged);
        }
        self.session = Some(hello.session.clone());
        self.told.push_back(FromParticipant::Connected { session: hello.session.clone(), resumed: taken.is_some() });
        self.tell_taken(taken.unwrap_or(0));
        self.catching_up = Some(hello.sent);
        self.check_caught_up();
        Ok(self.identity.welcome(taken.is_some(), self.link.taken()))
    }

    /// The connection is gone. Does nothing if it was gone before.
    pub(super) fn disconnect(&mut self, reason: impl Into<String>) {
        if std::mem::take(&mut self.is_connected) {
            self.catching_up = None;
            self.told.push_back(FromParticipant::Disconnected { reason: reason.into() });
            self.withdraw(|outgoing| outgoing.live_only);
        }
    }

    /// The coordinator wants this. Gives a delivery back that no frame can carry.
    pub(super) fn ask(&mut self, message: ToParticipant<B>) -> Option<Undeliverable> {
        match message {
            ToParticipant::Deliver(delivery, horizon) => return self.deliver(delivery, horizon),
            ToParticipant::Recorded(number) => self.link.taken_up_to(number),
            ToParticipant::Withdraw(key) => self.withdraw(|outgoing| outgoing.key == key),
        }
        None
    }

    /// Takes the frames that have come, as long as the coordinator keeps up.
    ///
    /// # Errors
    /// If the participant breaks the rules: the connection must be closed.
    pub(super) fn read(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        while self.is_keeping_up() {
            let Some(frame) = connection.next_frame()? else { return Ok(()) };
            match frame {
                Frame::Message(message) => self.receive(&message)?,
                Frame::Ack(number) => {
                    let taken = self.link.acknowledge(number)?.len();
                    self.tell_taken(taken);
                }
                Frame::Ping(_) => connection.answer_ping(),
                Frame::Pong(_) => {}
                Frame::Error(error) => return Err(Fault::new(error.code, format!("it said: {}", error.message))),
                other => return Err(Fault::unexpected(&other)),
            }
        }
        Ok(())
    }

    /// Adds what is due to what is to be written.
    pub(super) fn write(&mut self, connection: &mut Connection) {
        connection.pump(&mut self.link);
    }

    /// Whether the coordinator takes what it is told, so that more may be read.
    pub(super) fn is_keeping_up(&self) -> bool {
        self.told.len() < BACKLOG
    }

    /// Whether there is something to tell the coordinator.
    pub(super) fn has_news(&self) -> bool {
        !self.told.is_empty()
    }

    /// The next thing to tell the coordinator.
    pub(super) fn next_news(&mut self) -> Option<FromParticipant<B>> {
        self.told.pop_front()
    }

    fn deliver(&mut self, delivery: Delivery<B>, horizon: Horizon) -> Option<Undeliverable> {
        let (key, live_only) = (delivery.key(), self.is_live_only(&delivery));
        if live_only && !self.is_connected {
            self.tell_taken(1);
            return None;
        }
        let encoded = encode_delivery(delivery, horizon).map_err(|error| error.to_string());
        let checked = encoded.and_then(|body| {
            Numbered::check(&self.limits, &body).map_err(|error: FrameError| error.to_string())?;
            Ok(body)
        });
        match checked {
            Ok(body) => self.link.send(Outgoing { key, body, live_only }),
            Err(reason) => {
                self.tell_taken(1);
                return Some(Undeliverable { key, reason });
            }
        }
        None
    }

    /// Whether to deliver it on a later connection would be worse than not at all.
    fn is_live_only(&self, delivery: &Delivery<B>) -> bool {
        let Delivery::Command { command, .. } = delivery else { return false };
        if !self.rights.takes_live_only() {
            return false;
        }
        match command {
            Payload::Typed(command) => command.info().live_only,
            Payload::Encoded(bytes) => {
                serde_json::from_str::<CommandOf<B>>(bytes.get()).is_ok_and(|command| command.info().live_only)
            }
        }
    }

    /// Takes out what has no number yet; what has one is blanked, for whoever has not got it.
    fn withdraw(&mut self, matches: impl Fn(&Outgoing) -> bool) {
        let withdrawn = self.link.withdraw(&matches);
        self.link.numbered_mut().filter(|outgoing| matches(outgoing)).for_each(Outgoing::withdraw);
        self.tell_taken(withdrawn);
    }

    fn receive(&mut self, message: &Numbered<'_>) -> Result<(), Fault> {
        let report = self.decode(message.body)?;
        if self.link.receive(message.number)? == Receipt::Duplicate {
            return Ok(());
        }
        // There is a session, for there is a connection.
        let session = self.session.clone().unwrap_or_default();
        self.told.push_back(FromParticipant::Report { session, number: message.number, report });
        self.check_caught_up();
        Ok(())
    }

    fn decode(&self, body: &RawValue) -> Result<Report<B>, Fault> {
        let report = decode_report::<B>(body).map_err(|error| {
            // Not what serde says of it: that may quote a value which must not be shown.
            let (bus, column) = (self.identity.bus, error.column());
            Fault::new(
                ErrorCode::BadMessage,
                format!("a message is no report of bus `{bus}` (column {column} of its body)"),
            )
        })?;
        match self.rights.check(&report) {
            Ok(()) => Ok(report),
            Err(event) => Err(Fault::new(
                ErrorCode::NotAllowed,
                format!("event `{event}` is not for `{}` to emit; see #[from] and #[replies]", self.name),
            )),
        }
    }

    fn check_caught_up(&mut self) {
        if self.catching_up.is_some_and(|number| self.link.received() >= number) {
            self.catching_up = None;
            self.told.push_back(FromParticipant::CaughtUp);
        }
    }

    fn tell_taken(&mut self, count: usize) {
        match self.told.back_mut() {
            _ if count == 0 => {}
            Some(FromParticipant::Taken(before)) => *before += count,
            _ => self.told.push_back(FromParticipant::Taken(count)),
        }
    }
}
