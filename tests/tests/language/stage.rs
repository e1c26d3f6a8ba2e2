//! Several sagas in one machine, told by hand what they hear.

use std::time::Duration;

use saga_runtime::bus::Report;
use saga_runtime::log::{OpenSaga, Status};
use saga_runtime::machine::{Change, Decision, Input, Machine, NewSaga};
use saga_runtime::message::{Answer, At, Bus, ExchangeKey, LogId, SagaId};
use saga_runtime::prelude::*;
use saga_runtime::time::Timestamp;

pub(super) const LOG: LogId = LogId::from_bits(0xb05);

/// A machine, and what it decided so far.
pub(super) struct Stage<B: Bus> {
    pub(super) machine: Machine<B>,
    pub(super) now: Timestamp,
    pub(super) decisions: Vec<Decision<B>>,
    kinds: Vec<fn(&mut Machine<B>)>,
}

impl<B: Bus> Stage<B> {
    pub(super) fn new<S: Saga<Bus = B>>() -> Self {
        let machine = Machine::new(LOG, SagaId::FIRST, 1);
        Self { machine, now: Timestamp::EPOCH, decisions: Vec::new(), kinds: Vec::new() }.with::<S>()
    }

    /// One more kind of saga.
    pub(super) fn with<S: Saga<Bus = B>>(mut self) -> Self {
        let register = |machine: &mut Machine<B>| machine.register::<S>().expect("it has no namesake");
        register(&mut self.machine);
        self.kinds.push(register);
        self
    }

    pub(super) fn connect(&mut self) {
        for participant in self.machine.participants() {
            self.tell(Input::Connected { participant, resumed: true });
            self.tell(Input::CaughtUp { participant });
        }
    }

    pub(super) fn tell(&mut self, input: Input<B>) {
        self.machine.step(input, self.now, &mut self.decisions);
    }

    /// A participant without memory takes the place of another; only what is decided then is kept.
    pub(super) fn begin_anew(&mut self, participant: &'static str) {
        self.tell(Input::Disconnected { participant });
        self.decisions.clear();
        self.tell(Input::Connected { participant, resumed: false });
    }

    #[track_caller]
    pub(super) fn start<S: Saga<Bus = B>>(&mut self, input: S) -> SagaId {
        self.try_start(input).expect("the start is accepted")
    }

    #[track_caller]
    pub(super) fn try_start<S: Saga<Bus = B>>(&mut self, input: S) -> Result<SagaId, String> {
        self.tell(Input::Start { saga: NewSaga::of(input), key: None, token: 0 });
        let started = self.decisions.iter().rev().find_map(|decision| match decision {
            Decision::Started { result, .. } => Some(result.clone()),
            _ => None,
        });
        started.expect("a start is replied to")
    }

    #[track_caller]
    pub(super) fn answer(&mut self, saga: SagaId, step: u16, attempt: u32, answer: Answer<B::Event, B::Refusal>) {
        let (participant, key) = self.exchange(saga, At::step(step));
        self.tell(Input::Report { participant, report: Report::Answered { key, attempt, answer } });
    }

    /// What undoes the step is handled.
    #[track_caller]
    pub(super) fn undone(&mut self, saga: SagaId, step: u16) {
        let (participant, key) = self.exchange(saga, At::step(step).undo());
        let report = Report::Answered { key, attempt: 1, answer: Answer::Handled(Vec::new()) };
        self.tell(Input::Report { participant, report });
    }

    /// The step on the way out is handled.
    #[track_caller]
    pub(super) fn finally_done(&mut self, saga: SagaId, step: u16) {
        let (participant, key) = self.exchange(saga, At { mode: Mode::Finally, ..At::step(step) });
        let report = Report::Answered { key, attempt: 1, answer: Answer::Handled(Vec::new()) };
        self.tell(Input::Report { participant, report });
    }

    #[track_caller]
    pub(super) fn settle(&mut self, saga: SagaId, step: u16, fate: Fate<B::Event>) {
        let (participant, key) = self.exchange(saga, At::step(step));
        self.tell(Input::Report { participant, report: Report::Fate { key, fate } });
    }

