//! The coordinator's process: what the runtime's engine does (decide, record, act), in steps of virtual time.
//!
//! The machine, the log and the links are the runtime's own. A crash may come at every point between them.

mod callers;
mod pending;
mod post;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use saga_runtime::bus::{FromParticipant, Horizon, Report};
use saga_runtime::log::{Batch, LogError, LogReader, MemoryLog, SagaLog, Status};
use saga_runtime::machine::{Decision, InFlight, Input, Machine, Record, Token};
use saga_runtime::message::SagaId;
use saga_runtime::time::Timestamp;

use self::callers::Asker;
use self::pending::{Act, Pending, Reply};
use self::post::{Line, Outbox};
use super::clauses::{Approve, Assemble, Errand, Family, Seal};
use super::judge::Scope;
use super::network::{Frame, Wire};
use super::people::Wish;
use super::reached::Met;
use super::sagas::{Buy, Fulfil, Insist, Look, Shop};
use super::stage::{Crashed, Happening, Stage};

/// How late a timer may be: after a start it waits that long for answers that are there already.
const LATE: Duration = Duration::from_secs(6);

/// One life of the coordinator's process.
pub(super) struct Coordinator {
    life: u32,
    machine: Machine<Shop>,
    log: MemoryLog,
    reader: Box<dyn LogReader>,
    pending: Pending,
    /// What is being committed, and which sagas are open when it is.
    committing: Option<(Pending, Horizon)>,
    /// Which sagas were open after the last commit.
    horizon: Horizon,
    posts: BTreeMap<&'static str, (Outbox, Line)>,
    said: VecDeque<(&'static str, FromParticipant<Shop>)>,
    wishes: VecDeque<Wish>,
    askers: BTreeMap<Token, Asker>,
    tokens: Token,
    /// For when a tick is queued; the number tells it from those that were queued before.
    ticking: Option<Timestamp>,
    turn: u64,
}

/// A coordinator that was taken for dead, with a batch that it still wants to write.
pub(super) struct Stale {
    log: MemoryLog,
    batch: Batch,
}

impl Stale {
    /// It wakes up after another has taken the log over.
    pub(super) fn wake(mut self, stage: &mut Stage) {
        match self.log.append(self.batch.clone()) {
            Err(LogError::Fenced { .. }) => stage.meet(Met::StaleWriterFenced),
            other => stage.judge.object(6, format!("a stale writer appended: {other:?}")),
        }
    }
}

impl Coordinator {
    /// The process begins with what the log holds.
    pub(super) fn begin(stage: &mut Stage, mut log: MemoryLog, life: u32, names: &[&'static str]) -> Self {
        stage.note(|| format!("coordinator {life} begins"));
        let recovery = log.recover().expect("the log is in memory");
        let reader = log.reader().expect("the log is in memory");
        let next = recovery.next.unwrap_or(SagaId::FIRST);
        let mut machine = Machine::new(log.identity(), next, stage.random.u64(..));
        machine.register::<Buy>().expect("one of each name");
        machine.register::<Look>().expect("one of each name");
        machine.register::<Insist>().expect("one of each name");
        machine.register::<Fulfil>().expect("one of each name");
        machine.register::<Assemble>().expect("one of each name");
        machine.register::<Seal>().expect("one of each name");
        machine.register::<Approve>().expect("one of each name");
        machine.register::<Family>().expect("one of each name");
        machine.register::<Errand>().expect("one of each name");
        let post = |name: &&'static str| {
            let received = recovery.received.iter().find(|row| row.participant == **name);
            (*name, (Outbox::default(), Line::new(name, format!("coordinator-{life}"), received)))
        };
        let posts = names.iter().map(post).collect();
        recovery.open.iter().for_each(|_| stage.meet(Met::SagaRecovered));
        stage.judge.recovers(&recovery.open);
        let mut decisions = Vec::new();
        machine.recover(recovery.open, stage.now(), &mut decisions);
        stage.judge.decided(&Scope::Any, &decisions);
        let horizon = machine.horizon();
        let mut coordinator = Self {
            life,
            machine,
            log,
            reader,
            pending: Pending::default(),
            committing: None,
            horizon,
            posts,
            said: VecDeque::new(),
            wishes: VecDeque::new(),
            askers: BTreeMap::new(),
            tokens: 0,
            ticking: None,
            turn: 0,
        };
        decisions.into_iter().for_each(|decision| coordinator.decided(stage, decision));
        if !coordinator.pending.is_empty() {
            coordinator.work_soon(stage);
        }
        coordinator.schedule_tick(stage);
        coordinator
    }

