//! Sagas that are kept in memory only: what the log would otherwise have of them.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::value::RawValue;

use crate::bus::Horizon;
use crate::cause::Outcome;
use crate::definition::Definition;
use crate::machine::{Change, Happened, Record};
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
    /// The keys with which those in flight were started.
    keys: FxHashMap<SagaId, String>,
    ends: Ends,
}

/// How those ended that did so last. It is a memory of so many and no more.
#[derive(Debug, Default)]
struct Ends {
    ended: FxHashMap<SagaId, End>,
    keys: FxHashMap<String, SagaId>,
    /// Oldest first.
    order: VecDeque<SagaId>,
}

#[derive(Debug)]
struct End {
    definition: &'static Definition,
    outcome: Outcome<String>,
    key: Option<String>,
}

impl Ends {
    fn remember(&mut self, saga: SagaId, end: End) {
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
            && let Some(key) = self.ended.remove(&oldest).and_then(|end| end.key)
        {
            self.keys.remove(&key);
        }
        self.keys.extend(end.key.clone().map(|key| (key, saga)));
        self.order.push_back(saga);
        self.ended.insert(saga, end);
    }
}

impl Fleeting {
    /// Takes a record; gives the id up to which the log has to reserve them before anything follows from it.
    pub(super) fn record<B: Bus>(&mut self, record: &Record<B>, commands: &[Option<Box<RawValue>>]) -> Option<SagaId> {
        self.known.insert(record.saga);
        if let Happened::Started { key: Some(key), .. } = &record.happened {
            self.keys.insert(record.saga, key.clone());
        }
        let mut bytes = commands.iter();
        for change in &record.then {
            match change {
                Change::Sent { at, command: Some(_), .. } => {
                    let kept = self.commands.entry(record.saga).or_default();
                    kept.extend(bytes.next().and_then(Clone::clone).map(|bytes| (*at, bytes)));
                }
                Change::Ended(outcome) => self.ended_so(record, outcome),
                _ => {}
            }
        }
        if record.saga.get() <= self.reserved {
            return None;
        }
        self.reserved = record.saga.get().saturating_add(BLOCK);
        SagaId::new(self.reserved)
    }

    fn ended_so<B: Bus>(&mut self, record: &Record<B>, outcome: &Outcome<String>) {
        self.commands.remove(&record.saga);
        let key = self.keys.remove(&record.saga);
        if let Some(definition) = record.definition {
            self.ends.remember(record.saga, End { definition, outcome: outcome.clone(), key });
        }
    }

    /// What it was and how it ended, if it is one of the last.
    pub(super) fn ended(&self, saga: SagaId) -> Option<(&'static Definition, &Outcome<String>)> {
        self.ends.ended.get(&saga).map(|end| (end.definition, &end.outcome))
    }

    /// The one of the last to end that was started with this key.
    pub(super) fn ended_with(&self, key: &str) -> Option<SagaId> {
        self.ends.keys.get(key).copied()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Deadline;

    static NAP: Definition = Definition::new("nap", "Nap", 1, Deadline::None { because: "of the test" });

    fn saga(number: usize) -> SagaId {
        SagaId::new(number as u64).expect("not zero")
    }

    #[test]
    fn the_last_ends_are_known_and_no_others() {
        let mut ends = Ends::default();
        for number in 1..=2 * REMEMBERED {
            let (outcome, key) = (Outcome::Completed(number.to_string()), Some(format!("key-{number}")));
            ends.remember(saga(number), End { definition: &NAP, outcome, key });
        }
        let known = |number: usize| (ends.ended.contains_key(&saga(number)), ends.keys.get(&format!("key-{number}")));
        assert_eq!((ends.ended.len(), ends.keys.len(), ends.order.len()), (REMEMBERED, REMEMBERED, REMEMBERED));
        assert_eq!(known(REMEMBERED), (false, None));
        assert_eq!(known(REMEMBERED + 1), (true, Some(&saga(REMEMBERED + 1))));
    }
}
