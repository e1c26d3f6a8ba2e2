//! The states in which exchanges are seen that their saga went on without: each from before its step ended.

use serde::{Deserialize, Serialize};

use crate::message::{At, Mode};

/// One state for each exchange that is settled or undone beside its saga.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Asides<T>(Vec<(At, T)>);

impl<T> Default for Asides<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Asides<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The state for this exchange, or for that which it undoes.
    pub(super) fn get(&self, at: At) -> Option<&T> {
        self.0.iter().find(|(kept, _)| is_of(*kept, at)).map(|(_, state)| state)
    }

    pub(super) fn get_mut(&mut self, at: At) -> Option<&mut T> {
        self.0.iter_mut().find(|(kept, _)| is_of(*kept, at)).map(|(_, state)| state)
    }

    pub(super) fn keep(&mut self, at: At, state: T) {
        self.0.push((at, state));
    }

    pub(super) fn forget(&mut self, at: At) {
        self.0.retain(|(kept, _)| !is_of(*kept, at));
    }

    /// What `map` makes of them; none if it makes nothing of one.
    pub(super) fn map<U>(self, map: impl Fn(T) -> Option<U>) -> Option<Asides<U>> {
        let mapped = self.0.into_iter().map(|(at, state)| Some((at, map(state)?)));
        mapped.collect::<Option<_>>().map(Asides)
    }
}

fn is_of(kept: At, at: At) -> bool {
    kept == at || (at.mode != Mode::Finally && (kept.step, kept.item) == (at.step, at.item))
}
