//! `docs`: writes or checks the generated pages.

use std::path::PathBuf;

use clap::ArgMatches;
use serde::Serialize;

use super::arguments as words;
use super::error::{CliError, Exit};
use super::output::Output;
use crate::definition::Definition;
use crate::docs::{self, DocsError};

pub(super) fn run(
    app: &str,
    definitions: &[&'static Definition],
    default_directory: &str,
    matches: &ArgMatches,
    output: Output,
) -> Result<Exit, CliError> {
    let directory = matches.get_one::<PathBuf>(words::OUT).cloned().unwrap_or_else(|| default_directory.into());
    let command = format!("{app} docs");
    let checked = matches.get_flag(words::CHECK);
    if checked {
        docs::check(&directory, definitions, &command).map_err(|error| match error {
            // The pages name the usual command; the remedy is the one that renews these.
            DocsError::Stale(mut stale) if directory.as_os_str() != default_directory => {
                stale.command = format!("{command} --out {}", directory.display());
                DocsError::Stale(stale)
            }
            error => error,
        })?;
    } else {
        docs::write(&directory, definitions, &command)?;
    }
    let view = PagesView { directory, pages: definitions.len(), checked };
    output.result(&view, || view.render())?;
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct PagesView {
    directory: PathBuf,
    pages: usize,
    checked: bool,
}

impl PagesView {
    fn render(&self) -> String {
        let pages = if self.pages == 1 { "1 page".to_owned() } else { format!("{} pages", self.pages) };
        let what = if self.checked { "up to date" } else { "written" };
        format!("{}: {pages} and the list of them {what}\n", self.directory.display())
    }
}
