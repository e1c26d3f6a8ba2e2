//! The whole meaning of the language, as a pure state machine over all sagas in flight.
//!
//! It is deterministic: no clock, no I/O, no threads, no async; randomness comes from a seed. Its owner steps it with
//! ([`Input`], now) and gets [`Decision`]s. What is to leave on behalf of a saga stands in a [`Record`], which the owner
//! makes durable first.
//!
//! ```text
//!   Input ──► route by saga id ──► Turn (one saga, one transition) ──► Decision::Record
//!               │        ▲               │
//!               ▼        │               ▼
//!             triggers  timers     Kind (author's code, contained)
//! ```
//!
//! Sagas of one kind live together, by value; an event costs the same however many are in flight.

mod control;
mod horizon;
mod input;
mod kind;
mod presence;
mod record;
mod standing;
mod timers;
mod turn;

use std::any::TypeId;

use rustc_hash::FxHashMap;

pub use self::input::{CancelReply, Decision, Input, Late, NewSaga, Token};
pub use self::record::{Change, Happened, Operator, Record, StartedBy};

use self::control::{Due, Open, Waits};
use self::horizon::OpenSagas;
use self::kind::{Kind, KindOf, Slot};
use self::presence::Presence;
use self::timers::Timers;
use self::turn::Turn;
use crate::bus::{Horizon, Report};
use crate::cause::{EndedBy, Outcome};
use crate::definition::Definition;
use crate::log::{OpenSaga, Standing};
use crate::message::{Answer, At, Bus, Event, EventOf, ExchangeKey, Fate, LogId, RefusalOf, SagaId};
use crate::planted::{self, Bug};
use crate::saga::Saga;
use crate::time::Timestamp;

/// How long after a start nobody is thought away, and timers that passed meanwhile wait for answers already there.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// All sagas in flight on one bus.
pub struct Machine<B: Bus> {
    log: LogId,
    next: SagaId,
    kinds: Vec<Box<dyn Kind<B>>>,
    by_type: FxHashMap<TypeId, u16>,
    by_name: FxHashMap<&'static str, u16>,
    /// For each variant of the bus's event, the kinds that may be started by it.
    triggers: Vec<Vec<u16>>,
    routes: FxHashMap<SagaId, Route>,
    parked: FxHashMap<SagaId, Parked>,
    /// The sagas that were started with a key, until that is in the log with their end.
    keys: FxHashMap<String, SagaId>,
    keyed: FxHashMap<SagaId, String>,
    timers: Timers,
    presence: Presence,
    grace: Option<Grace>,
    horizon: OpenSagas,
    random: fastrand::Rng,
}

#[derive(Debug, Clone, Copy)]
struct Route {
    kind: u16,
    slot: Slot,
}

/// A saga that this program cannot load.
#[derive(Debug)]
struct Parked {
    number: u32,
    since: Timestamp,
    reason: String,
}

/// The time after a start in which what is already there comes in.
#[derive(Debug)]
struct Grace {
    since: Timestamp,
    /// The sagas whose timers had passed at the start.
    held: Vec<SagaId>,
}

/// A saga in flight, for whoever begins to watch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InFlight {
    /// Its id.
    pub saga: SagaId,
    /// Its name; empty if this program cannot load it.
    pub name: &'static str,
    /// Where it stands.
    pub standing: Standing,
}

/// An exchange that is not over, for a test kit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenExchange {
    pub(crate) at: At,
    pub(crate) attempt: u32,
    /// It was sent, and no answer to it counted.
    pub(crate) is_out: bool,
    /// Its fate is asked.
    pub(crate) is_asked: bool,
}

/// Two sagas of one name and version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two sagas are named `{name}` in version {version}: name one of them otherwise, with #[name(\"…\")]")]
pub struct Duplicate {
    /// The name.
    pub name: &'static str,
    /// The version.
    pub version: u32,
}

