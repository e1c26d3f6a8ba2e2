//! Deciding one event: from an event in memory to effects and the record's value, beside an ideal index with an enum
//! behind it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use saga_runtime::bus::Report;
use saga_runtime::machine::{Decision, Input, Machine, NewSaga};
use saga_runtime::message::{Answer, At, ExchangeKey, LogId, SagaId};
use saga_runtime::saga::Saga;
use saga_runtime::time::Timestamp;

use super::job::{Job, Works};
use super::measure::{medians, nanos_each, sized};
use super::table::{Table, Target, nanos};

/// At most so many sagas are moved in one round; the others wait meanwhile.
const ROUND: usize = 50_000;
/// So many events are decided for one figure.
const EVENTS: usize = 200_000;
const LOG: LogId = LogId::from_bits(1);
const NOW: Timestamp = Timestamp::from_micros(1_000_000);

pub(crate) fn measure(table: &mut Table) {
    let mut first = None;
    for (name, in_flight) in [("1 k", 1000), ("100 k", sized(100_000)), ("1 M", sized(1_000_000))] {
        let (mut sagas, mut ideal) = (Sagas::new(in_flight), Ideal::new(in_flight));
        let (here, beside) = medians(5, || sagas.run(), || ideal.run());
        let what = format!("deciding one event, {name} in flight");
        table.row(&what, &nanos(here), &format!("{} ideal index", nanos(beside)), here / beside, Target::AtMost(4.0));
        first.get_or_insert(here);
        if name == "1 M" {
            let growth = here / first.unwrap_or(here);
            table.row("the same: 1 M to 1 k", &nanos(here), "", growth, Target::AtMost(3.0));
        }
    }
}

/// A machine with sagas in flight.
struct Sagas {
    machine: Machine<Works>,
    random: fastrand::Rng,
    ids: Vec<SagaId>,
    decisions: Vec<Decision<Works>>,
}

impl Sagas {
    fn new(in_flight: usize) -> Self {
        let mut machine = Machine::new(LOG, SagaId::FIRST, 1);
        machine.register::<Job>().expect("the only one");
        machine.step(Input::Connected { participant: "bench", resumed: true }, NOW, &mut Vec::new());
        let random = fastrand::Rng::with_seed(1);
        let mut sagas = Self { machine, random, ids: Vec::new(), decisions: Vec::new() };
        (0..in_flight).for_each(|_| sagas.start());
        sagas
    }

    fn start(&mut self) {
        let saga = NewSaga::Typed { name: Job::DEFINITION.name, input: Box::new(Job { order: 7, willing: true }) };
        self.machine.step(Input::Start { saga, key: None, token: 0 }, NOW, &mut self.decisions);
        let started = self.decisions.drain(..).find_map(|decision| match decision {
            Decision::Started { result, .. } => result.ok(),
            _ => None,
        });
        self.ids.push(started.expect("a job starts"));
    }

    /// Nanoseconds for one event: the answers to the first and the second step, to sagas in random order. With the
    /// third they end, and others begin, which is not counted.
    fn run(&mut self) -> f64 {
        let (mut took, mut events) = (Duration::ZERO, 0);
        while events < EVENTS {
            let chosen = self.choose();
            for step in 0..2 {
                took += self.answer(&chosen, step);
                events += chosen.len();
            }
            self.answer(&chosen, 2);
            chosen.iter().for_each(|_| self.start());
        }
        nanos_each(events, took)
    }

    fn choose(&mut self) -> Vec<SagaId> {
        self.random.shuffle(&mut self.ids);
        self.ids.split_off(self.ids.len().saturating_sub(ROUND))
    }

    fn answer(&mut self, sagas: &[SagaId], step: u16) -> Duration {
        let begin = Instant::now();
        for saga in sagas {
            let key = ExchangeKey { log: LOG, saga: *saga, at: At::step(step) };
            let report = Report::Answered { key, attempt: 1, answer: Answer::Handled(Vec::new()) };
            self.machine.step(Input::Report { participant: "bench", report }, NOW, &mut self.decisions);
            black_box(&self.decisions);
            self.decisions.clear();
        }
        begin.elapsed()
    }
}

/// What cannot be done with less: a map from ids to an enum, by value.
struct Ideal {
    sagas: FxHashMap<u64, Place>,
    random: fastrand::Rng,
    ids: Vec<u64>,
}

#[derive(Clone, Copy)]
enum Place {
    First { order: u64 },
    Second { order: u64, first: u64 },
    Third { order: u64, first: u64, second: u64 },
}

impl Place {
    fn answered(self, answer: u64) -> Self {
        match self {
            Self::First { order } => Self::Second { order, first: answer },
            Self::Second { order, first } => Self::Third { order, first, second: answer },
            Self::Third { order, first, second } => Self::First { order: order ^ first ^ second },
        }
    }
}

impl Ideal {
    fn new(in_flight: usize) -> Self {
        let ids: Vec<_> = (1..=in_flight as u64).collect();
        let sagas = ids.iter().map(|id| (*id, Place::First { order: 7 })).collect();
        Self { sagas, random: fastrand::Rng::with_seed(1), ids }
    }

    fn run(&mut self) -> f64 {
        let (mut took, mut events) = (Duration::ZERO, 0);
        while events < EVENTS {
            self.random.shuffle(&mut self.ids);
            let chosen = &self.ids[self.ids.len().saturating_sub(ROUND)..];
            let begin = Instant::now();
            for answer in 0..2 {
                for id in chosen {
                    if let Some(place) = self.sagas.get_mut(id) {
                        *place = place.answered(black_box(answer));
                    }
                }
            }
            took += begin.elapsed();
            events += 2 * chosen.len();
        }
        black_box(&self.sagas);
        nanos_each(events, took)
    }
}
