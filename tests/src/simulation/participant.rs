//! A participant's process: the inbox and the link of the runtime, and handlers that do well or not. It knows no saga.

use std::collections::{BTreeMap, VecDeque};

use saga_runtime::bus::{Delivery, Horizon, Report};
use saga_runtime::inbox::{Asked, Effect, Inbox, Limits, RunId};
use saga_runtime::message::{Answer, Command as _, ExchangeKey, Fate, Memory, Mode};
use saga_runtime::pipe::link::{Link, LinkError, Receipt};

use super::handler::{self, Plan};
use super::network::{Frame, Hello, Wire};
use super::reached::Met;
use super::sagas::{Command, Event, Refusal, Shop};
use super::stage::{Crashed, End, Happening, Stage};

/// How many messages may be out on one link.
pub(super) const WINDOW: usize = 4;

/// Something that a handler does.
#[derive(Debug)]
pub(super) struct Deed {
    run: RunId,
    what: What,
}

#[derive(Debug)]
enum What {
    TakeEffect,
    Answer(Answer<Event, Refusal>),
    Return,
}

/// A participant over all lives of its process.
pub(super) struct Participant {
    pub(super) name: &'static str,
    pub(super) memory: Memory,
    lives: u32,
    life: Option<Life>,
}

struct Life {
    number: u32,
    session: String,
    inbox: Inbox<Command, Event, Refusal>,
    link: Link<Report<Shop>>,
    /// The coordinator that was spoken with last.
    coordinator: Option<String>,
    /// Came, and is not taken yet. None: it was withdrawn, and only its number counts.
    inbound: VecDeque<Option<(Delivery<Shop>, Horizon)>>,
    wire: Option<Wire>,
    is_welcome: bool,
    runs: BTreeMap<RunId, ExchangeKey>,
}

impl Participant {
    pub(super) fn new(name: &'static str, memory: Memory) -> Self {
        Self { name, memory, lives: 0, life: None }
    }

    /// The process begins.
    pub(super) fn begin(&mut self, stage: &mut Stage) {
        if self.life.is_some() {
            return;
        }
        self.lives += 1;
        let (number, session) = (self.lives, format!("{}-{}", self.name, self.lives));
        let limits = Limits { at_once: stage.random.usize(1..=3) };
        stage.note(|| format!("{session} begins, {limits:?}"));
        self.life = Some(Life {
            number,
            session,
            inbox: Inbox::new(self.memory, limits),
            link: Link::new(WINDOW),
            coordinator: None,
            inbound: VecDeque::new(),
            wire: None,
            is_welcome: false,
            runs: BTreeMap::new(),
        });
        stage.within(0..=5_000, Happening::Connect { name: self.name, life: number });
    }

    /// The process is gone, with all that it knew, and begins again later.
    pub(super) fn crash(&mut self, stage: &mut Stage) {
        if self.life.take().is_none() {
            return;
        }
        stage.note(|| format!("{} crashes", self.name));
        stage.cut_all(self.name);
        stage.judge.effects.died(self.name, self.memory);
        stage.within(1_000..=3_000_000, Happening::ParticipantUp { name: self.name });
    }

    /// Says something of its own accord.
    pub(super) fn publish(&mut self, stage: &mut Stage, event: Event) {
        if let Some(life) = &mut self.life {
            life.link.send(Report::Published(event));
            life.write(stage);
        }
    }

    pub(super) fn connect(&mut self, stage: &mut Stage, number: u32) {
        let name = self.name;
        let Some(life) = self.life.as_mut().filter(|life| life.number == number && life.wire.is_none()) else { return };
        let wire = stage.open_wire(name);
        life.wire = Some(wire);
        life.is_welcome = false;
        let hello = Hello {
            session: life.session.clone(),
            acknowledged: life.link.acknowledged(),
            sent: life.link.last(),
            received: life.coordinator.clone().map(|session| (session, life.link.taken())),
        };
        stage.send(End::Coordinator, wire, Frame::Hello(hello));
    }

    /// The wire is gone: connects again a little later.
    pub(super) fn closed(&mut self, stage: &mut Stage, wire: Wire) {
        if let Some(life) = self.life.as_mut().filter(|life| life.wire == Some(wire)) {
            life.wire = None;
            life.is_welcome = false;
            let again = Happening::Connect { name: self.name, life: life.number };
            stage.within(50_000..=400_000, again);
        }
    }

    pub(super) fn arrived(&mut self, stage: &mut Stage, wire: Wire, frame: Frame) {
        let Some(life) = self.life.as_mut().filter(|life| life.wire == Some(wire)) else { return };
        stage.note(|| format!("{} ← {frame:?}", life.session));
        if let Err(error) = life.read(stage, frame) {
            stage.note(|| format!("{} hangs up: {error}", life.session));
            return stage.cut(wire);
        }
        life.write(stage);
        life.take_soon(stage, self.name);
    }

