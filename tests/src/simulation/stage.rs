//! What all simulated processes share: time, chance, what is to happen, and whoever watches. It knows no process.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use saga_runtime::time::Timestamp;

use super::Run;
use super::judge::Judge;
use super::network::{Frame, Wire, Wires};
use super::participant::Deed;
use super::people::Wish;
use super::reached::{Met, Reached};
use super::trace::Trace;

/// Where virtual time begins, in microseconds.
const BEGIN: u64 = 1_000_000_000_000;

/// A process crashed in the middle of what it did.
pub(super) struct Crashed;

/// Which end of a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Coordinator,
    Participant,
}

/// Something that will happen. What belongs to a process names its life, and does not happen in another.
#[derive(Debug)]
pub(super) enum Happening {
    Work { life: u32 },
    Appended { life: u32 },
    Tick { life: u32, turn: u64 },
    Line { life: u32, name: &'static str },
    CoordinatorUp,
    ParticipantUp { name: &'static str },
    Arrives { to: End, wire: Wire, frame: Frame },
    Closed { to: End, wire: Wire },
    Connect { name: &'static str, life: u32 },
    Take { name: &'static str, life: u32 },
    Handler { name: &'static str, life: u32, deed: Deed },
    Wish(Wish),
    Fault(Fault),
}

/// A fault that strikes on its own account.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Cut(&'static str),
    CrashCoordinator,
    CrashParticipant(&'static str),
    Suspend,
}

impl Fault {
    pub(super) fn is_crash(self) -> bool {
        matches!(self, Self::CrashCoordinator | Self::CrashParticipant(_))
    }
}

/// How much goes wrong, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    /// Of frames.
    pub(super) frames: u32,
    /// Of the points at which a process may crash.
    pub(super) crashes: u32,
    /// Of what handlers do.
    pub(super) handlers: u32,
}

/// Time, chance, what is to happen, and whoever watches.
pub(super) struct Stage {
    clock: u64,
    /// How long everybody was asleep. The clocks went on.
    asleep: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    numbered: u64,
    pub(super) random: fastrand::Rng,
    pub(super) rates: Rates,
    /// How many more crashes there may be in the middle of something.
    crashes_left: u32,
    /// The only point at which a process crashes, if that is not left to chance.
    crash_at: Option<u32>,
    points: u32,
    is_calm: bool,
    pub(super) wires: Wires,
    pub(super) judge: Judge,
    pub(super) reached: Reached,
    pub(super) trace: Trace,
}

impl Stage {
    pub(super) fn new(run: Run, trace: Trace) -> Self {
        let mut random = fastrand::Rng::with_seed(run.seed);
        let rates = Rates { frames: random.u32(0..=15), crashes: random.u32(0..=12), handlers: random.u32(50..=350) };
        Self {
            clock: BEGIN,
            asleep: 0,
            queue: BTreeMap::new(),
            numbered: 0,
            crashes_left: 4,
            crash_at: run.crash_at,
            points: 0,
            is_calm: false,
            random,
            rates,
            wires: Wires::default(),
            judge: Judge::default(),
            reached: Reached::default(),
            trace,
        }
    }

    /// What processes read off their clocks.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock + self.asleep)
    }

    /// Microseconds since the beginning, as events are queued.
    pub(super) fn elapsed(&self) -> u64 {
        self.clock - BEGIN
    }

    /// Everybody sleeps for so many microseconds.
    pub(super) fn sleep(&mut self, micros: u64) {
        self.asleep += micros;
    }

    /// Something happens after so many microseconds. What is queued for the same time happens in the order queued.
    pub(super) fn after(&mut self, micros: u64, happening: Happening) {
        self.numbered += 1;
        self.queue.insert((self.clock + micros, self.numbered), happening);
    }

    /// Something happens after some microseconds of this range.
    pub(super) fn within(&mut self, micros: RangeInclusive<u64>, happening: Happening) {
        let micros = self.random.u64(micros);
        self.after(micros, happening);
    }

    /// Something happens when the clocks show this, or at once.
    pub(super) fn at(&mut self, time: Timestamp, happening: Happening) {
        let micros = time.as_micros().saturating_sub(self.clock + self.asleep);
        self.after(micros, happening);
    }

    /// The next that happens up to then; time goes on to it, or to then.
    pub(super) fn next(&mut self, elapsed: u64) -> Option<Happening> {
        let until = BEGIN + elapsed;
        let is_due = self.queue.first_key_value().is_some_and(|((time, _), _)| *time <= until);
        let next = if is_due { self.queue.pop_first() } else { None };
        self.clock = self.clock.max(next.as_ref().map_or(until, |((time, _), _)| *time));
        next.map(|(_, happening)| happening)
    }

    /// Whether something happens that does so in so many of a thousand cases.
    pub(super) fn chance(&mut self, thousandths: u32) -> bool {
        self.random.u32(0..1000) < thousandths
    }

    /// A point at which a process may crash.
    pub(super) fn survive(&mut self, met: Met) -> Result<(), Crashed> {
        if self.is_calm {
            return Ok(());
        }
        self.points += 1;
        let crashes = match self.crash_at {
            Some(point) => self.points == point,
            None => self.crashes_left > 0 && self.chance(self.rates.crashes),
        };
        if !crashes {
            return Ok(());
        }
        self.crashes_left = self.crashes_left.saturating_sub(1);
        self.meet(met);
        Err(Crashed)
    }

    /// How many points there were at which a process could have crashed.
    pub(super) fn points(&self) -> u32 {
        self.points
    }

    pub(super) fn meet(&mut self, met: Met) {
        self.reached.count(met);
        self.note(|| format!("  — {met:?}"));
    }

    pub(super) fn note(&mut self, describe: impl FnOnce() -> String) {
        self.trace.note(self.clock - BEGIN, describe);
    }

    /// From now on nothing goes wrong.
    pub(super) fn calm(&mut self) {
        self.is_calm = true;
        self.rates = Rates::default();
    }
}
