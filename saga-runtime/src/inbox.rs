//! The other end of the bus: what a participant remembers, and what it runs next. Pure and sans-I/O: no clock, no
//! async, no threads.
//!
//! Its owner tells it what was delivered and what handlers did, and takes out what follows as [`Effect`]s. It knows no
//! sagas, only their ids, and no bus.
//!
//! # Order
//! The oldest command whose saga runs none is the next to run, up to [`Limits::at_once`] handlers. One saga's commands
//! run one at a time in the order of their arrival. A handler that defers its answer makes room when it *returns*:
//! the order is that of the handlers, and an answer that never comes holds up nothing else. Until the answer is there
//! the command counts as running, for further attempts and for whoever asks for its fate.
//!
//! # Attempts
//! | the key is | a newer attempt | one seen before | settling says |
//! |---|---|---|---|
//! | not known | waits for its turn | the same | never; with [`Memory::None`] unknown; barred |
//! | waiting | is the one that will run | nothing | never, taken out and barred |
//! | running | is the one that will be answered | nothing | running |
//! | handled | the recorded answer again | the same | done, with the events |
//! | refused | runs again | the refusal again | never; barred |
//! | broken | runs again | the complaint again | unknown; barred |
//! | barred | ignored, without an answer | the same | what it said before |
//!
//! Answers name the latest attempt seen. Once a handler broke off, what it did is not known, so a key that was broken
//! and is not handled later settles as unknown. Each attempt of a query runs, even beside an earlier one of the same
//! key whose answer is deferred, and nothing is kept of it; only the same attempt is not taken twice at a time.
//!
//! # Bounds
//! What is remembered is bounded by the exchanges of open sagas: every delivery brings the [`Horizon`] of its log, and
//! what is behind it is forgotten, or not taken in at all. Of at most [`LOGS`] logs something is remembered. What
//! waits is bounded by the owner, who takes nothing more while [`Inbox::waiting`] is more than it wants.
//!
//! # A memory that outlives the process
//! With [`Memory::Transactional`] the owner has a store. What a handler did it stores with the effect, before it tells the
//! inbox; what the inbox itself decides to bar or to forget comes out as [`Change`]s, to be stored before a fate that
//! follows from them leaves. The next life begins with [`Inbox::recall`]. A handler that broke off has been undone then,
//! unless it had left its answer for later: what it did is known, and the fate of its key is *never*.

mod kept;
mod lanes;
mod logs;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::bus::Horizon;
use crate::message::{Answer, ExchangeKey, Fate, LogId, Memory, SagaId};
use crate::planted::{self, Bug};

use lanes::Lanes;
use logs::Logs;

pub use kept::{Change, Kept};
pub use logs::LOGS;

/// What one inbox may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Handlers that run at the same time; at least one.
    pub at_once: usize,
}

/// A command, as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<C> {
    /// The same for every attempt.
    pub key: ExchangeKey,
    /// From 1.
    pub attempt: u32,
    /// Whether it changes nothing, so that each attempt of it runs.
    pub query: bool,
    /// What is asked.
    pub command: C,
}

/// One run of a handler, within one inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u64);

/// What follows from what the inbox was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect<C, E, R> {
    /// Run the handler now; to be followed by [`Inbox::answered`] and [`Inbox::returned`], each once, in any order.
    Run {
        /// Names the run in what follows.
        run: RunId,
        /// The key of the command.
        key: ExchangeKey,
        /// The attempt that it is run for.
        attempt: u32,
        /// What is asked.
        command: C,
    },
    /// Answer a command.
    Answer {
        /// The key of the command.
        key: ExchangeKey,
        /// The latest attempt seen.
        attempt: u32,
        /// The answer.
        answer: Answer<E, R>,
    },
    /// Answer a settle.
    Fate {
        /// The key that was asked about.
        key: ExchangeKey,
        /// What became of it.
        fate: Fate<E>,
    },
}

/// What a participant remembers, and what it should run next.
#[derive(Debug)]
pub struct Inbox<C, E, R> {
    memory: Memory,
    limits: Limits,
    stopped: bool,
    logs: Logs,
    exchanges: BTreeMap<ExchangeKey, Exchange<E, R>>,
    /// Attempts of queries that wait or run.
    queries: BTreeSet<(ExchangeKey, u32)>,
    lanes: Lanes<Asked<C>>,
    runs: BTreeMap<RunId, Run>,
    next_run: u64,
    effects: VecDeque<Effect<C, E, R>>,
    /// Only with [`Memory::Transactional`].
    changes: Vec<Change>,
}

/// What is remembered of a key.
#[derive(Debug)]
struct Exchange<E, R> {
    latest: u32,
    /// An earlier attempt may have had an effect that nobody here knows of.
    unclear: bool,
    state: State<E, R>,
}

