//! What a subscriber missed, read off the log for it: beside the loop, which goes on meanwhile.
//!
//! It reads only what was committed before it begins, a page at a time, and no faster than the subscriber takes it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::mpsc;

use crate::log::{Details, LogError, LogReader};
use crate::message::SagaId;
use crate::notice::{Notice, Position, Snapshot, Told, recorded};
use crate::pipe::Opening;

/// How many records are read at once.
const PAGE: usize = 256;

/// How much waits for the subscriber at most.
const BACKLOG: usize = 64;

/// The log, for those who missed something.
#[derive(Clone)]
pub(super) struct Past {
    reader: Arc<Mutex<Box<dyn LogReader>>>,
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    /// The log cannot be read.
    #[error(transparent)]
    Unread(#[from] LogError),
    /// A record is not as it was written.
    #[error("record {position} of the log is not understood: {reason}")]
    Strange {
        /// Where it is.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// A record is not in the log any more.
    #[error("record {position} is no longer in the log")]
    Gone {
        /// Where it was.
        position: u64,
    },
    /// The subscriber is gone.
    #[error("nobody listens any more")]
    Unheard,
}

/// What is told when nothing has to be read: these changes, and then the snapshot.
pub(super) fn at_once(changes: Vec<Arc<str>>, snapshot: &Snapshot) -> mpsc::Receiver<Opening> {
    let (sender, opening) = mpsc::channel(changes.len() + 1);
    let changes = changes.into_iter().map(Opening::Change);
    for told in changes.chain([everything(snapshot)]) {
        drop(sender.try_send(told));
    }
    opening
}

fn everything(snapshot: &Snapshot) -> Opening {
    Opening::Snapshot(json(snapshot))
}

/// Nothing, should it ever not be written: that is no JSON, and the subscriber is told to come again.
fn json(told: &impl Serialize) -> String {
    serde_json::to_string(told).unwrap_or_default()
}

impl Past {
    pub(super) fn new(reader: Box<dyn LogReader>) -> Self {
        Self { reader: Arc::new(Mutex::new(reader)) }
    }

    /// Tells what the log has from one position to that of the snapshot, and then the snapshot. When the log cannot be
    /// read to the end, the snapshot says so.
    pub(super) fn tell(&self, from: Position, snapshot: Snapshot) -> mpsc::Receiver<Opening> {
        let (sender, opening) = mpsc::channel(BACKLOG);
        let past = self.clone();
        tokio::task::spawn_blocking(move || {
            let missing = match past.tell_changes(from, snapshot.position.record, &sender) {
                Ok(()) => None,
                Err(Untold::Unheard) => return,
                Err(error) => Some(error.to_string()),
            };
            if let Some(reason) = &missing {
                tracing::error!(reason, "what a subscriber missed cannot be told");
            }
            drop(sender.blocking_send(everything(&Snapshot { missing, ..snapshot })));
        });
        opening
    }

    /// Tells the records from a position on; the one at `until` not any more.
    fn tell_changes(&self, from: Position, until: u64, to: &mpsc::Sender<Opening>) -> Result<(), Untold> {
        let mut next = from.record;
        while next < until {
            for notices in self.page(next, until)? {
                let skipped = if next == from.record { from.told as usize } else { 0 };
                for (told, notice) in (1..).zip(notices).skip(skipped) {
                    let position = Position { log: from.log, record: next, told, life: None };
                    let change = Opening::Change(json(&Told { position, now: None, notice }).into());
                    to.blocking_send(change).map_err(|_| Untold::Unheard)?;
                }
                next += 1;
            }
        }
        Ok(())
    }

    /// The notices of the record at a position and of some that follow it.
    fn page(&self, first: u64, until: u64) -> Result<Vec<Vec<Notice>>, Untold> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = reader.after(first.saturating_sub(1), PAGE)?;
        records.retain(|(position, _)| *position < until);
        let mut sagas = BTreeMap::<SagaId, Details>::new();
        let mut page = Vec::with_capacity(records.len());
        for (position, (found, row)) in (first..).zip(&records) {
            if position != *found {
                return Err(Untold::Gone { position });
            }
            let strange = |reason| Untold::Strange { position, reason };
            if let Entry::Vacant(unknown) = sagas.entry(row.saga) {
                let details = reader.saga(row.saga)?;
                unknown.insert(details.ok_or(Untold::Gone { position })?);
            }
            page.push(recorded(row, &sagas[&row.saga]).map_err(|error| strange(error.to_string()))?);
        }
        if page.is_empty() { Err(Untold::Gone { position: first }) } else { Ok(page) }
    }
}
