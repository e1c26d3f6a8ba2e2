//! The coordinator's end of the pipe: accepts connections, and gives a line for each participant.
//!
//! Decides who may connect and what may be said, as far as the bus declares it. Knows no saga.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::PipeOptions;
use super::connection::{Connection, Fault};
use super::endpoint::{BUS_SOCKET, Endpoint, EndpointError, SocketGuard};
use super::frame::{ErrorCode, Role};
use super::handshake::{Gate, Turned};
use super::line::task::{Arrival, LineTask};
use super::line::{Identity, Line};
use super::subscription::{self, Parting, Subscription};
use super::transport::{Carrier, Listen, Peer};
use crate::bus::{FromParticipant, ToParticipant};
use crate::log::ReceivedRow;
use crate::message::{Bus, ExchangeKey};

/// How much may wait for the coordinator: what participants say, and subscribers who ask.
const QUEUE: usize = 256;
/// While so many connections are about to be let in or turned away, no more are accepted.
const VISITS: usize = 1024;
/// How long to wait when the operating system has no connection to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves one endpoint. Dropping it removes the socket and closes every connection.
#[derive(Debug)]
pub struct PipeServer {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    guard: Option<SocketGuard>,
}

/// The coordinator's ends of everything that comes through the pipe.
#[derive(Debug)]
pub struct Lines<B: Bus> {
    /// To each participant. The line ends when its sender is dropped.
    pub participants: BTreeMap<&'static str, mpsc::UnboundedSender<ToParticipant<B>>>,
    /// From the participants, with their names. While it is full, nothing is read from them.
    pub said: mpsc::Receiver<(&'static str, FromParticipant<B>)>,
    /// What somebody should know of. Nothing is left out: while it is full, whoever is turned away waits, and when many
    /// do, nobody else is let in.
    pub events: mpsc::Receiver<PipeEvent>,
    /// Subscribers who wait to be told. To drop a request turns the subscriber away.
    pub subscribers: mpsc::Receiver<SubscribeRequest>,
}

/// What happens on a pipe and somebody should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipeEvent {
    /// A connection was refused, or closed for what came over it.
    Refused {
        /// The name that it gave, and what the operating system says of it.
        who: String,
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people.
        reason: String,
    },
    /// A delivery was dropped, since no frame can carry it.
    Undeliverable {
        /// To whom.
        participant: &'static str,
        /// The key of its command.
        key: ExchangeKey,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for PipeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { who, reason, .. } => write!(f, "the connection of {who} was refused: {reason}"),
            Self::Undeliverable { participant, key, reason } => {
                write!(f, "{key} cannot be delivered to `{participant}`: {reason}")
            }
        }
    }
}

/// A subscriber asks for what it missed, everything as it is, and then for every change.
#[derive(Debug)]
pub struct SubscribeRequest {
    /// The name that it gave.
    pub name: String,
    /// Where it stands in what it was told, as it says.
    pub position: Option<String>,
    /// Where to put it.
    pub reply: oneshot::Sender<Subscription>,
}

impl PipeServer {
    /// Serves the bus at this endpoint for these participants. `received` says how far earlier coordinators took
    /// their reports over: what was recorded then is acknowledged and not told again.
    ///
    /// # Errors
    /// If the endpoint is not private, or served by another process.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind<B: Bus>(
        endpoint: &Endpoint,
        options: PipeOptions,
        participants: &[&'static str],
        received: Vec<ReceivedRow>,
    ) -> Result<(Self, Lines<B>), EndpointError> {
        let (listener, guard) = endpoint.socket(BUS_SOCKET).bind()?.listen()?;
        let (mut server, lines) = Self::serve(listener, options, participants, received);
        server.guard = Some(guard);
        Ok((server, lines))
    }

