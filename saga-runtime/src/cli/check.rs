//! `check`: what is wrong with the catalogue, before a coordinator says so.

use serde::Serialize;

use super::error::{CliError, Exit};
use super::output::Output;
use crate::catalogue;
use crate::definition::Definition;

pub(super) fn run(
    definitions: &[&'static Definition],
    served: Option<&[&'static str]>,
    output: Output,
) -> Result<Exit, CliError> {
    let findings = catalogue::findings(definitions, served);
    let view = ChecksView { sagas: definitions.len(), findings: findings.iter().map(ToString::to_string).collect() };
    output.result(&view, || view.render())?;
    Ok(if view.findings.is_empty() { Exit::Done } else { Exit::Failed })
}

#[derive(Debug, Serialize)]
struct ChecksView {
    sagas: usize,
    findings: Vec<String>,
}

impl ChecksView {
    fn render(&self) -> String {
        let sagas = if self.sagas == 1 { "1 saga".to_owned() } else { format!("{} sagas", self.sagas) };
        if self.findings.is_empty() {
            return format!("{sagas}: nothing is wrong\n");
        }
        self.findings.iter().map(|finding| format!("{finding}\n")).collect()
    }
}