#[derive(Debug)]
enum State<E, R> {
    Waiting,
    Running,
    Handled(Vec<E>),
    Refused(R),
    Broken(String),
    Barred,
}

/// A handler at work, or one that has deferred its answer.
#[derive(Debug, Clone, Copy)]
struct Run {
    key: ExchangeKey,
    /// The attempt of a query; effects are answered for the latest.
    query: Option<u32>,
    answered: bool,
    returned: bool,
}

impl<C, E: Clone, R: Clone> Inbox<C, E, R> {
    /// An inbox that knows nothing yet, of a participant with this memory.
    pub fn new(memory: Memory, limits: Limits) -> Self {
        Self {
            memory,
            limits: Limits { at_once: limits.at_once.max(1) },
            stopped: false,
            logs: Logs::default(),
            exchanges: BTreeMap::new(),
            queries: BTreeSet::new(),
            lanes: Lanes::default(),
            runs: BTreeMap::new(),
            next_run: 1,
            effects: VecDeque::new(),
            changes: Vec::new(),
        }
    }

    /// A command was delivered, with the horizon of its log.
    pub fn command(&mut self, asked: Asked<C>, horizon: &Horizon) {
        self.hear(asked.key.log, horizon);
        if self.logs.is_closed(asked.key.log, asked.key.saga) {
            return;
        }
        let to_run = if asked.query { self.admit_query(&asked) } else { self.admit_effect(&asked) };
        if to_run {
            self.lanes.push(owner(asked.key), asked);
            self.start();
        }
    }

    /// The fate of a key was asked for, with the horizon of its log. Whatever is neither running nor done is barred.
    pub fn settle(&mut self, key: ExchangeKey, horizon: &Horizon) {
        self.hear(key.log, horizon);
        if self.logs.is_closed(key.log, key.saga) {
            return;
        }
        let unclear = self.may_have_forgotten();
        let was_barred = self.exchanges.get(&key).is_some_and(|exchange| matches!(exchange.state, State::Barred));
        let exchange = self.exchanges.entry(key).or_insert(Exchange { latest: 0, unclear, state: State::Barred });
        let fate = match &exchange.state {
            State::Running => Fate::Running,
            State::Handled(events) => Fate::Done(events.clone()),
            State::Waiting | State::Refused(_) | State::Broken(_) | State::Barred => {
                if !planted::is(Bug::SettleWithoutBar) {
                    exchange.state = State::Barred;
                }
                if exchange.unclear { Fate::Unknown } else { Fate::Never }
            }
        };
        if matches!(exchange.state, State::Barred) {
            let unclear = exchange.unclear;
            if !was_barred {
                self.note(Change::Barred { key, unclear });
            }
            let dropped = self.lanes.take_out(owner(key), |waiting| waiting.key == key);
            self.end_queries(&dropped);
        }
        self.effects.push_back(Effect::Fate { key, fate });
    }

    /// The command of this run has its answer, from its handler or from whoever the handler left it to. A second answer
    /// to the same run is ignored.
    pub fn answered(&mut self, run: RunId, answer: Answer<E, R>) {
        let Some(Run { key, query, returned, .. }) = self.close_run(run, |run| &mut run.answered) else { return };
        let attempt = match query {
            Some(attempt) => {
                self.queries.remove(&(key, attempt));
                attempt
            }
            None => self.record(key, &answer, returned),
        };
        self.effects.push_back(Effect::Answer { key, attempt, answer });
    }

    /// The handler of this run has returned, whether or not the answer is there: the next may run.
    pub fn returned(&mut self, run: RunId) {
        if let Some(Run { key, .. }) = self.close_run(run, |run| &mut run.returned) {
            self.lanes.release(owner(key));
            self.start();
        }
    }

    /// Starts no handler from now on; what waits stays waiting.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// What follows next from what was told, in order.
    pub fn next_effect(&mut self) -> Option<Effect<C, E, R>> {
        self.effects.pop_front()
    }

    /// How many commands wait for their turn.
    pub fn waiting(&self) -> usize {
        self.lanes.waiting()
    }

