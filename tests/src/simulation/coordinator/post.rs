//! One participant as the coordinator reaches it: the queue of what waits, and the line with its numbered session. Both
//! do what their like in the runtime do, and hear of each other only in turns.

use std::collections::VecDeque;

use saga_runtime::bus::{Delivery, FromParticipant, Horizon, Payload, ToParticipant};
use saga_runtime::log::ReceivedRow;
use saga_runtime::message::ExchangeKey;
use saga_runtime::pipe::link::{Link, LinkError, Receipt};
use serde_json::value::RawValue;

use super::super::network::{Frame, Hello, Wire};
use super::super::participant::WINDOW;
use super::super::sagas::Shop;
use super::super::stage::{End, Stage};
use super::pending::WaitingCommand;

/// How many deliveries are out and not taken over.
const OUT: usize = 6;

enum Waiting {
    Command(WaitingCommand),
    Settle(ExchangeKey),
}

/// What waits for one participant.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) asked: VecDeque<ToParticipant<Shop>>,
    connected: bool,
    out: usize,
    waiting: VecDeque<Waiting>,
}

impl Outbox {
    pub(super) fn connected(&mut self, resumed: bool) {
        self.connected = true;
        if !resumed {
            self.waiting.clear();
            self.out = 0;
        }
    }

    pub(super) fn disconnected(&mut self) {
        self.connected = false;
    }

    pub(super) fn taken(&mut self, count: usize) {
        self.out = self.out.saturating_sub(count);
    }

    pub(super) fn recorded(&mut self, number: u64) {
        self.asked.push_back(ToParticipant::Recorded(number));
    }

    pub(super) fn command(&mut self, command: WaitingCommand) {
        self.waiting.push_back(Waiting::Command(command));
    }

    pub(super) fn settle(&mut self, key: ExchangeKey) {
        self.withdraw(key);
        self.waiting.push_back(Waiting::Settle(key));
    }

    pub(super) fn withdraw(&mut self, key: ExchangeKey) {
        self.asked.push_back(ToParticipant::Withdraw(key));
        self.waiting.retain(|waiting| !matches!(waiting, Waiting::Command(command) if command.key == key));
    }

    /// Hands over to the line what may go out. `read` gives the bytes of a command out of the log.
    pub(super) fn pump(
        &mut self,
        stage: &mut Stage,
        horizon: &Horizon,
        mut read: impl FnMut(ExchangeKey, u32) -> Option<Box<RawValue>>,
    ) {
        while self.connected && self.out < OUT {
            let delivery = match self.waiting.pop_front() {
                None => return,
                Some(Waiting::Settle(key)) => {
                    stage.judge.settle_leaves(key);
                    Delivery::Settle { key }
                }
                Some(Waiting::Command(WaitingCommand { key, attempt, definition, recorded_in, command })) => {
                    let Some(bytes) = command.or_else(|| read(key, recorded_in)) else { continue };
                    stage.judge.command_leaves(key, attempt);
                    let step = definition.steps[usize::from(key.at.step)].name.into();
                    let command = Payload::Encoded(bytes);
                    Delivery::Command { key, attempt, saga: definition.name.into(), step, command }
                }
            };
            self.out += 1;
            self.asked.push_back(ToParticipant::Deliver(delivery, horizon.clone()));
        }
    }
}

/// A delivery on its way; none if it was withdrawn, and only its number counts.
type Outgoing = (ExchangeKey, Option<(Delivery<Shop>, Horizon)>);

/// The coordinator's end of a participant's sessions.
pub(super) struct Line {
    name: &'static str,
    coordinator: String,
    session: Option<String>,
    link: Link<Outgoing>,
    wire: Option<Wire>,
    arrival: Option<(Wire, Hello)>,
    catching_up: Option<u64>,
    pub(super) told: VecDeque<FromParticipant<Shop>>,
}

impl Line {
    pub(super) fn new(name: &'static str, coordinator: String, received: Option<&ReceivedRow>) -> Self {
        let mut link = Link::new(WINDOW);
        let session = received.map(|row| {
            link.restart_incoming(row.number);
            row.session.clone()
        });
        let told = VecDeque::new();
        Self { name, coordinator, session, link, wire: None, arrival: None, catching_up: None, told }
    }

