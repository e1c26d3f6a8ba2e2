//! The page of a saga, made of its [`Definition`] and nothing else, so that it cannot say what is not true.
//!
//! Pages are committed beside the sagas. [`check`] is for a test: a page that is out of date fails it with the command
//! that renews it. Knows no bus, no log and no running saga.

mod counts;
mod diagram;
mod failing;
mod files;
mod markdown;
mod mermaid;
mod page;
mod paths;
mod step;
mod svg;
mod time;
mod words;

use std::path::Path;

use crate::definition::Definition;

pub use self::files::{DocsError, Stale, StaleFile, StaleReason};

/// The page of a saga in Markdown. `command` is what renews it, as `sagas docs`; the page says so.
pub fn page(definition: &Definition, command: &str) -> String {
    page::render(definition, command)
}

/// The page that lists all sagas, in Markdown, with links to theirs.
pub fn index(definitions: &[&Definition], command: &str) -> String {
    page::index(definitions, command)
}

/// The name of the file that holds the page of a saga.
pub fn file_name(definition: &Definition) -> String {
    files::name(definition)
}

/// Writes the pages and the index into a directory, which is made if it is not there, and removes the generated pages
/// of sagas that there are no more. Files that were not generated are left alone.
///
/// # Errors
/// If a file cannot be read, written or removed.
pub fn write(directory: &Path, definitions: &[&Definition], command: &str) -> Result<(), DocsError> {
    files::write(directory, definitions, command)
}

/// Whether the files in a directory are what [`write()`] would write.
///
/// # Errors
/// [`DocsError::Stale`] names each file that is not, and the command that renews it; others when a file cannot be read.
pub fn check(directory: &Path, definitions: &[&Definition], command: &str) -> Result<(), DocsError> {
    files::check(directory, definitions, command)
}

#[cfg(test)]
mod tests;
