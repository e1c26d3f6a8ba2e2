//! The loop: takes what comes, has it decided, and sees to it that it is recorded before it is done.

use std::future::pending;

use rustc_hash::FxHashMap;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use super::acts::{Act, Acts, Recorded};
use super::batch::{Pending, Unwritable};
use super::calls::{Ask, Asker, LookUp};
use super::clock::Clock;
use super::journal::{Journal, Work, Worked};
use super::outbox::WaitingCommand;
use crate::bus::{FromParticipant, Horizon, Report};
use crate::log::DefinitionRow;
use crate::machine::{Change, Decision, Input, Machine, Record, Token};
use crate::message::{Answer, Bus, ExchangeKey};
use crate::notice::Notice;
use crate::pipe::{Lines, PipeEvent, PipeServer, SubscribeRequest};
use crate::time::Timestamp;

/// How much is decided at most before what was decided must be recorded.
const PENDING_LIMIT: usize = 4096;

/// How many inputs are taken in a row before the batch is looked at.
const TURN_LIMIT: usize = 256;

/// Where things come from and go to.
pub(super) struct Ends<B: Bus> {
    pub(super) asked: mpsc::Receiver<Ask<B>>,
    pub(super) reported: mpsc::Receiver<(&'static str, FromParticipant<B>)>,
    pub(super) lines: Option<Lines<B>>,
    pub(super) journal: Journal,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) stopped: watch::Sender<Option<Result<(), String>>>,
}

/// The coordinator at work.
pub(super) struct Engine<B: Bus> {
    pub(super) machine: Machine<B>,
    pub(super) clock: Clock,
    pub(super) ends: Ends<B>,
    /// What was decided in one step, before it is looked at. Empty between steps.
    decisions: Vec<Decision<B>>,
    /// Decided since the last commit began.
    pub(super) pending: Pending<B>,
    /// Decided, and being committed.
    pub(super) committing: Option<Committing<B>>,
    /// Which sagas were open after the last commit: a participant must not forget what an end undoes that is not durable.
    pub(super) horizon: Horizon,
    pub(super) acts: Acts<B>,
    pub(super) askers: FxHashMap<Token, Asker>,
    pub(super) look_ups: FxHashMap<u64, LookUp>,
    pub(super) tickets: u64,
    /// Nobody can ask any more.
    pub(super) asks_end: bool,
    /// No participant in this process has anything more to say.
    pub(super) reports_end: bool,
    pub(super) stopping: bool,
}

/// What is done when a commit is through.
pub(super) struct Committing<B: Bus> {
    acts: Vec<Act<B>>,
    /// Which sagas are open then.
    horizon: Horizon,
}