    /// As [`PipeServer::bind`], over something else than a Unix domain socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn serve<B: Bus>(
        listener: impl Listen,
        options: PipeOptions,
        participants: &[&'static str],
        received: Vec<ReceivedRow>,
    ) -> (Self, Lines<B>) {
        let (stop, stopping) = watch::channel(false);
        let (told, said) = mpsc::channel(QUEUE);
        let (events, event_stream) = Events::channel();
        let (requests, subscribers) = mpsc::channel(QUEUE);
        let identity = Arc::new(Identity::new::<B>(options));
        let mut received: HashMap<_, _> = received.into_iter().map(|row| (row.participant.clone(), row)).collect();
        let mut server = Self { stop, tasks: JoinSet::new(), guard: None };
        let mut lines = BTreeMap::new();
        let mut arrivals = BTreeMap::new();
        for name in participants {
            let (asking, asked) = mpsc::unbounded_channel();
            let (arriving, arrived) = mpsc::channel(1);
            let line = Line::new(name, identity.clone(), received.remove(*name));
            let (told, events, stop) = (told.clone(), events.clone(), stopping.clone());
            server.tasks.spawn(LineTask { line, asked, arrivals: arrived, told, events, stop }.run());
            lines.insert(*name, asking);
            arrivals.insert(*name, arriving);
        }
        let gate = Gate::new::<B>(identity.clone(), participants);
        let subscribers_left = Semaphore::new(identity.options.max_subscribers);
        let hall = Hall { identity, gate, arrivals, requests, events, subscribers_left };
        server.tasks.spawn(accept(listener, Arc::new(hall), stopping));
        (server, Lines { participants: lines, said, events: event_stream, subscribers })
    }

    /// Writes what is left to write, for a second at most, closes every connection and removes the socket.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Where events go that somebody should know of.
#[derive(Debug, Clone)]
pub(super) struct Events(mpsc::Sender<PipeEvent>);

impl Events {
    fn channel() -> (Self, mpsc::Receiver<PipeEvent>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Never waits, and gives the event back that there is no room for.
    pub(super) fn tell(&self, event: PipeEvent) -> Result<(), PipeEvent> {
        tracing::warn!("{event}");
        match self.0.try_send(event) {
            Err(TrySendError::Full(event)) => Err(event),
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Waits for its turn: whoever makes many events waits, and nobody else.
    pub(super) async fn tell_in_turn(&self, event: PipeEvent) {
        if let Err(event) = self.tell(event) {
            // Nobody listens when the coordinator is gone.
            let _ = self.0.send(event).await;
        }
    }
}

/// Ready when the server stops, or is gone.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Where connections go through.
struct Hall {
    identity: Arc<Identity>,
    gate: Gate,
    arrivals: BTreeMap<&'static str, mpsc::Sender<Arrival>>,
    requests: mpsc::Sender<SubscribeRequest>,
    events: Events,
    subscribers_left: Semaphore,
}

async fn accept(mut listener: impl Listen, hall: Arc<Hall>, mut stop: watch::Receiver<bool>) {
    let handshakes = Arc::new(Semaphore::new(hall.identity.options.max_handshakes));
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            carrier = listener.accept(), if visits.len() < VISITS => match carrier {
                Ok(carrier) => { visits.spawn(hall.clone().visit(carrier, handshakes.clone())); }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_AGAIN).await;
                }
            },
            Some(_) = visits.join_next() => {}
            () = stopped(&mut stop) => return,
        }
    }
}

impl Hall {
    async fn visit(self: Arc<Self>, carrier: Carrier, handshakes: Arc<Semaphore>) {
        let mut connection = Connection::new(carrier, &self.identity.options);
        let peer = connection.peer();
        let Ok(permit) = handshakes.try_acquire() else {
            return self.turn_away(connection, crowded(peer, "connections")).await;
        };
        match self.gate.admit(&mut connection).await {
            Err(turned) => {
                drop(permit);
                self.turn_away(connection, turned).await;
            }
            Ok(hello) if hello.role == Role::Subscriber => {
                drop(permit);
                let Ok(_place) = self.subscribers_left.try_acquire() else {
                    return self.turn_away(connection, crowded(peer, "subscribers")).await;
                };
                let who = format!("`{}` ({peer})", hello.participant);
                let parting = subscription::serve(&mut connection, hello, &self.identity, &self.requests).await;
                if let Parting::Told(fault) = parting {
                    self.turn_away(connection, Turned { who, fault }).await;
                }
            }
            Ok(hello) => {
                if let Some(arrivals) = self.arrivals.get(hello.participant.as_str()) {
                    // The line is only gone when the server stops.
                    let _ = arrivals.send(Arrival { connection, hello }).await;
                }
            }
        }
    }

    async fn turn_away(&self, connection: Connection, turned: Turned) {
        let Turned { who, fault } = turned;
        connection.dismiss(&fault).await;
        self.events.tell_in_turn(PipeEvent::Refused { who, code: fault.code, reason: fault.message }).await;
    }
}

fn crowded(peer: Peer, of_what: &str) -> Turned {
    let fault = Fault::new(ErrorCode::Crowded, format!("there are too many {of_what}; try again later"));
    Turned { who: peer.to_string(), fault }
}