    /// Takes one delivery into the inbox.
    pub(super) fn take(&mut self, stage: &mut Stage, number: u32) -> Result<(), Crashed> {
        let name = self.name;
        let Some(life) = self.life.as_mut().filter(|life| life.number == number) else { return Ok(()) };
        let Some(delivery) = life.inbound.pop_front() else { return Ok(()) };
        stage.survive(Met::ParticipantCrashedBeforeTaking)?;
        match delivery {
            None => {}
            Some((Delivery::Settle { key }, horizon)) => life.inbox.settle(key, &horizon),
            Some((Delivery::Command { key, attempt, command, .. }, horizon)) => {
                let command: Command = command.into_typed().expect("the simulated log gives the bytes back");
                stage.judge.hears(name, key, &command);
                let query = command.info().query;
                life.inbox.command(Asked { key, attempt, query, command }, &horizon);
            }
        }
        life.link.taken_up_to(life.link.taken() + 1);
        life.act(stage, name);
        life.take_soon(stage, name);
        Ok(())
    }

    pub(super) fn deed(&mut self, stage: &mut Stage, number: u32, deed: Deed) -> Result<(), Crashed> {
        let name = self.name;
        let Some(life) = self.life.as_mut().filter(|life| life.number == number) else { return Ok(()) };
        let Some(key) = life.runs.get(&deed.run).copied() else { return Ok(()) };
        match deed.what {
            What::TakeEffect => {
                stage.note(|| format!("{} does {key}", life.session));
                stage.judge.takes_effect(name, key);
            }
            What::Return => life.inbox.returned(deed.run),
            What::Answer(answer) => {
                stage.survive(Met::ParticipantCrashedBeforeAnswer)?;
                if matches!(answer, Answer::Refused(_)) && stage.judge.effects.refused(key) {
                    stage.note(|| format!("{} refuses {key}, and forgot that it did it", life.session));
                }
                life.inbox.answered(deed.run, answer);
                life.act(stage, name);
                stage.survive(Met::ParticipantCrashedAfterAnswer)?;
            }
        }
        life.act(stage, name);
        Ok(())
    }
}

impl Life {
    fn read(&mut self, stage: &mut Stage, frame: Frame) -> Result<(), LinkError> {
        match frame {
            Frame::Welcome { session, resumed, received } => {
                stage.meet(if resumed { Met::SessionResumed } else { Met::SessionReplaced });
                if !resumed {
                    self.link.restart_incoming(0);
                    self.inbound.clear();
                }
                self.coordinator = Some(session);
                self.is_welcome = true;
                let recorded: Vec<_> = self.link.resume(received)?.collect();
                recorded.iter().for_each(|report| stage.judge.acknowledged(report));
            }
            Frame::Ack(number) => {
                let recorded: Vec<_> = self.link.acknowledge(number)?.collect();
                recorded.iter().for_each(|report| stage.judge.acknowledged(report));
            }
            Frame::Delivery { number, key, delivery } => {
                if delivery.is_none() {
                    stage.meet(Met::WithdrawnInTime);
                    self.withdraw(key);
                }
                if self.link.receive(number)? == Receipt::New {
                    self.inbound.push_back(delivery);
                }
            }
            Frame::Hello(_) | Frame::Report { .. } => {}
        }
        Ok(())
    }

    /// What had come of it before, and is not taken yet, is withdrawn too.
    fn withdraw(&mut self, key: ExchangeKey) {
        for item in &mut self.inbound {
            item.take_if(|(delivery, _)| matches!(delivery, Delivery::Command { key: of, .. } if *of == key));
        }
    }

    fn write(&mut self, stage: &mut Stage) {
        let Some(wire) = self.wire.filter(|_| self.is_welcome) else { return };
        if let Some(number) = self.link.next_ack() {
            stage.send(End::Coordinator, wire, Frame::Ack(number));
        }
        while let Some((number, report)) = self.link.next_message() {
            stage.send(End::Coordinator, wire, Frame::Report { number, report: report.clone() });
        }
    }

    fn take_soon(&self, stage: &mut Stage, name: &'static str) {
        if !self.inbound.is_empty() {
            stage.within(0..=500, Happening::Take { name, life: self.number });
        }
    }

    fn act(&mut self, stage: &mut Stage, name: &'static str) {
        while let Some(effect) = self.inbox.next_effect() {
            match effect {
                Effect::Run { run, key, attempt, command } => {
                    stage.note(|| format!("{} runs {key} attempt {attempt}: {command:?}", self.session));
                    self.runs.insert(run, key);
                    let plan = handler::plan(stage, key, &command);
                    self.run(stage, name, run, plan);
                }
                Effect::Answer { key, attempt, answer } => {
                    self.link.send(Report::Answered { key, attempt, answer });
                }
                Effect::Fate { key, fate } => {
                    stage.meet(match fate {
                        Fate::Never => Met::SettledNever,
                        Fate::Done(_) => Met::SettledDone,
                        Fate::Running => Met::SettledRunning,
                        Fate::Unknown => Met::SettledUnknown,
                    });
                    self.link.send(Report::Fate { key, fate });
                }
            }
        }
        self.write(stage);
    }

    fn run(&self, stage: &mut Stage, name: &'static str, run: RunId, plan: Plan) {
        let mut after = |micros, what| {
            stage.after(micros, Happening::Handler { name, life: self.number, deed: Deed { run, what } });
        };
        if let Some(effect) = plan.effect {
            after(effect, What::TakeEffect);
        }
        if let Some((micros, answer)) = plan.answer {
            after(micros, What::Answer(answer));
        }
        after(plan.returns, What::Return);
    }
}

/// Whether this key undoes another.
pub(super) fn undoes(key: ExchangeKey) -> bool {
    key.at.mode == Mode::Compensation
}
