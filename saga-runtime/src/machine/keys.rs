//! Which sagas hold which keys, and who waits for them: first come, first served, all keys at once or none yet.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::message::SagaId;
use crate::planted::{self, Bug};
use crate::saga::Key;

/// The keys of all sagas in flight.
#[derive(Debug, Default)]
pub(super) struct Keys {
    lines: FxHashMap<Key, Line>,
    /// The keys of those who wait.
    waiting: FxHashMap<SagaId, Vec<Key>>,
}

/// All who want one key.
#[derive(Debug, Default)]
struct Line {
    /// More than one only where all but one said `allow`.
    holders: Vec<SagaId>,
    waiting: VecDeque<SagaId>,
}

impl Keys {
    /// The sagas that hold one of these keys, oldest first.
    pub(super) fn holders(&self, keys: &[Key]) -> Vec<SagaId> {
        self.collect(keys, |line| line.holders.clone())
    }

    /// The sagas that wait for one of these keys, oldest first.
    pub(super) fn waiting(&self, keys: &[Key]) -> Vec<SagaId> {
        self.collect(keys, |line| line.waiting.iter().copied().collect())
    }

    fn collect(&self, keys: &[Key], of: impl Fn(&Line) -> Vec<SagaId>) -> Vec<SagaId> {
        let mut sagas: Vec<_> = keys.iter().filter_map(|key| self.lines.get(key)).flat_map(of).collect();
        sagas.sort_unstable();
        sagas.dedup();
        sagas
    }

    /// The saga has these keys from now on, whoever else does.
    pub(super) fn hold(&mut self, saga: SagaId, keys: &[Key]) {
        for key in keys {
            self.lines.entry(key.clone()).or_default().holders.push(saga);
        }
    }

    /// The saga waits behind all who are there.
    pub(super) fn wait(&mut self, saga: SagaId, keys: &[Key]) {
        for key in keys {
            self.lines.entry(key.clone()).or_default().waiting.push_back(saga);
        }
        self.waiting.insert(saga, keys.to_vec());
    }

    /// The saga needs these keys no more, since its family holds them.
    pub(super) fn need_no_more(&mut self, saga: SagaId, keys: &[Key]) {
        if let Some(waiting) = self.waiting.get_mut(&saga) {
            waiting.retain(|key| !keys.contains(key));
        }
        for key in keys {
            if let Some(line) = self.lines.get_mut(key) {
                line.waiting.retain(|waiting| *waiting != saga);
            }
        }
    }

    /// What one held the other holds from now on.
    pub(super) fn pass(&mut self, from: SagaId, to: SagaId, keys: &[Key]) {
        for key in keys {
            let line = self.lines.entry(key.clone()).or_default();
            line.holders.retain(|holder| *holder != from && *holder != to);
            line.holders.extend(Some(to).filter(|_| !planted::is(Bug::FreeKeysOfChildren)));
        }
    }

    /// The saga has ended, holding or waiting. Gives those whose turn it is now, in the order of their coming; they
    /// hold their keys.
    pub(super) fn release(&mut self, saga: SagaId, keys: &[Key]) -> Vec<SagaId> {
        self.waiting.remove(&saga);
        for key in keys {
            if let Some(line) = self.lines.get_mut(key) {
                line.holders.retain(|holder| *holder != saga || planted::is(Bug::KeepKeys));
                line.waiting.retain(|waiting| *waiting != saga);
            }
        }
        let next = self.admit_next(self.waiting(keys));
        for key in keys {
            if self.lines.get(key).is_some_and(|line| line.holders.is_empty() && line.waiting.is_empty()) {
                self.lines.remove(key);
            }
        }
        next
    }

    /// Those who wait and whose turn it is; they hold their keys.
    pub(super) fn admit_all(&mut self) -> Vec<SagaId> {
        let mut candidates: Vec<_> = self.waiting.keys().copied().collect();
        candidates.sort_unstable();
        self.admit_next(candidates)
    }

    /// Those among these whose turn it is; they hold their keys.
    pub(super) fn admit_next(&mut self, mut candidates: Vec<SagaId>) -> Vec<SagaId> {
        candidates.retain(|candidate| {
            let is_next = self.is_next(*candidate);
            if is_next {
                let keys = self.waiting.remove(candidate).unwrap_or_default();
                self.admit(*candidate, &keys);
            }
            is_next
        });
        candidates
    }

    /// Whether nobody holds any of its keys, and nobody came before it.
    fn is_next(&self, saga: SagaId) -> bool {
        let free = |key| {
            let line = self.lines.get(key);
            line.is_some_and(|line| line.holders.is_empty() && line.waiting.front() == Some(&saga))
        };
        self.waiting.get(&saga).is_some_and(|keys| keys.iter().all(free))
    }

    fn admit(&mut self, saga: SagaId, keys: &[Key]) {
        for key in keys {
            if let Some(line) = self.lines.get_mut(key) {
                line.waiting.retain(|waiting| *waiting != saga);
                line.holders.push(saga);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> SagaId {
        SagaId::new(number).expect("ids in tests are not zero")
    }

    fn keys(names: &[&str]) -> Vec<Key> {
        names.iter().map(Key::of).collect()
    }

    #[test]
    fn first_come_first_served() {
        let mut lines = Keys::default();
        lines.hold(id(1), &keys(&["a"]));
        lines.wait(id(2), &keys(&["a"]));
        lines.wait(id(3), &keys(&["a"]));
        assert_eq!(lines.release(id(1), &keys(&["a"])), [id(2)]);
        assert_eq!(lines.release(id(2), &keys(&["a"])), [id(3)]);
        assert_eq!(lines.release(id(3), &keys(&["a"])), []);
        assert!(lines.lines.is_empty() && lines.waiting.is_empty());
    }

    #[test]
    fn several_keys_are_taken_at_once_or_not_yet() {
        let mut lines = Keys::default();
        lines.hold(id(1), &keys(&["a"]));
        lines.hold(id(2), &keys(&["b"]));
        lines.wait(id(3), &keys(&["a", "b"]));
        lines.wait(id(4), &keys(&["b"]));
        assert_eq!(lines.release(id(2), &keys(&["b"])), [], "4 came after 3, which still waits for a");
        assert_eq!(lines.release(id(1), &keys(&["a"])), [id(3)]);
        assert_eq!(lines.release(id(3), &keys(&["a", "b"])), [id(4)]);
    }

    #[test]
    fn one_who_gives_up_lets_the_next_pass() {
        let mut lines = Keys::default();
        lines.hold(id(1), &keys(&["a"]));
        lines.wait(id(2), &keys(&["a", "b"]));
        lines.wait(id(3), &keys(&["b"]));
        assert_eq!(lines.release(id(2), &keys(&["a", "b"])), [id(3)]);
        assert_eq!(lines.holders(&keys(&["a", "b"])), [id(1), id(3)]);
    }
}
