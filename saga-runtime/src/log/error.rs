//! Why a log cannot do what it was asked.

use std::path::PathBuf;

use crate::message::SagaId;

/// Why a log cannot do what it was asked. Each names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file is something else.
    #[error("{path} is not a saga log ({reason}); give the path of a log, or of a file that does not exist yet")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The log was written by a newer program.
    #[error("{path} has schema {found}, and this program knows schemas up to {known}; use the newer program")]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the log.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// Another process writes to the log.
    #[error("{path} is in use by another coordinator, or is just being pruned; stop that one, or give another log")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Another writer has taken the log over.
    #[error("another coordinator has taken this log over (epoch {theirs}, ours is {ours}); this one must stop")]
    Fenced {
        /// Our epoch.
        ours: u64,
        /// The epoch in the log.
        theirs: u64,
    },
    /// A record that does not follow the last one of its saga.
    #[error("record {number} of saga {saga} does not follow its last record; nothing was written")]
    Gap {
        /// The saga.
        saga: SagaId,
        /// The number of the record.
        number: u32,
    },
    /// A saga that is in the log already.
    #[error("saga {saga} was started before, and an id is never used twice; nothing was written")]
    StartedBefore {
        /// The saga.
        saga: SagaId,
    },
    /// A key that has started another saga.
    #[error("the key `{key}` has started a saga before; attach to that one, or give another key; nothing was written")]
    KeyTaken {
        /// The key.
        key: String,
    },
    /// A batch that would leave a saga from which no one could go on.
    #[error("the batch is incomplete for saga {saga}: {missing}; nothing was written")]
    Incomplete {
        /// The saga.
        saga: SagaId,
        /// What is missing.
        missing: &'static str,
    },
    /// A library that is known to damage logs.
    #[error("SQLite {found} can corrupt a log; build this program with SQLite {needed} or newer")]
    OldSqlite {
        /// The version in this program.
        found: String,
        /// The oldest that is good enough.
        needed: &'static str,
    },
    /// A row that is not what was written.
    #[error("{what} is damaged ({reason}); restore the log from a backup, or end the saga")]
    Damaged {
        /// The row.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The file or its directory is open to others.
    #[error("{path} can be changed by other users; make it private to you (chmod {remedy})")]
    NotPrivate {
        /// The file or directory.
        path: PathBuf,
        /// The mode that it must have.
        remedy: &'static str,
    },
    /// The operating system or the database said no.
    #[error("cannot {action} {path}: {reason}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}