    /// Whether no handler is at work and no answer is outstanding.
    pub fn is_idle(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many keys are remembered, with the queries that wait or run.
    pub fn remembered(&self) -> usize {
        self.exchanges.len() + self.queries.len()
    }

    fn admit_query(&mut self, asked: &Asked<C>) -> bool {
        self.queries.insert((asked.key, asked.attempt))
    }

    /// Whether this attempt is to run; answers it at once if it need not.
    fn admit_effect(&mut self, asked: &Asked<C>) -> bool {
        let unclear = asked.attempt > 1 && self.may_have_forgotten();
        let Some(exchange) = self.exchanges.get_mut(&asked.key) else {
            let exchange = Exchange { latest: asked.attempt, unclear, state: State::Waiting };
            self.exchanges.insert(asked.key, exchange);
            return true;
        };
        let newer = asked.attempt > exchange.latest;
        exchange.latest = exchange.latest.max(asked.attempt);
        let answer = match &exchange.state {
            State::Waiting | State::Running | State::Barred => return false,
            State::Handled(_) if newer && planted::is(Bug::HandleAgain) => {
                exchange.state = State::Waiting;
                return true;
            }
            State::Refused(_) | State::Broken(_) if newer => {
                exchange.state = State::Waiting;
                return true;
            }
            State::Handled(events) => Answer::Handled(events.clone()),
            State::Refused(refusal) => Answer::Refused(refusal.clone()),
            State::Broken(complaint) => Answer::Broken(complaint.clone()),
        };
        self.effects.push_back(Effect::Answer { key: asked.key, attempt: exchange.latest, answer });
        false
    }

    /// Marks this end of a run; the run, if it had not come to this end before.
    fn close_run(&mut self, run: RunId, end: fn(&mut Run) -> &mut bool) -> Option<Run> {
        let entry = self.runs.get_mut(&run)?;
        if std::mem::replace(end(entry), true) {
            return None;
        }
        let closed = *entry;
        if closed.answered && closed.returned {
            self.runs.remove(&run);
        }
        Some(closed)
    }

    /// Remembers the answer while the saga is open; the attempt that it is for.
    fn record(&mut self, key: ExchangeKey, answer: &Answer<E, R>, was_deferred: bool) -> u32 {
        let is_undone = self.memory == Memory::Transactional && !was_deferred;
        let exchange = self.exchanges.get_mut(&key).expect("a key is not forgotten while it runs");
        exchange.unclear |= matches!(answer, Answer::Broken(_)) && !is_undone;
        exchange.state = match answer {
            Answer::Handled(events) => State::Handled(events.clone()),
            Answer::Refused(refusal) => State::Refused(refusal.clone()),
            Answer::Broken(complaint) => State::Broken(complaint.clone()),
        };
        let attempt = exchange.latest;
        if self.logs.is_closed(key.log, key.saga) {
            self.exchanges.remove(&key);
            self.note(Change::Forgotten(key));
        }
        attempt
    }

    fn start(&mut self) {
        while !self.stopped && self.lanes.busy() < self.limits.at_once {
            let Some(Asked { key, attempt, query, command }) = self.lanes.next() else { break };
            let run = RunId(self.next_run);
            self.next_run += 1;
            let attempt = if query { attempt } else { self.begin(key) };
            let query = query.then_some(attempt);
            self.runs.insert(run, Run { key, query, answered: false, returned: false });
            self.effects.push_back(Effect::Run { run, key, attempt, command });
        }
    }

    fn begin(&mut self, key: ExchangeKey) -> u32 {
        let exchange = self.exchanges.get_mut(&key).expect("a key is not forgotten while it waits");
        exchange.state = State::Running;
        exchange.latest
    }

    fn may_have_forgotten(&self) -> bool {
        self.memory == Memory::None || self.logs.forgot_one()
    }

    /// Takes the horizon in, and forgets what is behind it.
    fn hear(&mut self, log: LogId, horizon: &Horizon) {
        if let Some(forgotten) = self.logs.hear(log, horizon) {
            self.forget(forgotten, None);
        }
        if self.logs.moved(log) {
            self.forget(log, Some(horizon.lowest));
        }
    }

    /// Forgets what is closed of this log among the sagas before `below`; runs go on, and are forgotten at their end.
    fn forget(&mut self, log: LogId, below: Option<SagaId>) {
        let logs = &self.logs;
        let dropped = self.lanes.drop_owners(log, below, |saga| logs.is_closed(log, saga));
        let behind: Vec<ExchangeKey> = self
            .exchanges
            .range(logs::first_key(log)..)
            .take_while(|(key, _)| key.log == log && below.is_none_or(|below| key.saga < below))
            .filter(|(key, exchange)| logs.is_closed(log, key.saga) && !matches!(exchange.state, State::Running))
            .map(|(key, _)| *key)
            .collect();
        for key in behind {
            self.exchanges.remove(&key);
            self.note(Change::Forgotten(key));
        }
        self.end_queries(&dropped);
    }

    fn end_queries(&mut self, dropped: &[Asked<C>]) {
        for asked in dropped.iter().filter(|asked| asked.query) {
            self.queries.remove(&(asked.key, asked.attempt));
        }
    }
}

fn owner(key: ExchangeKey) -> (LogId, SagaId) {
    (key.log, key.saga)
}
