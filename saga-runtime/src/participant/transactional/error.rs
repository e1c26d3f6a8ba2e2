//! Why a database cannot hold the inbox of a participant.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a database cannot hold the inbox of a participant, or does not take a commit. Each names the thing and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It would be gone with the process.
    #[error("the database is in memory and dies with its process; open a file, or be a `Participant` that is volatile")]
    InMemory,
    /// The file is something else.
    #[error("{path} is no SQLite database; give the path of one, or of a file that does not exist yet")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a saga log.
    #[error("{path} is a saga log, which belongs to a coordinator; give the participant a database of its own")]
    ALog {
        /// The file.
        path: PathBuf,
    },
    /// There are tables of these names that are no inbox.
    #[error(
        "{path} has tables named `saga_inbox_…` that are no inbox ({reason}); rename those, or give another database"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What they are instead.
        reason: String,
    },
    /// It is the inbox of another participant.
    #[error("{path} holds the inbox of `{theirs}`, and this is `{ours}`; give each participant a database of its own")]
    Anothers {
        /// The file.
        path: PathBuf,
        /// Bus and participant in the database.
        theirs: String,
        /// Bus and participant of this program.
        ours: String,
    },
    /// The inbox was written by a newer program.
    #[error(
        "the inbox in {path} has schema {found}, and this program knows schemas up to {known}; use the newer program"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the inbox.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// A row that is not what was written.
    #[error("{what} in {path} is damaged ({reason}); restore the database from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The row.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// Another process serves this participant now.
    #[error("another process has taken over the inbox in {path}; this one must stop")]
    TakenOver {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes, and goes on writing.
    #[error("{path} is locked by another connection; let it end its transaction")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// There is no more room.
    #[error("{path} cannot grow: its disk is full; make room on it")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It may not be written.
    #[error("{path} is read-only; let this user write the file and its directory, and open it for writing")]
    ReadOnly {
        /// The file.
        path: PathBuf,
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

impl DatabaseError {
    /// Whether to try again cannot help.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::TakenOver { .. })
    }

    /// What SQLite says, in the words of a participant.
    pub(super) fn of(error: &rusqlite::Error, action: &'static str, path: &Path) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, what: "a page".to_owned(), reason: error.to_string() }
            }
            _ => Self::Failed { action, path, reason: error.to_string() },
        }
    }
}

/// Whether the state of the machine is to blame, and not the statement: what failed may succeed later.
pub(super) fn passes(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::OperationInterrupted
        )
    )
}
