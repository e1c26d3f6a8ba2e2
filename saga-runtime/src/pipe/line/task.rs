//! The task around a [`Line`]: alone owns the participant's connection, and so alone writes to it.
//!
//! A new connection of the participant is handed in here, and fences the old one: that is closed before the new one is
//! welcomed, and nothing that it still says is read.

use std::future::pending;

use tokio::sync::mpsc::{Permit, Receiver, Sender, UnboundedReceiver};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Line;
use crate::bus::{FromParticipant, ToParticipant};
use crate::message::Bus;
use crate::pipe::connection::{Connection, Fault, Lost};
use crate::pipe::frame::{ErrorCode, Frame, Hello};
use crate::pipe::server::{Events, PipeEvent, stopped};

/// How many wishes of the coordinator are taken at once.
const BATCH: usize = 64;

/// While so many events wait to be told, nobody is welcomed.
const NOTES: usize = 64;

/// What a participant says, with its name.
type News<B> = (&'static str, FromParticipant<B>);

/// A connection that introduced itself, and is welcome as far as its hello tells.
pub(in crate::pipe) struct Arrival {
    pub(in crate::pipe) connection: Connection,
    pub(in crate::pipe) hello: Hello,
}

/// A line with its ways in and out.
pub(in crate::pipe) struct LineTask<B: Bus> {
    pub(in crate::pipe) line: Line<B>,
    pub(in crate::pipe) asked: UnboundedReceiver<ToParticipant<B>>,
    pub(in crate::pipe) arrivals: Receiver<Arrival>,
    pub(in crate::pipe) told: Sender<News<B>>,
    pub(in crate::pipe) events: Events,
    pub(in crate::pipe) stop: watch::Receiver<bool>,
}

impl<B: Bus> LineTask<B> {
    /// Runs until the server stops or the coordinator is gone.
    pub(in crate::pipe) async fn run(self) {
        let Self { line, mut asked, mut arrivals, told, events, mut stop } = self;
        let (farewells, notes) = (JoinSet::new(), JoinSet::new());
        let mut desk = Desk { line, connection: None, waiting: None, events, farewells, notes };
        let mut wishes = Vec::with_capacity(BATCH);
        loop {
            let reading = desk.line.is_keeping_up();
            let welcoming = reading && desk.notes.len() < NOTES;
            tokio::select! {
                count = asked.recv_many(&mut wishes, BATCH) => {
                    if count == 0 { break }
                    wishes.drain(..).for_each(|wish| desk.ask(wish));
                }
                Some(arrival) = arrivals.recv(), if welcoming => desk.arrive(arrival),
                result = turn(&mut desk.connection, reading) => desk.moved(result),
                permit = told.reserve(), if desk.line.has_news() => {
                    let Ok(permit) = permit else { break };
                    desk.tell(permit, &told);
                }
                () = stopped(&mut stop) => break,
            }
            desk.settle();
        }
        while let Ok(wish) = asked.try_recv() {
            desk.ask(wish);
        }
        desk.close().await;
    }
}

/// What is there of a connection moves on; without a connection nothing ever does.
async fn turn(connection: &mut Option<Connection>, reading: bool) -> Result<(), Lost> {
    match connection {
        Some(connection) => connection.turn(reading).await,
        None => pending().await,
    }
}

/// The line, its connection, and whoever waits to be the next one.
struct Desk<B: Bus> {
    line: Line<B>,
    connection: Option<Connection>,
    waiting: Option<Arrival>,
    events: Events,
    farewells: JoinSet<()>,
    /// Events that there was no room for.
    notes: JoinSet<()>,
}

impl<B: Bus> Desk<B> {
    fn ask(&mut self, wish: ToParticipant<B>) {
        if let Some(undeliverable) = self.line.ask(wish) {
            self.note(PipeEvent::Undeliverable {
                participant: self.line.name,
                key: undeliverable.key,
                reason: undeliverable.reason,
            });
        }
    }

    /// Tells the coordinator all that it has room for.
    fn tell(&mut self, permit: Permit<'_, News<B>>, told: &Sender<News<B>>) {
        let mut permit = Some(permit);
        while let Some(free) = permit
            && let Some(news) = self.line.next_news()
        {
            free.send((self.line.name, news));
            permit = told.try_reserve().ok();
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        let fenced = Fault::new(ErrorCode::Fenced, format!("another process has connected as `{}`", self.line.name));
        if let Some(before) = self.waiting.take() {
            self.dismiss(before.connection, fenced.clone());
        }
        if self.line.must_wait(&arrival.hello) {
            self.hang_up(fenced);
            self.waiting = Some(arrival);
        } else {
            self.welcome(arrival);
        }
    }

    fn welcome(&mut self, mut arrival: Arrival) {
        match self.line.connect(&arrival.hello) {
            Ok(welcome) => {
                let fenced = format!("another process has connected as `{}`", self.line.name);
                if let Some(old) = self.connection.take() {
                    self.dismiss(old, Fault::new(ErrorCode::Fenced, fenced));
                }
                arrival.connection.push(&Frame::Welcome(Box::new(welcome)));
                self.connection = Some(arrival.connection);
            }
            Err(fault) => self.refuse(arrival.connection, fault),
        }
    }

    fn moved(&mut self, result: Result<(), Lost>) {
        if let Err(lost) = result {
            self.connection = None;
            self.line.disconnect(lost.to_string());
        }
    }

    /// Does what has become possible since the last event.
    fn settle(&mut self) {
        if let Some(arrival) = self.waiting.take_if(|arrival| !self.line.must_wait(&arrival.hello)) {
            self.welcome(arrival);
        }
        if let Some(connection) = &mut self.connection {
            match self.line.read(connection) {
                Ok(()) => self.line.write(connection),
                Err(fault) => self.expel(fault),
            }
        }
        while self.farewells.try_join_next().is_some() {}
        while self.notes.try_join_next().is_some() {}
    }

    fn expel(&mut self, fault: Fault) {
        self.line.disconnect(&fault.message);
        if let Some(connection) = self.connection.take() {
            self.refuse(connection, fault);
        }
    }

    fn hang_up(&mut self, fault: Fault) {
        self.line.disconnect("another connection took its place");
        if let Some(connection) = self.connection.take() {
            self.dismiss(connection, fault);
        }
    }

    fn refuse(&mut self, connection: Connection, fault: Fault) {
        let who = format!("`{}` ({})", self.line.name, connection.peer());
        self.note(PipeEvent::Refused { who, code: fault.code, reason: fault.message.clone() });
        self.dismiss(connection, fault);
    }

    fn note(&mut self, event: PipeEvent) {
        if let Err(event) = self.events.tell(event) {
            let events = self.events.clone();
            self.notes.spawn(async move { events.tell_in_turn(event).await });
        }
    }

    fn dismiss(&mut self, connection: Connection, fault: Fault) {
        self.farewells.spawn(async move { connection.dismiss(&fault).await });
    }

    async fn close(mut self) {
        if let Some(mut connection) = self.connection {
            self.line.write(&mut connection);
            connection.finish().await;
        }
        while self.farewells.join_next().await.is_some() {}
    }
}