    pub(super) fn ask(&mut self, wish: ToParticipant<Shop>) {
        match wish {
            ToParticipant::Deliver(delivery, horizon) => self.link.send((delivery.key(), Some((delivery, horizon)))),
            ToParticipant::Recorded(number) => self.link.taken_up_to(number),
            ToParticipant::Withdraw(key) => {
                let withdrawn = self.link.withdraw(|(of, _)| *of == key);
                self.link.numbered_mut().filter(|(of, _)| *of == key).for_each(|(_, delivery)| *delivery = None);
                self.tell_taken(withdrawn);
            }
        }
    }

    pub(super) fn closed(&mut self, wire: Wire) {
        if self.arrival.as_ref().is_some_and(|(arrived, _)| *arrived == wire) {
            self.arrival = None;
        }
        if self.wire == Some(wire) {
            self.disconnect("the wire was cut");
        }
    }

    pub(super) fn arrived(&mut self, stage: &mut Stage, wire: Wire, frame: Frame) {
        if let Frame::Hello(hello) = frame {
            self.arrival = Some((wire, hello));
            return;
        }
        if self.wire != Some(wire) {
            return;
        }
        if let Err(error) = self.read(frame) {
            stage.note(|| format!("the line of {} hangs up: {error}", self.name));
            stage.cut(wire);
        }
    }

    /// Welcomes who waits, if that is possible by now, and writes what is due.
    pub(super) fn settle(&mut self, stage: &mut Stage) {
        if let Some((wire, hello)) = self.arrival.take() {
            if self.must_wait(&hello) {
                self.arrival = Some((wire, hello));
            } else {
                self.welcome(stage, wire, &hello);
            }
        }
        self.write(stage);
    }

    fn must_wait(&self, hello: &Hello) -> bool {
        self.session.as_ref() != Some(&hello.session) && self.link.taken() < self.link.received()
    }

    fn welcome(&mut self, stage: &mut Stage, wire: Wire, hello: &Hello) {
        let is_known = self.session.as_ref() == Some(&hello.session);
        let resume = hello.received.as_ref().filter(|(session, _)| is_known && *session == self.coordinator);
        let taken = match resume.map(|(_, number)| self.link.resume(*number).map(|gone| gone.len())).transpose() {
            Ok(taken) => taken,
            Err(_) => return stage.cut(wire),
        };
        if let Some(old) = self.wire {
            stage.cut(old);
        }
        self.disconnect("another connection took its place");
        self.wire = Some(wire);
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
        let (session, received) = (self.coordinator.clone(), self.link.taken());
        self.acknowledges(stage, received);
        stage.send(End::Participant, wire, Frame::Welcome { session, resumed: taken.is_some(), received });
    }

    fn disconnect(&mut self, reason: &str) {
        if self.wire.take().is_some() {
            self.catching_up = None;
            self.told.push_back(FromParticipant::Disconnected { reason: reason.to_owned() });
        }
    }

    fn read(&mut self, frame: Frame) -> Result<(), LinkError> {
        match frame {
            Frame::Report { number, report } => {
                if self.link.receive(number)? == Receipt::New {
                    let session = self.session.clone().unwrap_or_default();
                    self.told.push_back(FromParticipant::Report { session, number, report });
                    self.check_caught_up();
                }
            }
            Frame::Ack(number) => {
                let taken = self.link.acknowledge(number)?.len();
                self.tell_taken(taken);
            }
            Frame::Hello(_) | Frame::Welcome { .. } | Frame::Delivery { .. } => {}
        }
        Ok(())
    }

    fn write(&mut self, stage: &mut Stage) {
        let Some(wire) = self.wire else { return };
        if let Some(number) = self.link.next_ack() {
            self.acknowledges(stage, number);
            stage.send(End::Participant, wire, Frame::Ack(number));
        }
        while let Some((number, (key, delivery))) = self.link.next_message() {
            let (key, delivery) = (*key, delivery.clone());
            stage.send(End::Participant, wire, Frame::Delivery { number, key, delivery });
        }
    }

    /// Says that all up to this number is recorded.
    fn acknowledges(&self, stage: &mut Stage, number: u64) {
        if let Some(session) = &self.session {
            stage.judge.says_recorded(self.name, session, number);
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