    /// The process is gone. What was being committed is in the log, or it is not.
    pub(super) fn crash(mut self, stage: &mut Stage) -> Option<Stale> {
        let (pending, _) = self.committing.take()?;
        if stage.random.bool() {
            stage.meet(Met::BatchKeptInCrash);
            self.append(stage, &pending);
            return None;
        }
        stage.meet(Met::BatchLostInCrash);
        Some(Stale { log: self.log, batch: pending.batch })
    }

    pub(super) fn is_life(&self, life: u32) -> bool {
        self.life == life
    }

    /// Whether no saga is in flight and nothing is left to do.
    pub(super) fn is_idle(&self) -> bool {
        let has_work = !self.said.is_empty() || !self.wishes.is_empty();
        self.machine.is_empty() && self.pending.is_empty() && self.committing.is_none() && !has_work
    }

    /// The sagas in flight that are not shown as stuck.
    pub(super) fn going(&self) -> Vec<String> {
        let all = self.machine.in_flight();
        let going = all.iter().filter(|saga| !is_visibly_stuck(saga, &all));
        going.map(|saga| format!("saga {} ({}): {:?}", saga.saga, saga.name, saga.standing)).collect()
    }

    /// The sagas in flight whose timers should have fired long ago.
    pub(super) fn overdue(&self, now: Timestamp) -> Vec<String> {
        let is_overdue = |until: Timestamp| now.since(until) > LATE;
        let overdue = self.machine.in_flight().into_iter().filter(|saga| saga.standing.until.is_some_and(is_overdue));
        overdue.map(|saga| format!("saga {} ({}): {:?}", saga.saga, saga.name, saga.standing)).collect()
    }

    /// The sagas in flight that wait for an operator.
    pub(super) fn stuck(&self) -> Vec<SagaId> {
        let stuck = self.machine.in_flight().into_iter().filter(|saga| saga.standing.status == Status::Stuck);
        stuck.map(|saga| saga.saga).collect()
    }

    pub(super) fn wish(&mut self, stage: &mut Stage, wish: Wish) {
        self.wishes.push_back(wish);
        self.work_soon(stage);
    }

    pub(super) fn arrived(&mut self, stage: &mut Stage, wire: Wire, frame: Frame) {
        let Some((_, line)) = self.posts.get_mut(wire.name) else { return };
        line.arrived(stage, wire, frame);
        self.line_soon(stage, wire.name);
    }

    pub(super) fn closed(&mut self, stage: &mut Stage, wire: Wire) {
        let Some((_, line)) = self.posts.get_mut(wire.name) else { return };
        line.closed(wire);
        self.line_soon(stage, wire.name);
    }

    /// What the coordinator asked reaches the line, and what the line has to tell the coordinator.
    pub(super) fn line(&mut self, stage: &mut Stage, name: &'static str) {
        let Some((outbox, line)) = self.posts.get_mut(name) else { return };
        let count = stage.random.usize(1..=4).min(outbox.asked.len());
        outbox.asked.drain(..count).for_each(|wish| line.ask(wish));
        line.settle(stage);
        let has_more = !outbox.asked.is_empty();
        self.said.extend(line.told.drain(..).map(|told| (name, told)));
        if !self.said.is_empty() {
            self.work_soon(stage);
        }
        if has_more {
            self.line_soon(stage, name);
        }
    }

    /// Takes some of what has come, what participants said before what callers want.
    pub(super) fn work(&mut self, stage: &mut Stage) -> Result<(), Crashed> {
        for _ in 0..stage.random.usize(1..=6) {
            if let Some((name, said)) = self.said.pop_front() {
                self.hear(stage, name, said)?;
            } else if let Some(wish) = self.wishes.pop_front() {
                self.grant(stage, wish)?;
            }
        }
        self.commit(stage)?;
        if !self.said.is_empty() || !self.wishes.is_empty() {
            self.work_soon(stage);
        }
        self.schedule_tick(stage);
        Ok(())
    }

