//! The sagas that one saga runs, as far as its own records tell.

use std::collections::BTreeMap;

use saga_runtime::message::{At, SagaId};

use super::{Objection, objection};

/// The family of one saga.
#[derive(Debug, Default)]
pub(super) struct Kin {
    children: BTreeMap<SagaId, Child>,
    /// It has completed, and ends when the saga that ran it does.
    completed: bool,
}

#[derive(Debug)]
struct Child {
    at: At,
    stands: Stands,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Runs,
    /// Has completed, and can be unwound.
    Kept,
    Unwinds,
    Over,
}

impl Kin {
    pub(super) fn knows(&self, child: SagaId) -> bool {
        self.children.contains_key(&child)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = SagaId> {
        self.children.keys().copied()
    }

    pub(super) fn is_kept(&self) -> bool {
        self.completed
    }

    /// It has completed.
    pub(super) fn completes(&mut self) {
        self.completed = true;
    }

    /// Whether one of those that it ran still runs.
    pub(super) fn runs_one(&self) -> bool {
        self.children.values().any(|child| child.stands == Stands::Runs)
    }

    /// It runs another one.
    pub(super) fn runs(&mut self, at: At, child: SagaId) -> Result<(), Objection> {
        if self.children.values().any(|other| other.at == at && other.stands != Stands::Over) {
            return objection(3, format!("{at:?} runs saga {child}, and another one before that"));
        }
        self.children.insert(child, Child { at, stands: Stands::Runs });
        Ok(())
    }

    /// One that it ran has completed, and can be unwound.
    pub(super) fn can_unwind(&mut self, child: SagaId) {
        if let Some(child) = self.children.get_mut(&child) {
            child.stands = Stands::Kept;
        }
    }

    pub(super) fn can_be_unwound(&self, at: At) -> bool {
        self.children.values().any(|child| child.at == at && child.stands == Stands::Kept)
    }

    /// It has another one undone.
    pub(super) fn unwinds(&mut self, child: SagaId) -> Result<(), Objection> {
        match self.children.get_mut(&child).filter(|child| child.stands == Stands::Kept) {
            Some(child) => {
                child.stands = Stands::Unwinds;
                Ok(())
            }
            None => objection(10, format!("saga {child} is unwound, and has not completed")),
        }
    }

    /// It has heard that one that it ran has ended, or is complete.
    pub(super) fn ended(&mut self, child: SagaId) -> Result<(), Objection> {
        match self.children.get_mut(&child) {
            None => objection(11, format!("saga {child} ended, which it had not run")),
            Some(known) => {
                if known.stands != Stands::Kept {
                    known.stands = Stands::Over;
                }
                Ok(())
            }
        }
    }
}