/// Something came.
enum Came<B: Bus> {
    Ask(Option<Ask<B>>),
    Said(Option<(&'static str, FromParticipant<B>)>),
    Pipe(PipeEvent),
    Subscriber(SubscribeRequest),
    Worked(Option<Worked>),
    Time,
}

impl<B: Bus> Engine<B> {
    pub(super) fn new(
        machine: Machine<B>,
        clock: Clock,
        acts: Acts<B>,
        ends: Ends<B>,
        definitions: Vec<DefinitionRow>,
        decisions: Vec<Decision<B>>,
    ) -> Self {
        let horizon = machine.horizon();
        let mut engine = Self {
            machine,
            clock,
            ends,
            decisions: Vec::new(),
            pending: Pending::new(definitions),
            committing: None,
            horizon,
            acts,
            askers: FxHashMap::default(),
            look_ups: FxHashMap::default(),
            tickets: 0,
            asks_end: false,
            reports_end: false,
            stopping: false,
        };
        let now = engine.clock.now();
        decisions.into_iter().for_each(|decision| engine.decided(decision, now));
        engine
    }

    /// Runs until it is told to stop, or the log fails; then closes the sockets and the log.
    pub(super) async fn run(mut self, server: Option<PipeServer>, desk: Option<JoinHandle<()>>) {
        let result = self.work().await;
        if let Some(desk) = desk {
            desk.abort();
            let _ = desk.await;
        }
        if let Some(server) = server {
            server.stop().await;
        }
        let Ends { journal, stopped, .. } = self.ends;
        drop(self.acts);
        let result = if journal.close().await { result } else { Err("the thread of the log panicked".to_owned()) };
        if let Err(reason) = &result {
            tracing::error!(reason, "the coordinator stops");
        }
        stopped.send_replace(Some(result));
    }

    async fn work(&mut self) -> Result<(), String> {
        loop {
            self.commit();
            if self.stopping && self.reports_end && self.committing.is_none() && self.pending.is_empty() {
                return Ok(());
            }
            let came = self.next().await;
            self.take(came)?;
            for _ in 0..TURN_LIMIT {
                let Some(came) = self.next_now() else { break };
                self.take(came)?;
            }
            self.be_fair()?;
        }
    }

    /// Waits for something to come. While too much is undecided, only for the journal; while it stops, only for that
    /// and for what participants in this process still have to say.
    async fn next(&mut self) -> Came<B> {
        let room = self.pending.len() < PENDING_LIMIT;
        let open = room && !self.stopping;
        let (asks, reports) = (open && !self.asks_end, room && !self.reports_end);
        let tick = self.machine.next_tick().filter(|_| open);
        let clock = self.clock;
        let ends = &mut self.ends;
        let (said, events, subscribers) = match &mut ends.lines {
            Some(lines) => (Some(&mut lines.said), Some(&mut lines.events), Some(&mut lines.subscribers)),
            None => (None, None, None),
        };
        tokio::select! {
            biased;
            worked = ends.journal.next() => Came::Worked(worked),
            said = ends.reported.recv(), if reports => Came::Said(said),
            said = receive(said), if open => Came::Said(Some(said)),
            ask = ends.asked.recv(), if asks => Came::Ask(ask),
            event = receive(events), if open => Came::Pipe(event),
            request = receive(subscribers), if open => Came::Subscriber(request),
            () = clock.wait(tick) => Came::Time,
        }
    }

    /// Takes what has come already, answers before all else.
    fn next_now(&mut self) -> Option<Came<B>> {
        let ends = &mut self.ends;
        if let Some(worked) = ends.journal.next_now() {
            return Some(Came::Worked(Some(worked)));
        }
        if self.stopping || self.pending.len() >= PENDING_LIMIT {
            return None;
        }
        if let Ok(said) = ends.reported.try_recv() {
            return Some(Came::Said(Some(said)));
        }
        if let Some(said) = ends.lines.as_mut().and_then(|lines| lines.said.try_recv().ok()) {
            return Some(Came::Said(Some(said)));
        }
        ends.asked.try_recv().ok().map(|ask| Came::Ask(Some(ask)))
    }

    /// However much participants say, time goes on, and everybody else is heard too.
    fn be_fair(&mut self) -> Result<(), String> {
        if self.stopping || self.pending.len() >= PENDING_LIMIT {
            return Ok(());
        }
        let ask = self.ends.asked.try_recv().ok().map(|ask| Came::Ask(Some(ask)));
        let lines = self.ends.lines.as_mut();
        let (event, request) =
            lines.map_or((None, None), |lines| (lines.events.try_recv().ok(), lines.subscribers.try_recv().ok()));
        let time = self.machine.next_tick().filter(|tick| *tick <= self.clock.now()).map(|_| Came::Time);
        for came in [ask, event.map(Came::Pipe), request.map(Came::Subscriber), time].into_iter().flatten() {
            self.take(came)?;
        }
        Ok(())
    }

    fn take(&mut self, came: Came<B>) -> Result<(), String> {
        match came {
            Came::Worked(None) => return Err("the thread of the log has ended".to_owned()),
            Came::Worked(Some(Worked::Appended(Err(error)))) => return Err(error.to_string()),
            Came::Worked(Some(Worked::Appended(Ok(())))) => {
                if let Some(Committing { acts, horizon }) = self.committing.take() {
                    self.horizon = horizon;
                    self.perform(acts);
                }
            }
            Came::Worked(Some(worked)) => self.looked_up(worked),
            Came::Said(Some((participant, said))) => self.said(participant, said),
            Came::Said(None) => self.reports_end = true,
            Came::Ask(None) => self.asks_end = true,
            Came::Ask(Some(ask)) => self.asked(ask),
            Came::Pipe(event) => self.pipe_event(event),
            Came::Subscriber(request) => {
                let sagas = self.machine.in_flight();
                self.pending.act(Act::Subscribe { request, sagas });
            }
            Came::Time => self.step(Input::Tick),
        }
        Ok(())
    }

    /// Takes nothing new: what participants in this process run may end, and is recorded.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.acts.close();
    }

    pub(super) fn step(&mut self, input: Input<B>) {
        let now = self.clock.now();
        let mut decisions = std::mem::take(&mut self.decisions);
        self.machine.step(input, now, &mut decisions);
        decisions.drain(..).for_each(|decision| self.decided(decision, now));
        self.decisions = decisions;
    }

    fn decided(&mut self, decision: Decision<B>, time: Timestamp) {
        match decision {
            Decision::Record(record) => self.record(record),
            Decision::Deliver { participant, key, definition, attempt, recorded_in } => {
                let command = WaitingCommand { key, attempt, definition, recorded_in, command: None, bytes: 0 };
                self.pending.act(Act::Send(participant, command));
            }
            Decision::Ask { participant, key } => self.pending.act(Act::Settle(participant, key)),
            Decision::Late { key, definition, participant, what } => {
                self.pending.late(key, definition, participant, &what, time);
            }
            Decision::Stray { key, participant } => {
                let (participant, key) = (participant.into(), key.to_string());
                self.pending.act(Act::Notice(Notice::AnswerStray { time, participant, key }));
            }
            Decision::TriggerFailed { name, event, reason } => {
                let event = Some(event.into());
                self.pending.act(Act::Notice(Notice::StartRefused { time, name: name.into(), event, reason }));
            }
            Decision::Started { token, result } => self.started(token, result),
            Decision::Published { token } => {
                if let Some(Asker::Publish(reply)) = self.askers.remove(&token) {
                    self.pending.act(Act::reply(reply, ()));
                }
            }
            Decision::Cancelled { token, reply: result } => {
                if let Some(Asker::Cancel(reply)) = self.askers.remove(&token) {
                    self.pending.act(Act::reply(reply, result));
                }
            }
            Decision::Operated { token, result } => {
                if let Some(Asker::Operate(reply)) = self.askers.remove(&token) {
                    self.pending.act(Act::reply(reply, result));
                }
            }
        }
    }

    /// A command that cannot be written breaks its saga, and nothing else.
    fn record(&mut self, record: Record<B>) {
        let (log, saga) = (self.machine.log(), record.saga);
        let now = if self.acts.is_told_elsewhere() { self.machine.seen(saga) } else { None };
        for Unwritable { participant, at, attempt, reason } in self.pending.record(record, now) {
            let key = ExchangeKey { log, saga, at };
            let report = Report::Answered { key, attempt, answer: Answer::Broken(reason) };
            self.step(Input::Report { participant, report });
        }
    }

    fn said(&mut self, participant: &'static str, said: FromParticipant<B>) {
        match said {
            FromParticipant::Connected { session: _, resumed } => {
                self.pending.act(Act::Connected { participant, resumed, time: self.clock.now() });
                self.step(Input::Connected { participant, resumed });
            }
            FromParticipant::CaughtUp => self.step(Input::CaughtUp { participant }),
            FromParticipant::Disconnected { reason } => {
                self.pending.act(Act::Disconnected { participant, reason, time: self.clock.now() });
                self.step(Input::Disconnected { participant });
            }
            FromParticipant::Taken(count) => {
                self.acts.taken(participant, count);
                self.pump();
            }
            FromParticipant::Report { session, number, report } => {
                self.step(Input::Report { participant, report });
                // One in this process lives no longer than this coordinator, and resumes nothing.
                if !self.acts.is_local(participant) {
                    self.pending.received(participant, session, number);
                }
            }
        }
    }

    fn pipe_event(&mut self, event: PipeEvent) {
        let time = self.clock.now();
        let notice = match event {
            PipeEvent::Refused { who, reason, .. } => Notice::ConnectionRefused { time, peer: who, reason },
            PipeEvent::Undeliverable { participant, key, reason } => {
                return self.broken(participant, key, format!("its command cannot be delivered: {reason}"));
            }
        };
        self.pending.act(Act::Notice(notice));
    }

    /// A command cannot get to its participant: its saga must not wait for an answer.
    pub(super) fn broken(&mut self, participant: &'static str, key: ExchangeKey, reason: String) {
        let attempt = self.machine.exchanges(key.saga).find(|exchange| exchange.at == key.at);
        if let Some(attempt) = attempt.map(|exchange| exchange.attempt) {
            let answer = Answer::Broken(reason);
            self.step(Input::Report { participant, report: Report::Answered { key, attempt, answer } });
        }
    }

    /// Hands what is decided to the journal, unless that is at work; what needs no commit is done at once.
    fn commit(&mut self) {
        if self.committing.is_some() || self.pending.is_empty() {
            return;
        }
        let (batch, acts) = self.pending.close(&self.machine);
        let horizon = self.machine.horizon();
        if batch.is_empty() {
            return self.perform(acts);
        }
        self.ends.journal.ask(Work::Append(batch));
        self.committing = Some(Committing { acts, horizon });
    }

    fn perform(&mut self, acts: Vec<Act<B>>) {
        for act in acts {
            match act {
                Act::LookUp(look_up) => self.look_up(look_up),
                act => {
                    if let Act::Record(Recorded { record, .. }) = &act
                        && let Some(Change::Ended(_)) = record.then.last()
                    {
                        self.machine.forget_key(record.saga);
                    }
                    self.acts.perform(act);
                }
            }
        }
        self.pump();
    }

    /// Lets out what may go out.
    pub(super) fn pump(&mut self) {
        let mut reads = self.acts.pump(&self.horizon);
        while !reads.is_empty() {
            let mut in_memory = false;
            for (participant, read) in std::mem::take(&mut reads) {
                let (key, step, recorded_in) = (read.key, read.step, read.recorded_in);
                match self.pending.fleeting.command(key) {
                    Some(command) => {
                        self.acts.read(participant, key, Some(command));
                        in_memory = true;
                    }
                    None => self.ends.journal.ask(Work::Command { participant, key, step, recorded_in }),
                }
            }
            if in_memory {
                reads = self.acts.pump(&self.horizon);
            }
        }
    }
}

/// The next one, if there is such a channel and it is open.
async fn receive<T>(channel: Option<&mut mpsc::Receiver<T>>) -> T {
    match channel {
        Some(channel) => match channel.recv().await {
            Some(value) => value,
            None => pending().await,
        },
        None => pending().await,
    }
}