    /// Time has passed. Answers that are there come before that.
    pub(super) fn tick(&mut self, stage: &mut Stage, turn: u64) -> Result<(), Crashed> {
        if turn != self.turn {
            return Ok(());
        }
        self.ticking = None;
        while let Some((name, said)) = self.said.pop_front() {
            self.hear(stage, name, said)?;
        }
        self.step(stage, &Scope::Any, Input::Tick)?;
        self.commit(stage)?;
        self.schedule_tick(stage);
        Ok(())
    }

    /// The clocks have gone on without anybody.
    pub(super) fn woke(&mut self, stage: &mut Stage) {
        self.ticking = None;
        self.schedule_tick(stage);
    }

    /// The log has done what it was told, unless the process dies before that.
    pub(super) fn appended(&mut self, stage: &mut Stage) -> Result<(), Crashed> {
        stage.survive(Met::CoordinatorCrashedBeforeRecord)?;
        let Some((pending, horizon)) = self.committing.take() else { return Ok(()) };
        self.append(stage, &pending);
        self.horizon = horizon;
        self.perform(stage, pending.acts)?;
        self.commit(stage)?;
        self.schedule_tick(stage);
        Ok(())
    }

    fn append(&mut self, stage: &mut Stage, pending: &Pending) {
        if let Err(error) = self.log.append(pending.batch.clone()) {
            stage.judge.object(5, format!("the log refused a batch: {error}"));
        }
        pending.records.iter().for_each(|record| stage.meet_record(record));
        stage.judge.commits(&pending.records, &pending.batch.received);
    }

    fn step(&mut self, stage: &mut Stage, scope: &Scope, input: Input<Shop>) -> Result<(), Crashed> {
        let mut decisions = Vec::new();
        self.machine.step(input, stage.now(), &mut decisions);
        stage.judge.decided(scope, &decisions);
        for decision in decisions {
            self.decided(stage, decision);
        }
        stage.survive(Met::CoordinatorCrashedAnywhere)
    }

    fn decided(&mut self, stage: &mut Stage, decision: Decision<Shop>) {
        stage.note(|| describe(&decision));
        match decision {
            Decision::Record(record) => self.pending.record(self.machine.log(), record),
            Decision::Deliver { participant, key, definition, attempt, recorded_in } => {
                let command = pending::WaitingCommand { key, attempt, definition, recorded_in, command: None };
                self.pending.acts.push(Act::Send(participant, command));
            }
            Decision::Ask { participant, key } => self.pending.acts.push(Act::Settle(participant, key)),
            Decision::Late { key, what, .. } => {
                stage.meet(Met::Late);
                self.pending.late(key.saga, stage.now(), format!("{what:?}"));
            }
            Decision::Stray { .. } | Decision::TriggerFailed { .. } => {}
            reply => self.replied(stage, reply),
        }
    }

    fn hear(&mut self, stage: &mut Stage, name: &'static str, said: FromParticipant<Shop>) -> Result<(), Crashed> {
        match said {
            FromParticipant::Connected { session: _, resumed } => {
                self.pending.acts.push(Act::Connected { participant: name, resumed });
                self.step(stage, &Scope::Nothing, Input::Connected { participant: name, resumed })?;
            }
            FromParticipant::CaughtUp => self.step(stage, &Scope::Nothing, Input::CaughtUp { participant: name })?,
            FromParticipant::Disconnected { .. } => {
                self.pending.acts.push(Act::Disconnected(name));
                self.step(stage, &Scope::Any, Input::Disconnected { participant: name })?;
            }
            FromParticipant::Taken(count) => {
                if let Some((outbox, _)) = self.posts.get_mut(name) {
                    outbox.taken(count);
                }
            }
            FromParticipant::Report { session, number, report } => {
                let scope = match &report {
                    Report::Answered { key, .. } | Report::Fate { key, .. } => Scope::Said(*key),
                    Report::Published(event) => Scope::Event(event.clone()),
                };
                self.step(stage, &scope, Input::Report { participant: name, report })?;
                self.pending.received(name, session, number);
            }
        }
        self.pump(stage);
        Ok(())
    }

