//! `check`: what is wrong with the catalogue, before a coordinator says so.

use serde::Serialize;

use super::error::{CliError, Exit};
use super::output::Output;
use super::{Cli, Lock};
use crate::{catalogue, lock};

pub(super) fn run(cli: &Cli, output: Output) -> Result<Exit, CliError> {
    let together = catalogue::findings(&cli.definitions, cli.served.as_deref());
    let changed = cli.lock.as_ref().map(changed).unwrap_or_default();
    let findings = together.iter().map(ToString::to_string).chain(changed.iter().cloned()).collect();
    let view = ChecksView { sagas: cli.definitions.len(), locked: cli.lock.is_some(), findings };
    output.result(&view, || view.render())?;
    if !changed.is_empty() {
        output.remark("to renew the lock file: SAGA_RENEW=1, and the test of the catalogue that checks it");
    }
    Ok(if view.findings.is_empty() { Exit::Done } else { Exit::Failed })
}

/// In what the sagas differ from their lock file.
fn changed(lock: &Lock) -> Vec<String> {
    match lock::findings(lock.text, &lock.sagas) {
        Ok(findings) => findings.iter().map(|finding| format!("lock file: {finding}")).collect(),
        Err(error) => vec![format!("lock file: it cannot be read: {error}; renew")],
    }
}

#[derive(Debug, Serialize)]
struct ChecksView {
    sagas: usize,
    /// Whether they were compared with a lock file.
    locked: bool,
    findings: Vec<String>,
}

impl ChecksView {
    fn render(&self) -> String {
        let sagas = if self.sagas == 1 { "1 saga".to_owned() } else { format!("{} sagas", self.sagas) };
        if self.findings.is_empty() {
            let locked = if self.locked { ", and nothing has changed since the lock file was written" } else { "" };
            return format!("{sagas}: nothing is wrong{locked}\n");
        }
        self.findings.iter().map(|finding| format!("{finding}\n")).collect()
    }
}
