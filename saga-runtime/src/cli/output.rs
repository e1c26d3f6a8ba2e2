//! Where results and progress go: results to standard output, everything else to standard error.
//!
//! Colours show only on a terminal, and never with `NO_COLOR`.

use std::io::{self, Write};

use serde::Serialize;

use super::error::CliError;
use super::style::{BAD, FAINT, paint};

/// What is printed, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// Everything as JSON.
    pub(super) json: bool,
    /// Characters in a line of the terminal; none if standard output is no terminal.
    pub(super) width: Option<usize>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json, width: width_of_terminal() }
    }

    /// A result: as one JSON value on a line, or as text for people.
    pub(super) fn result<T: Serialize>(&self, view: &T, text: impl FnOnce() -> String) -> Result<(), CliError> {
        let text = if self.json { json_line(view)? } else { text() };
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// What happens meanwhile. If nobody can see it, the command goes on.
    pub(super) fn progress<T: Serialize>(&self, view: &T, text: impl FnOnce() -> String) {
        let text = if self.json { json_line(view).unwrap_or_default() } else { text() };
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    /// Something to know besides the result; not for programs.
    pub(super) fn remark(&self, text: &str) {
        if !self.json {
            let _ = writeln!(anstream::stderr().lock(), "{}", paint(FAINT, text));
        }
    }
}

/// Says why nothing came of it.
pub(super) fn complain(error: &CliError) {
    let _ = writeln!(anstream::stderr().lock(), "{} {error}", paint(BAD, "error:"));
}

fn json_line<T: Serialize>(view: &T) -> Result<String, CliError> {
    let line = serde_json::to_string(view).map_err(io::Error::from)?;
    Ok(line + "\n")
}

fn width_of_terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}