    /// Hands what is decided to the log, unless that is at work; what needs no commit is done at once.
    fn commit(&mut self, stage: &mut Stage) -> Result<(), Crashed> {
        if self.committing.is_some() || self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending).close(&self.machine);
        if pending.batch.is_empty() {
            return self.perform(stage, pending.acts);
        }
        self.committing = Some((pending, self.machine.horizon()));
        stage.within(100..=20_000, Happening::Appended { life: self.life });
        Ok(())
    }

    fn perform(&mut self, stage: &mut Stage, acts: Vec<Act>) -> Result<(), Crashed> {
        for act in acts {
            stage.survive(Met::CoordinatorCrashedBetweenActs)?;
            match act {
                Act::LookUp(start) => self.start_unless_known(stage, start)?,
                Act::Ended(saga) => self.machine.forget_key(saga),
                Act::Reply(Reply::Started { start, saga }) => stage.judge.started(&start, saga),
                Act::Reply(Reply::Published(event)) => stage.judge.published(&event),
                Act::Reply(Reply::Cancelled { saga, reply }) => stage.judge.cancelled(saga, reply),
                Act::Send(name, command) => self.outbox(name, |outbox| outbox.command(command)),
                Act::Settle(name, key) => self.outbox(name, |outbox| outbox.settle(key)),
                Act::Withdraw(name, key) => self.outbox(name, |outbox| outbox.withdraw(key)),
                Act::Recorded(name, number) => self.outbox(name, |outbox| outbox.recorded(number)),
                Act::Connected { participant, resumed } => {
                    self.outbox(participant, |outbox| outbox.connected(resumed));
                }
                Act::Disconnected(name) => self.outbox(name, Outbox::disconnected),
            }
        }
        self.pump(stage);
        if !self.pending.is_empty() {
            self.work_soon(stage);
        }
        Ok(())
    }

    fn outbox(&mut self, name: &str, act: impl FnOnce(&mut Outbox)) {
        if let Some((outbox, _)) = self.posts.get_mut(name) {
            act(outbox);
        }
    }

    /// Lets out what may go out.
    fn pump(&mut self, stage: &mut Stage) {
        let Self { posts, reader, life, horizon, .. } = self;
        for (name, (outbox, _)) in posts {
            outbox.pump(stage, horizon, |key, recorded_in| {
                let rows = reader.records(key.saga, recorded_in, 1).expect("the log is in memory");
                rows.first().and_then(|row| pending::command_in(row, key.at))
            });
            if !outbox.asked.is_empty() {
                stage.within(0..=1_000, Happening::Line { life: *life, name });
            }
        }
    }

    fn work_soon(&self, stage: &mut Stage) {
        stage.within(0..=1_000, Happening::Work { life: self.life });
    }

    fn line_soon(&self, stage: &mut Stage, name: &'static str) {
        stage.within(0..=500, Happening::Line { life: self.life, name });
    }

    fn schedule_tick(&mut self, stage: &mut Stage) {
        let next = self.machine.next_tick().filter(|next| *next < Timestamp::NEVER);
        if next.is_some() && next != self.ticking {
            self.turn += 1;
            stage.at(next.unwrap_or_default(), Happening::Tick { life: self.life, turn: self.turn });
        }
        self.ticking = next;
    }
}

/// Whether a saga is stuck, or is shown to wait for the end of one that is.
fn is_visibly_stuck(saga: &InFlight, all: &[InFlight]) -> bool {
    let awaited = |saga: &InFlight| {
        let what = saga.standing.waiting_for.as_deref()?.strip_prefix("the end of saga ")?;
        let number = what.split(|letter: char| !letter.is_ascii_digit()).next()?;
        all.iter().find(|other| other.saga.to_string() == number)
    };
    let mut chain = std::iter::successors(Some(saga), |saga| awaited(saga)).take(all.len() + 1);
    chain.any(|saga| saga.standing.status == Status::Stuck)
}

/// A decision in one line, without what does not change.
fn describe(decision: &Decision<Shop>) -> String {
    match decision {
        Decision::Record(Record { saga, number, happened, then, .. }) => {
            format!("decides saga {saga}, record {number}: {happened:?} → {then:?}")
        }
        Decision::Deliver { key, attempt, .. } => format!("decides to deliver {key} again, attempt {attempt}"),
        Decision::Late { key, what, .. } => format!("decides that {key} is late: {what:?}"),
        other => format!("decides {other:?}"),
    }
}
