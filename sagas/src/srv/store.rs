//! The rows of a srv: loads the part that a command needs, and writes what that changed. It decides nothing.
//!
//! | module | what it is for |
//! |---|---|
//! | `rows` | what there is, to and from rows |
//! | `file` | the database file: made, opened, checked |
//!
//! Sagas' commands come in transactions of the participant's connection; users, and whoever watches over the sessions,
//! use a [`Store`] of their own beside it.

mod file;
mod rows;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use saga_runtime::participant::Failure;
use saga_runtime::rusqlite::{self, Connection, TransactionBehavior};

pub use self::file::{STORE_FILE, StoreError, open};
pub use self::rows::{Extent, load_all};
use super::model::{Model, Session};
use crate::bus::{BlockId, Refusal};

/// Does one thing with the part of what there is, within a transaction that the caller has begun.
///
/// # Errors
/// The refusal of whoever decides, and then nothing is written; or what the database says.
pub fn act<T>(
    connection: &Connection,
    extent: &Extent,
    decide: impl FnOnce(&mut Model) -> Result<T, Refusal>,
) -> Result<T, Failure<Refusal>> {
    let before = rows::load(connection, extent)?;
    let mut after = before.clone();
    let decided = decide(&mut after).map_err(Failure::Refused)?;
    rows::save(connection, &before, &after)?;
    Ok(decided)
}

/// A connection beside that of the participant, for short transactions.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

impl Store {
    /// Over the database that a [srv](super::Srv) works in, or will.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        open(path).map(|connection| Self(Mutex::new(connection)))
    }

    /// Does one thing in a transaction of its own. Blocks while another connection writes.
    ///
    /// # Errors
    /// As [`act`].
    pub fn transact<T>(
        &self,
        extent: &Extent,
        decide: impl FnOnce(&mut Model) -> Result<T, Refusal>,
    ) -> Result<T, Failure<Refusal>> {
        // A transaction that panicked half way was undone.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let decided = act(&transaction, extent, decide)?;
        transaction.commit()?;
        Ok(decided)
    }

    /// All there is.
    ///
    /// # Errors
    /// What the database says.
    pub fn whole(&self) -> rusqlite::Result<Model> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One snapshot of several reads.
        load_all(&*connection.transaction()?)
    }

    /// Puts the sessions in order at the start of a life, when none runs: forgets those that were being ended and those
    /// whose block is gone, and gives the blocks of the others.
    ///
    /// # Errors
    /// What the database says.
    pub fn begin_life(&self) -> rusqlite::Result<Vec<BlockId>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute("DELETE FROM session WHERE state <> 'wanted' OR block NOT IN (SELECT id FROM block)", [])?;
        let mut wanted = connection.prepare("SELECT block FROM session ORDER BY block")?;
        let blocks = wanted.query_map([], |row| rows::block(row, 0))?;
        blocks.collect()
    }

    /// Whether a block is there, and wants a session.
    ///
    /// # Errors
    /// What the database says.
    pub fn wants_session(&self, block: BlockId) -> Result<bool, Failure<Refusal>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let model = rows::load(&connection, &Extent::block(block))?;
        Ok(model.blocks.contains_key(&block) && model.sessions.get(&block) == Some(&Session::Wanted))
    }

    /// A session that was being ended stays: its block, if it is still there, is to have one again. Whether it is.
    ///
    /// # Errors
    /// What the database says.
    pub fn session_stays(&self, block: BlockId) -> Result<bool, Failure<Refusal>> {
        self.transact(&Extent::block(block), |model| {
            let stays = model.sessions.get_mut(&block).filter(|_| model.blocks.contains_key(&block));
            Ok(stays.map(|session| *session = Session::Wanted).is_some())
        })
    }

    /// A session that was wanted could not be started: its block has none, as before.
    ///
    /// # Errors
    /// What the database says.
    pub fn session_not_started(&self, block: BlockId) -> Result<(), Failure<Refusal>> {
        self.forget_session(block, Session::Wanted)
    }

    /// A session that was being ended has ended.
    ///
    /// # Errors
    /// What the database says.
    pub fn session_ended(&self, block: BlockId) -> Result<(), Failure<Refusal>> {
        self.forget_session(block, Session::Ending)
    }

    fn forget_session(&self, block: BlockId, was: Session) -> Result<(), Failure<Refusal>> {
        self.transact(&Extent::block(block), |model| {
            if model.sessions.get(&block) == Some(&was) {
                model.sessions.remove(&block);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
