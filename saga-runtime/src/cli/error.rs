//! Why a command did not do what it was told, and how the process then exits.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::docs::DocsError;
use crate::log::LogError;
use crate::message::SagaId;
use crate::operator::ClientError;
use crate::pipe::endpoint::EndpointError;

/// How the process exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it is done; a saga that was followed completed.
    Done,
    /// 1: something went wrong.
    Failed,
    /// 2: the command line makes no sense.
    Usage,
    /// 3: the saga that was followed failed, and was compensated.
    Compensated,
    /// 4: the saga that was followed was ended by an operator.
    Ended,
    /// 5: the saga that was followed is stuck.
    Stuck,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Compensated => 3,
            Self::Ended => 4,
            Self::Stuck => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Each names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotDone(String),
    #[error("there is no saga {id} in {log}; `{program} list` shows those that there are")]
    NoSaga { id: SagaId, log: PathBuf, program: String },
    #[error(
        "there is no saga log at {path}: no coordinator has run there yet; start one, or give another directory (--dir)"
    )]
    NoLog { path: PathBuf },
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Docs(#[from] DocsError),
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            _ => Exit::Failed,
        }
    }

    /// Whether whoever reads the result has read enough: then there is nothing to tell.
    pub(super) fn is_silent(&self) -> bool {
        self.exit() == Exit::Done
    }
}
