//! The way back: what took effect and must be undone, in which order; and what is undone beside a saga that goes on.

use std::collections::BTreeSet;

use saga_runtime::message::{At, Mode};

use super::{Objection, objection};

/// What is to be undone of one saga.
#[derive(Debug, Default)]
pub(super) struct Undoing {
    /// What took effect and is not undone yet, in the order of completion.
    effects: Vec<At>,
    /// What is being undone.
    current: Option<At>,
    settling: BTreeSet<At>,
    /// The exchanges without whose answers the saga went on, and which are neither settled nor undone.
    aside: BTreeSet<At>,
    /// Those of them that are or will be undone while it goes on.
    beside: BTreeSet<At>,
    /// Those of them that took effect while it depended on the pivot where the saga goes.
    waiting: Vec<At>,
    /// All of them, settled or not.
    went_on_without: BTreeSet<At>,
}

impl Undoing {
    pub(super) fn went_on_without(&self, at: At) -> bool {
        self.went_on_without.contains(&at)
    }

    /// Whether this undoes something beside a saga that goes on.
    pub(super) fn is_beside(&self, at: At) -> bool {
        self.beside.contains(&at)
    }

    /// Whether a fate is awaited, on which it depends where the saga goes.
    pub(super) fn is_settling(&self) -> bool {
        !self.settling.is_empty()
    }

    pub(super) fn took_effect(&mut self, at: At) {
        self.effects.push(at);
    }

    /// A fate is asked: of an exchange that has ended, because the saga went on without the answer.
    pub(super) fn settles(&mut self, at: At, has_ended: bool) {
        self.settling.insert(at);
        if has_ended {
            self.aside.insert(at);
            self.went_on_without.insert(at);
        }
    }

    pub(super) fn settled_done(&mut self, at: At) {
        self.settling.remove(&at);
    }

    pub(super) fn settled_never(&mut self, at: At) {
        self.settling.remove(&at);
        self.aside.remove(&at);
    }

    /// What the saga went on without took effect: undone at once, or with all the rest if the saga does not go on, or
    /// nobody knows whether it does.
    pub(super) fn done_late(&mut self, at: At, goes_on: bool, can_undo: bool) {
        self.settling.remove(&at);
        if can_undo && goes_on {
            self.beside.insert(back(at));
            return;
        }
        self.aside.remove(&at);
        if can_undo {
            self.effects.push(at);
            self.waiting.push(at);
        }
    }

    /// Whether the fate of such an exchange is awaited.
    pub(super) fn settles_any(&self, is_such: impl Fn(At) -> bool) -> bool {
        self.settling.iter().any(|at| is_such(*at))
    }

    /// There is no way back: what waited for that is undone while the saga goes on.
    pub(super) fn goes_on(&mut self) {
        for at in self.waiting.drain(..) {
            self.effects.retain(|effect| *effect != at);
            self.aside.insert(at);
            self.beside.insert(back(at));
        }
    }

    /// Something begins to be undone.
    pub(super) fn begin(&mut self, at: At, failed: bool) -> Result<(), Objection> {
        if self.beside.contains(&at) {
            return Ok(());
        }
        let busy = self.current.is_some() || !self.settling.is_empty() || !self.beside.is_empty();
        if !failed || busy {
            return objection(10, format!("{at:?} begins too early"));
        }
        if self.effects.pop().map(back) != Some(at) {
            return objection(10, format!("{at:?} is not what completed last"));
        }
        self.current = Some(at);
        Ok(())
    }

    /// Something is undone.
    pub(super) fn ended(&mut self, at: At) -> Result<(), Objection> {
        if self.beside.remove(&at) {
            self.aside.remove(&At { mode: Mode::Forward, ..at });
            return Ok(());
        }
        let expected = self.current.take() == Some(at);
        if expected { Ok(()) } else { objection(10, format!("{at:?} ended, and was not begun")) }
    }

    /// An operator passed over it.
    pub(super) fn skipped(&mut self, at: At) {
        self.current = self.current.filter(|current| *current != at);
        if self.beside.remove(&at) {
            self.aside.remove(&At { mode: Mode::Forward, ..at });
        }
    }

    /// Whether nothing is left to be undone.
    pub(super) fn may_finish(&self, failed: bool) -> Result<(), Objection> {
        if !self.aside.is_empty() || !self.beside.is_empty() {
            return objection(9, format!("it went on without {:?}, and ends before that is settled", self.aside));
        }
        let undone = self.effects.is_empty() && self.current.is_none() && self.settling.is_empty();
        if failed && !undone {
            return objection(9, format!("it was undone, but for {:?}", self.effects));
        }
        Ok(())
    }
}

fn back(at: At) -> At {
    At { mode: Mode::Compensation, ..at }
}
