//! Sagas that are kept in memory only: what the log would otherwise have of them.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::value::RawValue;

use crate::bus::Horizon;
use crate::machine::{Change, Record};
use crate::message::{At, Bus, ExchangeKey, SagaId};

/// How many ids are reserved in the log at once.
const BLOCK: u64 = 1024;

/// How many ended ones are remembered at least, before those are forgotten of which nobody speaks any more.
const REMEMBERED: usize = 1024;

/// What is known of sagas with `#[ephemeral]`.
#[derive(Debug, Default)]
pub(super) struct Fleeting {
    /// The highest id that no later owner of the log uses.
    reserved: u64,
    /// Those in flight, and those that ended of whom somebody may still speak.
    known: FxHashSet<SagaId>,
    /// The bytes of the commands of those in flight.
    commands: FxHashMap<SagaId, Vec<(At, Box<RawValue>)>>,
}

impl Fleeting {
    /// Takes a record; gives the id up to which the log has to reserve them before anything follows from it.
    pub(super) fn record<B: Bus>(&mut self, record: &Record<B>, commands: &[Option<Box<RawValue>>]) -> Option<SagaId> {
        self.known.insert(record.saga);
        let mut bytes = commands.iter();
        for change in &record.then {
            match change {
                Change::Sent { at, command: Some(_), .. } => {
                    let kept = self.commands.entry(record.saga).or_default();
                    kept.extend(bytes.next().and_then(Clone::clone).map(|bytes| (*at, bytes)));
                }
                Change::Ended(_) => drop(self.commands.remove(&record.saga)),
                _ => {}
            }
        }
        if record.saga.get() <= self.reserved {
            return None;
        }
        self.reserved = record.saga.get().saturating_add(BLOCK);
        SagaId::new(self.reserved)
    }

    /// Whether this saga is kept in memory only.
    pub(super) fn knows(&self, saga: SagaId) -> bool {
        self.known.contains(&saga)
    }

    /// The bytes of the command of an exchange.
    pub(super) fn command(&self, key: ExchangeKey) -> Option<Box<RawValue>> {
        let commands = self.commands.get(&key.saga)?;
        commands.iter().rev().find(|(at, _)| *at == key.at).map(|(_, bytes)| bytes.clone())
    }

    /// Forgets those of which participants do not speak any more.
    pub(super) fn tidy(&mut self, horizon: impl FnOnce() -> Horizon) {
        if self.known.len() >= REMEMBERED + 2 * self.commands.len() {
            let horizon = horizon();
            self.known.retain(|saga| horizon.may_be_open(*saga));
        }
    }
}
