//! The directory in which a coordinator runs: its log, and the socket for operators.

use std::path::PathBuf;

use super::error::CliError;
use crate::log::{LogReader, SqliteReader};
use crate::message::SagaId;
use crate::operator::{Client, ClientError};
use crate::pipe::endpoint::Endpoint;

/// The name of the log in the directory.
pub const LOG_FILE: &str = "sagas.db";

/// A directory, and the name of the program, for remedies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) app: &'static str,
    pub(super) endpoint: Endpoint,
}

impl Place {
    pub(super) fn log_path(&self) -> PathBuf {
        self.endpoint.directory().join(LOG_FILE)
    }

    /// The log, for reading.
    pub(super) fn log(&self) -> Result<Box<dyn LogReader>, CliError> {
        let path = self.log_path();
        if !path.exists() {
            return Err(CliError::NoLog { path });
        }
        Ok(Box::new(SqliteReader::open(path)?))
    }

    pub(super) async fn operator(&self) -> Result<Client, ClientError> {
        Client::connect(&self.endpoint).await
    }

    pub(super) fn no_saga(&self, id: SagaId) -> CliError {
        CliError::NoSaga { id, log: self.log_path(), app: self.app }
    }
}