    #[track_caller]
    fn exchange(&self, saga: SagaId, at: At) -> (&'static str, ExchangeKey) {
        let name = self.machine.name_of(saga).expect("it is in flight");
        let definition = self.machine.definitions().find(|definition| definition.name == name);
        let step = definition.expect("its kind is known").steps[usize::from(at.step)];
        let block = if at.mode == Mode::Compensation { step.compensation.exchange() } else { Some(&step.exchange) };
        let block = block.expect("the step has a compensation");
        (block.action.command().expect("a command").to, ExchangeKey { log: LOG, saga, at })
    }

    pub(super) fn cancel(&mut self, saga: SagaId) {
        self.tell(Input::Cancel { saga, by: None, token: 0 });
    }

    pub(super) fn operate(&mut self, saga: SagaId, action: Operator) {
        let by = EndedBy { who: "ann".to_owned(), why: "enough".to_owned() };
        self.tell(Input::Operate { saga, action, by, token: 0 });
    }

    pub(super) fn advance(&mut self, duration: Duration) {
        let until = self.now.after(duration);
        while let Some(tick) = self.machine.next_tick().filter(|tick| *tick <= until) {
            self.now = self.now.max(tick);
            self.tell(Input::Tick);
        }
        self.now = until;
    }

    /// Where it stands.
    #[track_caller]
    pub(super) fn step(&self, saga: SagaId) -> String {
        self.machine.standing(saga).and_then(|standing| standing.step).expect("it is at a step")
    }

    /// None if it has ended.
    pub(super) fn status(&self, saga: SagaId) -> Option<Status> {
        self.machine.standing(saga).map(|standing| standing.status)
    }

    pub(super) fn is_stuck(&self, saga: SagaId) -> bool {
        self.status(saga) == Some(Status::Stuck)
    }

    /// How each saga ended, in that order; outputs as JSON.
    pub(super) fn ends(&self) -> Vec<(SagaId, Outcome<String>)> {
        let changes = self.decisions.iter().filter_map(|decision| match decision {
            Decision::Record(record) => Some(record.then.iter().map(|change| (record.saga, change))),
            _ => None,
        });
        let end = |(saga, change): (SagaId, &Change<B>)| match change {
            Change::Ended(outcome) => Some((saga, outcome.clone())),
            _ => None,
        };
        changes.flatten().filter_map(end).collect()
    }

    /// The same sagas after a crash; nobody is connected yet.
    pub(super) fn restart(&mut self) {
        let kinds = std::mem::take(&mut self.kinds);
        self.restart_as(kinds);
    }

    /// The same after a crash, with a program that knows this kind alone.
    pub(super) fn restart_knowing<S: Saga<Bus = B>>(&mut self) {
        self.restart_as(vec![|machine| machine.register::<S>().expect("one kind has no namesake")]);
    }

    fn restart_as(&mut self, kinds: Vec<fn(&mut Machine<B>)>) {
        let open: Vec<_> = self.machine.in_flight().into_iter().map(|saga| self.saved(saga.saga)).collect();
        let next = self.numbers().map(|(saga, _)| saga.next()).max().unwrap_or(SagaId::FIRST);
        let mut machine = Machine::new(LOG, next, 2);
        kinds.iter().for_each(|register| register(&mut machine));
        machine.recover(open, self.now, &mut self.decisions);
        (self.machine, self.kinds) = (machine, kinds);
    }

    fn saved(&self, id: SagaId) -> OpenSaga {
        let number = self.numbers().filter(|(saga, _)| *saga == id).last();
        let state = self.machine.save(id).expect("it is in flight").expect("the state can be written");
        OpenSaga {
            id,
            name: self.machine.name_of(id).unwrap_or_default().to_owned(),
            version: 1,
            started: Timestamp::EPOCH,
            key: None,
            number: number.map(|(_, number)| number).expect("its start is on record"),
            state: Ok(state),
        }
    }

    /// The sagas and numbers of all records.
    fn numbers(&self) -> impl Iterator<Item = (SagaId, u32)> {
        self.decisions.iter().filter_map(|decision| match decision {
            Decision::Record(record) => Some((record.saga, record.number)),
            _ => None,
        })
    }
}
