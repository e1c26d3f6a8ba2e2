//! What participants have really done: each effect counted by its key, in this life of the process and ever.

use std::collections::BTreeMap;

use saga_runtime::message::{At, ExchangeKey, Memory, Mode, SagaId};

use super::Objection;

/// What was done with one key.
#[derive(Debug, Default)]
struct Done {
    by: &'static str,
    in_this_life: u32,
    ever: u32,
    /// It was not undone, and did not die with its process.
    stands: bool,
}

/// What was done, by key.
#[derive(Debug, Default)]
pub(in super::super) struct Effects {
    done: BTreeMap<(SagaId, At), Done>,
}

impl Effects {
    /// A process is gone, and with it what it does not remember.
    pub(in super::super) fn died(&mut self, name: &str, memory: Memory) {
        for done in self.done.values_mut().filter(|done| done.by == name) {
            done.in_this_life = 0;
            done.stands &= memory == Memory::None;
        }
    }

    /// A participant does what this key says.
    pub(super) fn take(&mut self, name: &'static str, key: ExchangeKey) -> Result<(), Objection> {
        let done = self.done.entry((key.saga, key.at)).or_default();
        done.by = name;
        done.in_this_life += 1;
        done.ever += 1;
        done.stands = true;
        if done.in_this_life > 1 {
            return Err((8, format!("{name} did {key} {} times in one life", done.in_this_life)));
        }
        if key.at.mode == Mode::Compensation {
            let undone = At { mode: Mode::Forward, ..key.at };
            match self.done.get_mut(&(key.saga, undone)).filter(|undone| undone.ever > 0) {
                Some(undone) => undone.stands = false,
                None => return Err((9, format!("{key} undid what was never done"))),
            }
        }
        Ok(())
    }

    /// A participant refuses what this key says. Whether it forgot an effect of an earlier life, of which it says now
    /// that there is none: who remembers nothing is taken at its word.
    pub(in super::super) fn refused(&mut self, key: ExchangeKey) -> bool {
        let done = self.done.get_mut(&(key.saga, key.at)).filter(|done| done.stands && done.in_this_life == 0);
        done.map(|done| done.stands = false).is_some()
    }

    /// Whether this was done, in whichever life.
    pub(super) fn was_done(&self, saga: SagaId, at: At) -> bool {
        self.done.get(&(saga, at)).is_some_and(|done| done.ever > 0)
    }

    /// An effect of this saga that stands and should not.
    pub(super) fn standing(&self, saga: SagaId, can_undo: impl Fn(At) -> bool) -> Option<At> {
        let all = self.done.range((saga, At::step(0))..);
        let mut own = all.take_while(|((of, _), _)| *of == saga);
        let standing = own.find(|((_, at), done)| at.mode == Mode::Forward && done.stands && can_undo(*at));
        standing.map(|((_, at), _)| *at)
    }
}
