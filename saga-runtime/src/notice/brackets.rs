//! A saga's notices as one unit: all of a bracket, when it closes. Pure: it is told, keeps what is open, and gives what
//! is whole.
//!
//! A saga that another one runs belongs to the bracket of that one: until the whole family has ended, each of its members
//! may still be undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Name, Notice, Position, Snapshot, Told};
use crate::machine::{InFlight, StartedBy};
use crate::message::SagaId;

/// How many notices are kept, unless told otherwise.
const LIMIT: usize = 1 << 16;

/// Keeps the notices of each saga until its bracket closes, and gives them then, all at once.
///
/// A bracket closes when its saga has completed, was compensated, or an operator ended it. What is about no saga passes
/// at once; so does what was said to a saga too late.
///
/// ```
/// # use saga_runtime::machine::StartedBy;
/// # use saga_runtime::message::SagaId;
/// # use saga_runtime::notice::{BracketBuffer, Notice, Unit};
/// # use saga_runtime::time::Timestamp;
/// # let (time, name) = (Timestamp::from_micros(1), "rename");
/// # let started = |saga| Notice::SagaStarted { time, saga, name: name.into(), input: "w1".into(), by: StartedBy::Call };
/// # let completed = |saga| Notice::SagaCompleted { time, saga, name: name.into(), output: "w2".into() };
/// let (first, second) = (SagaId::FIRST, SagaId::FIRST.next());
/// let mut brackets = BracketBuffer::new();
/// assert_eq!(brackets.notice(started(first)), None);
/// assert_eq!(brackets.notice(started(second)), None);
///
/// let Some(Unit::Bracket(bracket)) = brackets.notice(completed(second)) else { panic!("it closes") };
/// assert_eq!((bracket.saga, bracket.is_whole), (second, true));
/// assert_eq!(bracket.notices, [started(second), completed(second)]);
/// assert_eq!(brackets.open().collect::<Vec<_>>(), [first]);
/// ```
///
/// A subscriber in another process gives it the snapshots and changes that it gets. What comes twice is dropped then, by
/// its position, so a subscriber that goes on from an earlier position than it had reached has no bracket twice. Written
/// somewhere together with what it gave (it can be serialised), it loses none either, when the subscriber dies and goes
/// on from [`BracketBuffer::position`].
///
/// Its memory is a little for each saga in flight, and at most as many notices as it is told. When there would be more,
/// the longest bracket loses half of them, the oldest but the first, and is not whole any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BracketBuffer {
    /// What was told up to here is known.
    position: Option<Position>,
    /// By the saga that no other one runs.
    open: BTreeMap<SagaId, Open>,
    /// Those that have not ended, with whose bracket they are in.
    members: BTreeMap<SagaId, SagaId>,
    /// The notices of all that are open.
    kept: usize,
    limit: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    name: Name,
    notices: Vec<Notice>,
    is_whole: bool,
    /// Those of the family that have not ended.
    going: BTreeSet<SagaId>,
}

/// What a [`BracketBuffer`] gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A bracket that has closed.
    Bracket(Bracket),
    /// What is in no bracket.
    Notice(Notice),
}

/// All that happened to a saga and to those that it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bracket {
    /// The saga; no other one runs it, as far as is known.
    pub saga: SagaId,
    /// Its name; empty if that is not known.
    pub name: Name,
    /// In order.
    pub notices: Vec<Notice>,
    /// It is all there, from the start to the end. Otherwise it began before the buffer was told of it, or there was a
    /// gap, or it was too long.
    pub is_whole: bool,
}

impl Default for BracketBuffer {
    fn default() -> Self {
        Self { position: None, open: BTreeMap::new(), members: BTreeMap::new(), kept: 0, limit: LIMIT }
    }
}

