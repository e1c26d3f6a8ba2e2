//! What SQLite says, in the words of the log.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::log::LogError;

/// What went wrong, before it is known with which file.
#[derive(Debug)]
pub(super) enum Problem {
    /// SQLite said no.
    Sqlite(rusqlite::Error),
    /// The log said no.
    Log(LogError),
    /// The operating system said no.
    Other(String),
}

impl Problem {
    /// A row that is not what was written.
    pub(super) fn damaged(what: impl Into<String>, reason: &str) -> Self {
        Self::Log(damaged(what, reason))
    }

    /// Whether a reader, which writes nothing, found the shared memory of the WAL in disorder. A writer that has the file
    /// open is just putting it in order; where there is none, a reader does without.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        let code = error.sqlite_error().map(|error| error.extended_code);
        matches!(code, Some(ffi::SQLITE_READONLY_RECOVERY | ffi::SQLITE_READONLY_CANTINIT))
    }

    /// As an error about this file.
    pub(super) fn at(self, action: &'static str, path: &Path) -> LogError {
        let failed = |reason| LogError::Failed { action, path: path.to_owned(), reason };
        match self {
            Self::Log(error) => error,
            Self::Other(reason) => failed(reason),
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => {
                    LogError::NotALog { path: path.to_owned(), reason: "it is no SQLite database".to_owned() }
                }
                Some(ErrorCode::DatabaseCorrupt) => damaged(path.display().to_string(), &error.to_string()),
                _ => failed(error.to_string()),
            },
        }
    }
}

/// A row that is not what was written.
pub(super) fn damaged(what: impl Into<String>, reason: &str) -> LogError {
    LogError::Damaged { what: what.into(), reason: reason.to_owned() }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}
