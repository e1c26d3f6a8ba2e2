//! What outlives the process of a participant whose memory commits with its effects: what of it changes, and how the
//! next life begins with it. It knows no store.

use super::{Exchange, Inbox, Logs, Run, RunId, State};
use crate::bus::Horizon;
use crate::message::{ExchangeKey, LogId, Memory};

/// What the inbox decided by itself, and a store must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The key is barred. To be stored before its fate is told.
    Barred {
        /// The key.
        key: ExchangeKey,
        /// What was done is not known: its fate is *unknown* and not *never*.
        unclear: bool,
    },
    /// Nothing of the key need be stored any more.
    Forgotten(ExchangeKey),
}

/// What is remembered of a key from an earlier life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept<E> {
    /// It was done, with these events.
    Handled(Vec<E>),
    /// Its handler had left the answer for later, and there was none yet.
    Deferred,
    /// It broke off after its handler had left the answer for later.
    Broken(String),
    /// It will never be done.
    Barred,
}

impl<C, E: Clone, R: Clone> Inbox<C, E, R> {
    /// Begins with the horizons of an earlier life, the log that was heard last at the end, and whether one was forgotten.
    /// Before anything else is told.
    pub fn recall(&mut self, horizons: impl IntoIterator<Item = (LogId, Horizon)>, forgot_one: bool) {
        self.logs = Logs::recall(horizons, forgot_one);
    }

    /// Remembers a key from an earlier life; after [`Inbox::recall`]. For one whose answer is still to come: the run that
    /// [`Inbox::answered`] will end.
    pub fn remember(&mut self, key: ExchangeKey, attempt: u32, unclear: bool, kept: Kept<E>) -> Option<RunId> {
        if self.logs.is_closed(key.log, key.saga) && !matches!(kept, Kept::Deferred) {
            self.note(Change::Forgotten(key));
            return None;
        }
        let mut run = None;
        let state = match kept {
            Kept::Handled(events) => State::Handled(events),
            Kept::Broken(complaint) => State::Broken(complaint),
            Kept::Barred => State::Barred,
            Kept::Deferred => {
                run = Some(RunId(self.next_run));
                self.next_run += 1;
                State::Running
            }
        };
        self.exchanges.insert(key, Exchange { latest: attempt, unclear, state });
        if let Some(run) = run {
            self.runs.insert(run, Run { key, query: None, answered: false, returned: true });
        }
        run
    }

    /// What has changed since this was asked last, in order.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// What [`Inbox::recall`] is to begin with.
    pub fn horizons(&self) -> (Vec<(LogId, Horizon)>, bool) {
        let horizons = self.logs.horizons().map(|(log, horizon)| (log, horizon.clone())).collect();
        (horizons, self.logs.forgot_one())
    }

    /// The key of a command whose answer is still to come; none if there is none, or for a query.
    pub fn awaited(&self, run: RunId) -> Option<ExchangeKey> {
        self.runs.get(&run).filter(|run| !run.answered && run.query.is_none()).map(|run| run.key)
    }

    pub(super) fn note(&mut self, change: Change) {
        if self.memory == Memory::Transactional {
            self.changes.push(change);
        }
    }
}
