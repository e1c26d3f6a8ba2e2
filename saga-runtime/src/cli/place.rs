//! The directory in which a coordinator runs: its log, and the socket for operators.

use std::path::{Path, PathBuf};

use super::error::CliError;
use crate::log::{LogReader, SqliteReader};
use crate::message::SagaId;
use crate::operator::{Client, ClientError};
use crate::pipe::endpoint::Endpoint;

/// The name of the log in the directory.
pub const LOG_FILE: &str = "sagas.db";

/// A directory, and how the program is called for it, for remedies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As a shell takes it: `sagas`, or `sagas --dir /srv/sagas`.
    pub(super) program: String,
    pub(super) endpoint: Endpoint,
}

impl Place {
    /// Where this program meets its coordinator; `given` is the directory that was said, if one was.
    pub(super) fn new(app: &str, given: Option<&Path>, endpoint: Endpoint) -> Self {
        let directory = given.map(|directory| format!(" --dir {}", quoted(&directory.to_string_lossy())));
        Self { program: app.to_owned() + &directory.unwrap_or_default(), endpoint }
    }

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
        CliError::NoSaga { id, log: self.log_path(), program: self.program.clone() }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+:@%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_can_be_given_to_a_shell() {
        let program = |given: Option<&str>| Place::new("shop", given.map(Path::new), Endpoint::in_dir("/x")).program;
        assert_eq!(program(None), "shop");
        assert_eq!(program(Some("/srv/a-shop")), "shop --dir /srv/a-shop");
        assert_eq!(program(Some("my shop's")), r"shop --dir 'my shop'\''s'");
    }
}
