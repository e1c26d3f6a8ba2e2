//! How far each log has closed its sagas. A participant that outlives a log meets another one, and perhaps the first
//! one again; the ids of one say nothing about those of the other.

use std::collections::VecDeque;

use crate::bus::Horizon;
use crate::message::{At, ExchangeKey, LogId, Mode, SagaId};

/// Of how many logs a participant remembers something: a coordinator has one, and another after its log was made anew.
pub const LOGS: usize = 4;

/// The horizons of the logs heard last.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// The one heard last is at the back.
    known: VecDeque<Known>,
    forgot_one: bool,
}

#[derive(Debug)]
struct Known {
    log: LogId,
    horizon: Horizon,
    moved: bool,
}

impl Logs {
    /// Takes in a horizon of this log; the log that is forgotten for it, if any.
    pub(super) fn hear(&mut self, log: LogId, horizon: &Horizon) -> Option<LogId> {
        let index = self.known.iter().position(|known| known.log == log);
        let mut known = index.and_then(|index| self.known.remove(index)).unwrap_or(Known {
            log,
            horizon: Horizon::ALL,
            moved: false,
        });
        known.moved = known.horizon != *horizon;
        if known.moved {
            known.horizon = farther(&known.horizon, horizon);
        }
        self.known.push_back(known);
        let forgotten = if self.known.len() > LOGS { self.known.pop_front() } else { None };
        self.forgot_one |= forgotten.is_some();
        forgotten.map(|known| known.log)
    }

    /// Whether the last horizon of this log was another than the one before.
    pub(super) fn moved(&self, log: LogId) -> bool {
        self.find(log).is_some_and(|known| known.moved)
    }

    /// Whether the saga has ended, or its log is forgotten.
    pub(super) fn is_closed(&self, log: LogId, saga: SagaId) -> bool {
        self.find(log).is_none_or(|known| !known.horizon.may_be_open(saga))
    }

    /// Whether a log was forgotten that may still be in use.
    pub(super) fn forgot_one(&self) -> bool {
        self.forgot_one
    }

    /// The horizons, the log heard last at the end.
    pub(super) fn horizons(&self) -> impl Iterator<Item = (LogId, &Horizon)> {
        self.known.iter().map(|known| (known.log, &known.horizon))
    }

    /// What [`Logs::horizons`] and [`Logs::forgot_one`] said in an earlier life.
    pub(super) fn recall(horizons: impl IntoIterator<Item = (LogId, Horizon)>, forgot_one: bool) -> Self {
        let known = horizons.into_iter().map(|(log, horizon)| Known { log, horizon, moved: false }).collect();
        Self { known, forgot_one }
    }

    fn find(&self, log: LogId) -> Option<&Known> {
        self.known.iter().rev().find(|known| known.log == log)
    }
}

/// Lower than every other key of this log.
pub(super) fn first_key(log: LogId) -> ExchangeKey {
    ExchangeKey { log, saga: SagaId::FIRST, at: At { mode: Mode::Forward, step: 0, item: 0 } }
}

/// What may be open by both: horizons can come late, and what has ended stays ended.
fn farther(one: &Horizon, other: &Horizon) -> Horizon {
    let (near, far) = if one.lowest <= other.lowest { (one, other) } else { (other, one) };
    let older = far.older.iter().copied().filter(|saga| near.may_be_open(*saga)).collect();
    Horizon { lowest: far.lowest, older }
}