impl<B: Bus> Machine<B> {
    /// A machine without sagas. `next` is the id of the first that it starts; `seed` decides all its randomness.
    pub fn new(log: LogId, next: SagaId, seed: u64) -> Self {
        Self {
            log,
            next,
            kinds: Vec::new(),
            by_type: FxHashMap::default(),
            by_name: FxHashMap::default(),
            triggers: vec![Vec::new(); <EventOf<B> as Event>::EVENTS.len()],
            routes: FxHashMap::default(),
            parked: FxHashMap::default(),
            keys: FxHashMap::default(),
            keyed: FxHashMap::default(),
            timers: Timers::default(),
            presence: Presence::default(),
            grace: None,
            horizon: OpenSagas::new(next),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Makes a kind of saga known.
    ///
    /// # Errors
    /// When one of its name is known already.
    ///
    /// # Panics
    /// With more than 65,536 kinds.
    pub fn register<S: Saga<Bus = B>>(&mut self) -> Result<(), Duplicate> {
        let definition = S::DEFINITION;
        if self.by_name.contains_key(definition.name) {
            return Err(Duplicate { name: definition.name, version: definition.version });
        }
        let kind = u16::try_from(self.kinds.len()).expect("a catalogue has fewer than 2^16 kinds");
        self.kinds.push(Box::new(KindOf::<S>::new()));
        self.by_type.insert(TypeId::of::<S>(), kind);
        self.by_name.insert(definition.name, kind);
        for (index, event) in <EventOf<B> as Event>::EVENTS.iter().enumerate() {
            if definition.triggers.iter().any(|trigger| trigger.event == event.name) {
                self.triggers[index].push(kind);
            }
        }
        Ok(())
    }

    /// The definitions of the kinds that are known, in the order in which they became so.
    pub fn definitions(&self) -> impl Iterator<Item = &'static Definition> {
        self.kinds.iter().map(|kind| kind.definition())
    }

    /// The participants that these kinds send to, each once.
    pub fn participants(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.definitions().flat_map(Definition::participants).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes up what the log holds. For some seconds nobody is thought away, and timers that have passed wait for
    /// answers that are already there.
    pub fn recover(&mut self, open: Vec<OpenSaga>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        self.presence.be_patient(now.after(GRACE));
        self.grace = Some(Grace { since: now, held: Vec::new() });
        if let Some(oldest) = open.first() {
            self.horizon = OpenSagas::new(oldest.id);
        }
        if planted::is(Bug::ReuseIds) {
            self.next = open.last().map_or(SagaId::FIRST, |newest| newest.id.next());
        }
        for saga in open {
            self.horizon.opened(saga.id);
            if let Some(key) = &saga.key {
                self.keys.insert(key.clone(), saga.id);
                self.keyed.insert(saga.id, key.clone());
            }
            let (id, number) = (saga.id, saga.number);
            if let Err(reason) = self.load(saga) {
                self.park(id, number, reason, now, decisions);
            }
        }
    }

    fn load(&mut self, saga: OpenSaga) -> Result<(), String> {
        let OpenSaga { id, name, version, number, state, .. } = saga;
        let kind = self.by_name.get(name.as_str()).copied();
        let kind = kind.filter(|kind| self.kinds[usize::from(*kind)].definition().version == version);
        let kind = kind.ok_or_else(|| format!("this program has no saga `{name}` of version {version}"))?;
        let state = state.map_err(|error| error.to_string())?;
        let slot = self.kinds[usize::from(kind)]
            .load(id, &state)
            .map_err(|error| format!("its state does not load: {error}"))?;
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        control.number = number;
        let due = control.next_due();
        control.timer = due;
        self.routes.insert(id, Route { kind, slot });
        if due < Timestamp::NEVER {
            self.timers.push(due, id);
        }
        Ok(())
    }

    fn park(&mut self, saga: SagaId, number: u32, reason: String, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let number = number + 1;
        let happened = Happened::Parked { reason: reason.clone() };
        let then = vec![Change::Stuck { reason: reason.clone() }];
        decisions.push(Decision::Record(Record { saga, definition: None, number, time: now, happened, then }));
        self.parked.insert(saga, Parked { number, since: now, reason });
    }

    /// Decides one input.
    pub fn step(&mut self, input: Input<B>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        match input {
            Input::Start { saga, key, token } => {
                let started = self.start(saga, StartedBy::Call, key, now, decisions);
                decisions.push(Decision::Started { token, result: started });
            }
            Input::Publish { event, token } => {
                self.trigger(&event, now, decisions);
                decisions.push(Decision::Published { token });
            }
            Input::Report { participant, report } => self.report(participant, report, now, decisions),
            Input::Connected { participant, resumed } => self.connected(participant, resumed, decisions),
            Input::CaughtUp { participant } => self.caught_up(participant, now),
            Input::Disconnected { participant } => {
                self.presence.left(participant);
                self.absent(participant, now, decisions);
            }
            Input::Cancel { saga, by, token } => {
                let reply = self.cancel(saga, by, now, decisions);
                decisions.push(Decision::Cancelled { token, reply });
            }
            Input::Operate { saga, action, by, token } => {
                let result = self.operate(saga, action, by, now, decisions);
                decisions.push(Decision::Operated { token, result });
            }
            Input::Tick => self.tick(now, decisions),
        }
    }

    /// When [`Input::Tick`] is due, if nothing else comes.
    pub fn next_tick(&self) -> Option<Timestamp> {
        [self.timers.next(), self.presence.patience()].into_iter().flatten().min()
    }

    /// How many sagas are in flight.
    pub fn len(&self) -> usize {
        self.routes.len() + self.parked.len()
    }

    /// Whether none is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state and the control of a saga in flight, as the log keeps them; none of one that ended or is parked.
    ///
    /// # Errors
    /// When the state cannot be written, which is told in words.
    pub fn save(&self, saga: SagaId) -> Option<Result<String, String>> {
        let route = self.routes.get(&saga)?;
        Some(self.kinds[usize::from(route.kind)].save(route.slot))
    }

    /// Where a saga in flight stands.
    pub fn standing(&self, saga: SagaId) -> Option<Standing> {
        if let Some(parked) = self.parked.get(&saga) {
            return Some(standing::parked(parked.since, &parked.reason));
        }
        let route = self.routes.get(&saga)?;
        let kind = self.kinds[usize::from(route.kind)].as_ref();
        Some(standing::of(kind.definition(), kind.control(route.slot), kind.position(route.slot)))
    }

    /// The log that its keys name.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The name of a saga in flight; none of one that ended, or that this program cannot load.
    pub fn name_of(&self, saga: SagaId) -> Option<&'static str> {
        self.routes.get(&saga).map(|route| self.kinds[usize::from(route.kind)].definition().name)
    }

    /// All sagas in flight, oldest first, and where they stand.
    pub fn in_flight(&self) -> Vec<InFlight> {
        let routed = self.in_order().into_iter().map(|(saga, _)| (saga, self.name_of(saga).unwrap_or_default()));
        let mut all: Vec<_> = routed.chain(self.parked.keys().map(|saga| (*saga, ""))).collect();
        all.sort_unstable();
        let stand = |(saga, name)| Some(InFlight { saga, name, standing: self.standing(saga)? });
        all.into_iter().filter_map(stand).collect()
    }

    /// Whether a saga in flight goes back.
    pub(crate) fn is_failing(&self, saga: SagaId) -> bool {
        let control = self.routes.get(&saga).map(|route| self.kinds[usize::from(route.kind)].control(route.slot));
        control.is_some_and(|control| control.phase != control::Phase::Forward)
    }

    /// The exchanges of a saga that are not over, in the order in which they were first sent.
    pub(crate) fn exchanges(&self, saga: SagaId) -> impl Iterator<Item = OpenExchange> {
        let control = self.routes.get(&saga).map(|route| self.kinds[usize::from(route.kind)].control(route.slot));
        control.into_iter().flat_map(|control| &control.open).map(|open| OpenExchange {
            at: open.at,
            attempt: open.attempt,
            is_out: open.recorded_in.is_some()
                && matches!(open.waits, Waits::Answer | Waits::Backoff { in_doubt: true }),
            is_asked: matches!(open.waits, Waits::Fate { .. }),
        })
    }

    /// Starts no saga on an event: for tests of one saga.
    pub(crate) fn ignore_triggers(&mut self) {
        self.triggers.iter_mut().for_each(Vec::clear);
    }

    /// The typed state of a saga in flight.
    pub(crate) fn state<S: Saga<Bus = B>>(&self, saga: SagaId) -> Option<&S::State> {
        let route = self.routes.get(&saga)?;
        let kind = self.kinds[usize::from(route.kind)].as_any().downcast_ref::<KindOf<S>>()?;
        Some(kind.state(route.slot))
    }

    /// The key with which a saga in flight was started, or one that ended and is not forgotten.
    pub(crate) fn saga_with_key(&self, key: &str) -> Option<SagaId> {
        self.keys.get(key).copied()
    }

    /// The end of this saga is in the log: its key need not be known here any more.
    pub fn forget_key(&mut self, saga: SagaId) {
        if let Some(key) = self.keyed.remove(&saga) {
            self.keys.remove(&key);
        }
    }

    /// Which sagas are open, for participants to forget the others.
    pub fn horizon(&self) -> Horizon {
        self.horizon.horizon()
    }

    fn start(
        &mut self,
        saga: NewSaga,
        by: StartedBy,
        key: Option<String>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<SagaId, String> {
        if let Some(known) = key.as_deref().and_then(|key| self.saga_with_key(key)) {
            return Ok(known);
        }
        let (kind, input) = match saga {
            NewSaga::Typed { input, .. } => {
                let kind = self.by_type.get(&(*input).type_id());
                (*kind.ok_or("this kind of saga is not registered with the coordinator: add `.saga::<…>()`")?, input)
            }
            NewSaga::Named { name, input } => {
                let kind = *self.by_name.get(name.as_str()).ok_or_else(|| self.unknown_name(&name))?;
                let parsed = self.kinds[usize::from(kind)].parse(&input);
                (kind, parsed.map_err(|error| format!("the input of `{name}` does not fit: {error}"))?)
            }
        };
        let id = self.next;
        let begun = self.kinds[usize::from(kind)].begin(id, input, now).map_err(|panicked| panicked.to_string())?;
        self.next = id.next();
        self.horizon.opened(id);
        self.routes.insert(id, Route { kind, slot: begun.slot });
        if let Some(key) = &key {
            self.keys.insert(key.clone(), id);
            self.keyed.insert(id, key.clone());
        }
        self.turn(id, Happened::Started { input: begun.input, by, key }, now, decisions, |turn| turn.enter());
        Ok(id)
    }

    fn unknown_name(&self, name: &str) -> String {
        let mut known: Vec<_> = self.by_name.keys().copied().collect();
        known.sort_unstable();
        format!("there is no saga `{name}`; there are: {}", known.join(", "))
    }

    /// Offers an event to the kinds that it may start.
    fn trigger(&mut self, event: &EventOf<B>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        for position in 0..self.triggers[event.index()].len() {
            let kind = usize::from(self.triggers[event.index()][position]);
            let started = match self.kinds[kind].triggered_by(event) {
                Ok(None) => continue,
                Ok(Some(input)) => {
                    let by = StartedBy::Trigger(event.info().name.to_owned());
                    let name = self.kinds[kind].definition().name;
                    self.start(NewSaga::Typed { name, input }, by, None, now, decisions)
                }
                Err(panicked) => Err(panicked.to_string()),
            };
            if let Err(reason) = started {
                let name = self.kinds[kind].definition().name;
                decisions.push(Decision::TriggerFailed { name, event: event.info().name, reason });
            }
        }
    }

    fn report(
        &mut self,
        participant: &'static str,
        report: Report<B>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) {
        match report {
            Report::Published(event) => self.trigger(&event, now, decisions),
            Report::Answered { key, attempt, answer } => {
                if self.awaits(participant, key, |open| answer_counts::<B>(open, attempt, &answer)) {
                    let at = key.at;
                    let happened = Happened::Answered { at, attempt, answer: answer.clone() };
                    self.turn(key.saga, happened, now, decisions, |turn| turn.answered(at, &answer));
                    if let Answer::Handled(events) = &answer {
                        events.iter().for_each(|event| self.trigger(event, now, decisions));
                    }
                } else if !planted::is(Bug::DropLateAnswers) {
                    decisions.push(self.late(participant, key, Late::Answer { attempt, answer }));
                }
            }
            Report::Fate { key, fate } => {
                if self.awaits(participant, key, Open::is_settling) {
                    let at = key.at;
                    let happened = Happened::Fate { at, fate: fate.clone() };
                    self.turn(key.saga, happened, now, decisions, |turn| turn.fate(at, &fate));
                    if let Fate::Done(events) = &fate {
                        events.iter().for_each(|event| self.trigger(event, now, decisions));
                    }
                } else {
                    decisions.push(self.late(participant, key, Late::Fate(fate)));
                }
            }
        }
    }

    /// Whether the exchange of this key is open, this participant's, and waits for such a thing.
    fn awaits(&self, participant: &str, key: ExchangeKey, counts: impl Fn(&Open) -> bool) -> bool {
        let Some(route) = self.routes.get(&key.saga).filter(|_| key.log == self.log) else { return false };
        let kind = self.kinds[usize::from(route.kind)].as_ref();
        let open = kind.control(route.slot).open.iter().find(|open| open.at == key.at);
        open.is_some_and(|open| participant_of(kind.definition(), open.at) == Some(participant) && counts(open))
    }

    /// What becomes of something that nobody waits for.
    fn late(&self, participant: &'static str, key: ExchangeKey, what: Late<B>) -> Decision<B> {
        let definition = self.routes.get(&key.saga).map(|route| self.kinds[usize::from(route.kind)].definition());
        if key.log == self.log && key.saga < self.next {
            Decision::Late { key, definition, participant, what }
        } else {
            Decision::Stray { key, participant }
        }
    }

    fn connected(&mut self, participant: &'static str, resumed: bool, decisions: &mut Vec<Decision<B>>) {
        self.presence.connected(participant);
        if resumed {
            return;
        }
        for (saga, route) in self.in_order() {
            let kind = self.kinds[usize::from(route.kind)].as_ref();
            for open in &kind.control(route.slot).open {
                if participant_of(kind.definition(), open.at) != Some(participant) {
                    continue;
                }
                let key = ExchangeKey { log: self.log, saga, at: open.at };
                match (open.waits, open.recorded_in) {
                    (Waits::Answer, Some(recorded_in)) => {
                        let (definition, attempt) = (kind.definition(), open.attempt);
                        decisions.push(Decision::Deliver { participant, key, definition, attempt, recorded_in });
                    }
                    (Waits::Fate { .. }, _) => decisions.push(Decision::Ask { participant, key }),
                    _ => {}
                }
            }
        }
    }

    fn caught_up(&mut self, participant: &'static str, now: Timestamp) {
        self.presence.caught_up(participant);
        if self.grace.is_some() && self.presence.all_caught_up(self.participants().into_iter()) {
            self.release_held(now);
        }
    }

    /// Lets the timers that had passed at the start fire.
    fn release_held(&mut self, now: Timestamp) {
        if let Some(grace) = self.grace.take() {
            grace.held.into_iter().for_each(|saga| self.timers.push(now, saga));
        }
    }

    /// Tells all exchanges that heed it that their participant is away.
    fn absent(&mut self, participant: &str, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        for (saga, route) in self.in_order() {
            let kind = self.kinds[usize::from(route.kind)].as_ref();
            let waiting = kind.control(route.slot).open.iter().filter(|open| {
                open.waits == Waits::Answer && participant_of(kind.definition(), open.at) == Some(participant)
            });
            let waiting: Vec<_> = waiting.map(|open| (open.at, open.attempt)).collect();
            for (at, attempt) in waiting {
                let happened = Happened::Disconnected { at, attempt };
                self.turn_if(saga, happened, now, decisions, |turn| {
                    let heeds = turn.heeds_absence(at);
                    if heeds {
                        turn.absent(at);
                    }
                    heeds
                });
            }
        }
    }

    fn cancel(
        &mut self,
        saga: SagaId,
        by: Option<EndedBy>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<CancelReply, String> {
        let Some(route) = self.routes.get(&saga) else {
            return match self.parked.get(&saga) {
                Some(parked) => Err(format!("saga {saga} is parked ({}); it can only be ended", parked.reason)),
                None if saga < self.next => Ok(CancelReply::Ended),
                None => Err(format!("there is no saga {saga}")),
            };
        };
        if self.kinds[usize::from(route.kind)].control(route.slot).phase == control::Phase::Forward {
            self.turn(saga, Happened::Cancelled { by }, now, decisions, |turn| turn.cancel());
        }
        Ok(CancelReply::Requested)
    }

    fn operate(
        &mut self,
        saga: SagaId,
        action: Operator,
        by: EndedBy,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<(), String> {
        let happened = Happened::Operator { action, who: by.who.clone(), why: by.why.clone() };
        if self.parked.contains_key(&saga) {
            return self.end_parked(saga, action, happened, by, now, decisions);
        }
        if !self.routes.contains_key(&saga) {
            let known = saga < self.next;
            return Err(if known { format!("saga {saga} has ended") } else { format!("there is no saga {saga}") });
        }
        let mut permitted = Ok(());
        self.turn_if(saga, happened, now, decisions, |turn| {
            permitted = turn.permits(action);
            if permitted.is_ok() {
                turn.operate(action, by);
            }
            permitted.is_ok()
        });
        permitted.map_err(|reason| format!("saga {saga}: {reason}"))
    }

    fn end_parked(
        &mut self,
        saga: SagaId,
        action: Operator,
        happened: Happened<B>,
        by: EndedBy,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
    ) -> Result<(), String> {
        if action != Operator::End {
            return Err(format!("saga {saga} cannot be loaded by this program: start one that can, or end the saga"));
        }
        if let Some(Parked { number, .. }) = self.parked.remove(&saga) {
            let then = vec![Change::Ended(Outcome::Ended(by))];
            let record = Record { saga, definition: None, number: number + 1, time: now, happened, then };
            decisions.push(Decision::Record(record));
            self.horizon.closed(saga);
        }
        Ok(())
    }

    fn tick(&mut self, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        if self.presence.patience().is_some_and(|until| until <= now) {
            self.presence.lose_patience();
            self.release_held(now);
            for participant in self.participants() {
                if self.presence.is_away(participant) {
                    self.absent(participant, now, decisions);
                }
            }
        }
        while let Some(saga) = self.timers.pop_due(now) {
            self.fire(saga, now, decisions);
        }
    }

    /// What is due by itself for a saga whose entry came up.
    fn fire(&mut self, saga: SagaId, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        control.timer = Timestamp::NEVER;
        if let Some(grace) = self.grace.as_mut().filter(|grace| control.next_due() < grace.since) {
            return grace.held.push(saga);
        }
        while let Some(route) = self.routes.get(&saga) {
            let control = self.kinds[usize::from(route.kind)].control(route.slot);
            let Some(due) = control.due(now) else { return self.schedule(saga) };
            self.fire_one(saga, due, now, decisions);
        }
    }

    fn fire_one(&mut self, saga: SagaId, due: Due, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let at = match due {
            Due::Deadline => return self.turn(saga, Happened::Deadline, now, decisions, |turn| turn.deadline()),
            Due::Exchange(at) => at,
        };
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control(slot);
        let Some(open) = control.open.iter().find(|open| open.at == at) else { return };
        let attempt = open.attempt;
        match open.waits {
            Waits::Answer => {
                self.turn(saga, Happened::TimedOut { at, attempt }, now, decisions, |turn| turn.timeout(at))
            }
            Waits::Backoff { .. } => {
                self.turn(saga, Happened::Waited { at }, now, decisions, |turn| turn.attempt(at, None));
            }
            Waits::FateAgain { .. } => {
                self.turn(saga, Happened::Waited { at }, now, decisions, |turn| turn.fate_due(at))
            }
            Waits::Fate { .. } | Waits::Operator => {
                self.turn(saga, Happened::FateOverdue { at }, now, decisions, |turn| turn.fate_due(at));
            }
        }
    }

    fn turn(
        &mut self,
        saga: SagaId,
        happened: Happened<B>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
        act: impl FnOnce(&mut Turn<'_, B>),
    ) {
        self.turn_if(saga, happened, now, decisions, |turn| {
            act(turn);
            true
        });
    }

    /// Moves one saga; without a record if `act` says that nothing came of it.
    fn turn_if(
        &mut self,
        saga: SagaId,
        happened: Happened<B>,
        now: Timestamp,
        decisions: &mut Vec<Decision<B>>,
        act: impl FnOnce(&mut Turn<'_, B>) -> bool,
    ) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let kind = self.kinds[usize::from(kind)].as_mut();
        let (presence, random) = (&self.presence, &mut self.random);
        let mut turn = Turn { kind, slot, now, presence, random, changes: Vec::new() };
        let moved = act(&mut turn);
        let then = turn.changes;
        if moved || !then.is_empty() {
            let control = kind.control_mut(slot);
            control.number += 1;
            control.since = now;
            let ended = matches!(then.last(), Some(Change::Ended(_)));
            let number = control.number;
            let definition = Some(kind.definition());
            decisions.push(Decision::Record(Record { saga, definition, number, time: now, happened, then }));
            if ended { self.remove(saga) } else { self.schedule(saga) }
        }
    }

    fn remove(&mut self, saga: SagaId) {
        if let Some(Route { kind, slot }) = self.routes.remove(&saga) {
            self.kinds[usize::from(kind)].remove(slot);
            self.horizon.closed(saga);
            let (routes, kinds) = (&self.routes, &self.kinds);
            self.timers.tidy(routes.len(), |time, saga| {
                let route = routes.get(&saga);
                route.is_some_and(|route| kinds[usize::from(route.kind)].control(route.slot).timer == time)
            });
        }
    }

    /// Sees to it that an entry comes up when something is due.
    fn schedule(&mut self, saga: SagaId) {
        let Some(&Route { kind, slot }) = self.routes.get(&saga) else { return };
        let control = self.kinds[usize::from(kind)].control_mut(slot);
        let due = control.next_due();
        if due < control.timer {
            control.timer = due;
            self.timers.push(due, saga);
        }
    }

    /// All that are in flight, oldest first. For what is rare: it looks at every saga.
    fn in_order(&self) -> Vec<(SagaId, Route)> {
        let kinds = self.kinds.iter().zip(0..);
        let sagas = kinds.flat_map(|(kind, number)| {
            kind.in_flight().into_iter().map(move |(saga, slot)| (saga, Route { kind: number, slot }))
        });
        let mut sagas: Vec<_> = sagas.collect();
        sagas.sort_unstable_by_key(|(saga, _)| *saga);
        sagas
    }
}

/// Whether an answer moves the exchange: *handled* from any attempt, anything else from the current one, once.
fn answer_counts<B: Bus>(open: &Open, attempt: u32, answer: &Answer<EventOf<B>, RefusalOf<B>>) -> bool {
    let expected = !matches!(open.waits, Waits::Operator | Waits::Backoff { in_doubt: false });
    match answer {
        Answer::Handled(_) => true,
        Answer::Refused(_) | Answer::Broken(_) => {
            (attempt == open.attempt || planted::is(Bug::CountOldRefusals)) && expected
        }
    }
}

/// The participant of an exchange; none if there is no such exchange.
fn participant_of(definition: &'static Definition, at: At) -> Option<&'static str> {
    let step = definition.steps.get(usize::from(at.step))?;
    let block =
        if at.mode == crate::message::Mode::Compensation { step.compensation.exchange()? } else { &step.exchange };
    Some(block.action.command().to)
}
