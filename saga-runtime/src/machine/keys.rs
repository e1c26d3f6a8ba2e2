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

    /// The saga has ended, holding or waiting. Gives those who wait for these keys, in the order of their coming.
    pub(super) fn release(&mut self, saga: SagaId, keys: &[Key]) -> Vec<SagaId> {
        self.waiting.remove(&saga);
        for key in keys {
            if let Some(line) = self.lines.get_mut(key) {
                line.holders.retain(|holder| *holder != saga || planted::is(Bug::KeepKeys));
                line.waiting.retain(|waiting| *waiting != saga);
            }
        }
        for key in keys {
            if self.lines.get(key).is_some_and(|line| line.holders.is_empty() && line.waiting.is_empty()) {
                self.lines.remove(key);
            }
        }
        self.waiting(keys)
    }

    /// All who wait, oldest first.
    pub(super) fn all_waiting(&self) -> Vec<SagaId> {
        let mut waiting: Vec<_> = self.waiting.keys().copied().collect();
        waiting.sort_unstable();
        waiting
    }

    /// Those among these whose turn it is; they hold their keys.
    pub(super) fn admit_next(&mut self, mut candidates: Vec<SagaId>) -> Vec<SagaId> {
        candidates.retain(|candidate| {
            let is_next = self.is_next(*candidate);
            if is_next {
                self.admit(*candidate);
            }
            is_next
        });
        candidates
    }

    /// Whether the saga waits, and nobody holds any of its keys.
    pub(super) fn awaits_only_its_turn(&self, saga: SagaId) -> bool {
        self.waits_and(saga, |line| line.holders.is_empty())
    }

    /// Whether nobody holds any of its keys, and nobody came before it.
    fn is_next(&self, saga: SagaId) -> bool {
        self.waits_and(saga, |line| line.holders.is_empty() && line.waiting.front() == Some(&saga))
    }

    fn waits_and(&self, saga: SagaId, is_so: impl Fn(&Line) -> bool) -> bool {
        let keys = self.waiting.get(&saga);
        keys.is_some_and(|keys| keys.iter().all(|key| self.lines.get(key).is_some_and(&is_so)))
    }

    /// Those who wait for a key of this saga, and came before it.
    pub(super) fn before(&self, saga: SagaId) -> Vec<SagaId> {
        let keys = self.waiting.get(&saga).map(Vec::as_slice).unwrap_or_default();
        self.collect(keys, |line| line.waiting.iter().copied().take_while(|other| *other != saga).collect())
    }

    /// The saga that waited holds its keys from now on.
    pub(super) fn admit(&mut self, saga: SagaId) {
        for key in self.waiting.remove(&saga).unwrap_or_default() {
            if let Some(line) = self.lines.get_mut(&key) {
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

    /// Those who begin when this one has ended.
    fn ended(lines: &mut Keys, saga: SagaId, keys: &[Key]) -> Vec<SagaId> {
        let waiting = lines.release(saga, keys);
        lines.admit_next(waiting)
    }

    #[test]
    fn first_come_first_served() {
        let mut lines = Keys::default();
        lines.hold(id(1), &keys(&["a"]));
        lines.wait(id(2), &keys(&["a"]));
        lines.wait(id(3), &keys(&["a"]));
        assert_eq!(ended(&mut lines, id(1), &keys(&["a"])), [id(2)]);
        assert_eq!(ended(&mut lines, id(2), &keys(&["a"])), [id(3)]);
        assert_eq!(ended(&mut lines, id(3), &keys(&["a"])), []);
        assert!(lines.lines.is_empty() && lines.waiting.is_empty());
    }

    #[test]
    fn several_keys_are_taken_at_once_or_not_yet() {
        let mut lines = Keys::default();
        lines.hold(id(1), &keys(&["a"]));
        lines.hold(id(2), &keys(&["b"]));
        lines.wait(id(3), &keys(&["a", "b"]));
        lines.wait(id(4), &keys(&["b"]));
        assert_eq!(ended(&mut lines, id(2), &keys(&["b"])), [], "4 came after 3, which still waits for a");
        assert_eq!(ended(&mut lines, id(1), &keys(&["a"])), [id(3)]);
        assert_eq!(ended(&mut lines, id(3), &keys(&["a", "b"])), [id(4)]);
    }

    #[test]
    fn one_who_gives_up_lets_the_next_pass() {
        let mut lines = Keys::default();
        lines.hold(id(1), &keys(&["a"]));
        lines.wait(id(2), &keys(&["a", "b"]));
        lines.wait(id(3), &keys(&["b"]));
        assert_eq!(ended(&mut lines, id(2), &keys(&["a", "b"])), [id(3)]);
        assert_eq!(lines.holders(&keys(&["a", "b"])), [id(1), id(3)]);
    }
}
