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

mod asides;
mod attendance;
mod awaiting;
mod children;
mod circles;
mod control;
mod hearing;
mod horizon;
mod input;
mod keys;
mod kind;
mod looking;
mod migration;
mod operating;
mod presence;
mod record;
mod recovery;
mod standing;
mod starting;
mod timers;
mod timing;
mod turn;

use std::any::TypeId;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

pub use self::input::{CancelReply, Decision, Input, Late, NewSaga, Token};
pub use self::looking::InFlight;
pub use self::record::{Change, Happened, Operator, Record, StartedBy};

pub(crate) use self::awaiting::arms_with_where;
pub(crate) use self::children::{ByHand, LiveChild};
pub(crate) use self::migration::version_of;
pub(crate) use self::recovery::LOST_STATE;

use self::awaiting::Awaiting;
use self::children::End;
use self::horizon::OpenSagas;
use self::keys::Keys;
use self::kind::{Kind, KindOf, Slot};
use self::migration::Migration;
use self::presence::Presence;
use self::timers::Timers;
use self::turn::Turn;
use crate::cause::Outcome;
use crate::definition::Definition;
use crate::message::{At, Bus, Event, EventOf, LogId, SagaId};
use crate::saga::{Key, Saga};
use crate::time::Timestamp;

/// How long after a start nobody is thought away, and timers that passed meanwhile wait for answers already there.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// All sagas in flight on one bus.
pub struct Machine<B: Bus> {
    log: LogId,
    next: SagaId,
    kinds: Vec<Box<dyn Kind<B>>>,
    by_type: FxHashMap<TypeId, u16>,
    /// The highest version of each name: what is started.
    by_name: FxHashMap<&'static str, u16>,
    by_version: FxHashMap<(&'static str, u32), u16>,
    migrations: FxHashMap<(&'static str, u32), Migration>,
    /// For each variant of the bus's event, the kinds that may be started by it.
    triggers: Vec<Vec<u16>>,
    /// Who awaits events of anyone.
    awaiting: Awaiting,
    routes: FxHashMap<SagaId, Route>,
    parked: FxHashMap<SagaId, Parked>,
    /// The keys of concurrency, and who holds or awaits them.
    lines: Keys,
    /// The sagas that were started with a key, until that is in the log with their end.
    keys: FxHashMap<String, (SagaId, String)>,
    keyed: FxHashMap<SagaId, String>,
    timers: Timers,
    presence: Presence,
    grace: Option<Grace>,
    horizon: OpenSagas,
    /// The children whose end is told by hand, for a test of one saga: none of them is started.
    by_hand: Option<Vec<ByHand<B>>>,
    /// What jitter is made of.
    seed: u64,
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
    /// What is kept for a program that can load it; nothing, if the log lost it.
    state: String,
    /// It holds them until it is ended.
    keys: Vec<Key>,
}

/// The time after a start in which what is already there comes in.
#[derive(Debug)]
struct Grace {
    since: Timestamp,
    /// The sagas with timers that had passed at the start, and to which an answer may come.
    held: BTreeSet<SagaId>,
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
            by_version: FxHashMap::default(),
            migrations: FxHashMap::default(),
            triggers: vec![Vec::new(); <EventOf<B> as Event>::EVENTS.len()],
            awaiting: Awaiting::default(),
            routes: FxHashMap::default(),
            parked: FxHashMap::default(),
            lines: Keys::default(),
            keys: FxHashMap::default(),
            keyed: FxHashMap::default(),
            timers: Timers::default(),
            presence: Presence::default(),
            grace: None,
            horizon: OpenSagas::new(next),
            by_hand: None,
            seed,
        }
    }