impl BracketBuffer {
    /// An empty one, for 65,536 notices.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, for so many notices; at least one.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit: limit.max(1), ..self }
    }

    /// What was told up to here is known: where to go on. None before the first snapshot.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The sagas whose brackets are open, oldest first; those that others run are not among them.
    pub fn open(&self) -> impl Iterator<Item = SagaId> {
        self.open.keys().copied()
    }

    /// Takes a snapshot. Open brackets go on with it; those of sagas that were in flight before, and of which nobody will
    /// hear again, are void: they are given back, for what they are worth.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Vec<Bracket> {
        let is_beside = self.position.is_some_and(|position| position.is_beside(&snapshot.position));
        let has_gap = self.position.is_none() || snapshot.missing.is_some();
        self.position = Some(snapshot.position);
        let in_flight: BTreeSet<_> = snapshot.sagas.iter().map(|saga| saga.saga).collect();
        let void = self.leave(&in_flight);
        for saga in &snapshot.sagas {
            let is_known = self.members.contains_key(&saga.saga);
            let open = self.bracket(saga);
            open.is_whole &= is_known && !has_gap && (is_beside || !saga.ephemeral);
        }
        void
    }

    /// Takes a change; gives what is a unit by it. One that was told before does nothing.
    pub fn change(&mut self, told: Told) -> Option<Unit> {
        if self.position.is_some_and(|position| !told.position.is_after(&position)) {
            return None;
        }
        self.position = Some(told.position);
        self.notice(told.notice)
    }

    /// Takes a notice of a coordinator in this process; gives what is a unit by it.
    pub fn notice(&mut self, notice: Notice) -> Option<Unit> {
        if let Notice::Lagged { .. } = notice {
            self.open.values_mut().for_each(|open| open.is_whole = false);
        }
        let saga = match &notice {
            Notice::SagaMoved { .. } => return None,
            Notice::AnswerLate { .. } => None,
            other => other.saga(),
        };
        let Some(saga) = saga else { return Some(Unit::Notice(notice)) };
        let root = self.members.get(&saga).copied().unwrap_or_else(|| self.begin(saga, &notice));
        let is_end = notice.is_end();
        self.keep(root, notice);
        if is_end { self.end(saga, root).map(Unit::Bracket) } else { None }
    }

    /// The bracket of a saga of which nothing was known until this notice.
    fn begin(&mut self, saga: SagaId, first: &Notice) -> SagaId {
        let (is_start, parent) = match first {
            Notice::SagaStarted { by: StartedBy::Parent { saga, .. }, .. } => (true, Some(*saga)),
            Notice::SagaStarted { .. } => (true, None),
            _ => (false, None),
        };
        let name = first.saga_name().cloned().unwrap_or_default();
        let root = self.root(saga, parent);
        self.family(root, name).is_whole &= is_start;
        self.join(saga, root);
        root
    }

    /// The bracket of a saga in a snapshot.
    fn bracket(&mut self, saga: &InFlight) -> &mut Open {
        let root = self.root(saga.saga, saga.parent);
        self.family(root, saga.name.clone());
        self.join(saga.saga, root);
        self.family(root, Name::default())
    }

    /// The saga in whose bracket this one is: its parent's, if that is open.
    fn root(&self, saga: SagaId, parent: Option<SagaId>) -> SagaId {
        let of = |saga| self.members.get(&saga).copied();
        of(saga).or_else(|| parent.and_then(of)).unwrap_or(saga)
    }

    fn family(&mut self, root: SagaId, name: Name) -> &mut Open {
        let open = || Open { name, notices: Vec::new(), is_whole: true, going: BTreeSet::new() };
        self.open.entry(root).or_insert_with(open)
    }

    fn join(&mut self, saga: SagaId, root: SagaId) {
        self.members.insert(saga, root);
        if let Some(open) = self.open.get_mut(&root) {
            open.going.insert(saga);
        }
    }

    fn keep(&mut self, root: SagaId, notice: Notice) {
        if let Some(open) = self.open.get_mut(&root) {
            open.notices.push(notice);
            self.kept += 1;
        }
        while self.kept > self.limit {
            let Some(longest) = self.open.values_mut().max_by_key(|open| open.notices.len()) else { return };
            self.kept -= longest.shorten();
        }
    }

    /// A saga has ended; gives its bracket, if that closes.
    fn end(&mut self, saga: SagaId, root: SagaId) -> Option<Bracket> {
        self.members.remove(&saga);
        let open = self.open.get_mut(&root)?;
        open.going.remove(&saga);
        if open.going.is_empty() { self.close(root) } else { None }
    }

    fn close(&mut self, root: SagaId) -> Option<Bracket> {
        let Open { name, notices, is_whole, .. } = self.open.remove(&root)?;
        self.kept -= notices.len();
        Some(Bracket { saga: root, name, notices, is_whole })
    }

    /// Forgets all sagas but these; gives the brackets of which nobody is left.
    fn leave(&mut self, in_flight: &BTreeSet<SagaId>) -> Vec<Bracket> {
        self.members.retain(|saga, _| in_flight.contains(saga));
        let mut left = Vec::new();
        for (root, open) in &mut self.open {
            let before = open.going.len();
            open.going.retain(|saga| in_flight.contains(saga));
            open.is_whole &= open.going.len() == before;
            left.extend(open.going.is_empty().then_some(*root));
        }
        left.into_iter().filter_map(|root| self.close(root)).collect()
    }
}

impl Open {
    /// Drops half of what it has, the oldest but the first; says how many those are.
    fn shorten(&mut self) -> usize {
        self.is_whole = false;
        let from = usize::from(self.notices.len() > 1);
        let dropped = from..from + self.notices.len().div_ceil(2).min(self.notices.len() - from);
        self.notices.drain(dropped).len()
    }
}

#[cfg(test)]
mod tests;