    /// Makes a kind of saga known. Of several versions of one name the highest is started; the others end what is in
    /// flight.
    ///
    /// # Errors
    /// When one of its name and version is known already.
    ///
    /// # Panics
    /// With more than 65,536 kinds.
    pub fn register<S: Saga<Bus = B>>(&mut self) -> Result<(), Duplicate> {
        let definition = S::DEFINITION;
        let (name, version) = (definition.name, definition.version);
        if self.by_version.contains_key(&(name, version)) {
            return Err(Duplicate { name, version });
        }
        let kind = u16::try_from(self.kinds.len()).expect("a catalogue has fewer than 2^16 kinds");
        self.kinds.push(Box::new(KindOf::<S>::new()));
        self.by_type.insert(TypeId::of::<S>(), kind);
        self.awaiting.register::<EventOf<B>>(kind, definition);
        self.by_version.insert((name, version), kind);
        let other = self.by_name.get(name).copied();
        if other.is_some_and(|other| self.kinds[usize::from(other)].definition().version > version) {
            return Ok(());
        }
        self.by_name.insert(name, kind);
        self.triggers.iter_mut().for_each(|kinds| kinds.retain(|kind| Some(*kind) != other));
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

    /// Decides one input.
    pub fn step(&mut self, input: Input<B>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        match input {
            Input::Start { saga, key, token } => {
                let started = self.start(saga, StartedBy::Call, key, now, decisions);
                decisions.push(Decision::Started { token, result: started });
            }
            Input::Publish { event, token } => {
                self.occurred(&event, None, now, decisions);
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

    /// The log that its keys name.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// Starts no saga on an event: for tests of one saga.
    pub(crate) fn ignore_triggers(&mut self) {
        self.triggers.iter_mut().for_each(Vec::clear);
    }

    /// The key with which a saga in flight was started, or one that ended and is not forgotten.
    pub(crate) fn saga_with_key(&self, key: &str) -> Option<SagaId> {
        self.keys.get(key).map(|(saga, _)| *saga)
    }

    /// The end of this saga is in the log: its key need not be known here any more.
    pub fn forget_key(&mut self, saga: SagaId) {
        if let Some(key) = self.keyed.remove(&saga) {
            self.keys.remove(&key);
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
        let definition = kind.definition();
        let (control, body) = kind.saga_mut(slot);
        let (presence, seed) = (&self.presence, self.seed);
        let first = self.next;
        let next = &mut self.next;
        let (changes, wishes) = (Vec::new(), Vec::new());
        let mut turn = Turn { definition, control, body, saga, now, presence, seed, next, wishes, changes };
        let moved = act(&mut turn);
        let (then, wishes) = (turn.changes, turn.wishes);
        if moved || !then.is_empty() {
            control.number += 1;
            control.since = now;
            let end = End::of(&then);
            let number = control.number;
            let definition = Some(definition);
            decisions.push(Decision::Record(Record { saga, definition, number, time: now, happened, then }));
            self.opened(first);
            match end {
                End::Not => {
                    self.schedule(saga);
                    self.rearm(saga);
                }
                End::Kept(output) => {
                    self.rearm(saga);
                    self.keep(saga, output, now, decisions);
                }
                End::Ended(outcome) => self.remove(saga, outcome, now, decisions),
            }
            self.fulfil(saga, wishes, now, decisions);
        }
    }

    /// Forgets a saga that has ended; those who waited for its keys go on.
    fn remove(&mut self, saga: SagaId, outcome: Outcome<String>, now: Timestamp, decisions: &mut Vec<Decision<B>>) {
        let Some(Route { kind, slot }) = self.routes.remove(&saga) else { return };
        let kind = &mut self.kinds[usize::from(kind)];
        let control = kind.control_mut(slot);
        let (keys, rare) = (std::mem::take(&mut control.keys), std::mem::take(&mut control.rare));
        let (parent, children) = (rare.parent, rare.children.clone());
        kind.remove(slot);
        self.awaiting.forget(saga);
        self.horizon.closed(saga);
        self.tidy_timers();
        let kept = parent.filter(|_| matches!(outcome, Outcome::Completed(_)));
        match kept.filter(|parent| self.routes.contains_key(&parent.saga)) {
            Some(parent) => self.pass_keys(saga, &keys, parent.saga, now, decisions),
            None => self.release(saga, &keys, now, decisions),
        }
        self.leave_children(children, now, decisions);
        if let Some(parent) = parent {
            self.tell_parent(parent.saga, saga, outcome, false, now, decisions);
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

/// The participant of an exchange; none if there is no such exchange.
fn participant_of(definition: &'static Definition, at: At) -> Option<&'static str> {
    definition.command(at).map(|command| command.to)
}
