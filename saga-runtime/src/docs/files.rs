//! The generated files of a directory: written, or compared with what would be written.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::page::{self, MARK};
use crate::definition::Definition;

/// The list of all sagas.
const INDEX: &str = "README.md";

/// Why pages are not written, or not good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocsError {
    /// Pages are out of date.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The operating system said no.
    #[error("cannot {action} {path}: {reason}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
}

/// Generated files that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Which, by name; at least one.
    pub files: Vec<StaleFile>,
    /// What renews them.
    pub command: String,
}

/// A generated file that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleFile {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: StaleReason,
}

/// What is wrong with a generated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleReason {
    /// It is not there.
    Missing,
    /// The definition says something else.
    OutOfDate,
    /// There is no such saga any more.
    LeftOver,
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::OutOfDate => "out of date",
            Self::LeftOver => "left over from a saga that is no more",
        })
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these generated pages are not what the sagas say:\n")?;
        for file in &self.files {
            writeln!(f, "  {}: {}", file.path.display(), file.reason)?;
        }
        write!(f, "renew them: {}", self.command)
    }
}

impl std::error::Error for Stale {}

/// The name of a saga's page.
pub(super) fn name(definition: &Definition) -> String {
    stem(definition) + ".md"
}

/// The name of the picture of its states.
pub(super) fn picture(definition: &Definition) -> String {
    stem(definition) + ".svg"
}

/// A saga's name may hold anything, and a file's must not lead elsewhere.
fn stem(definition: &Definition) -> String {
    let mut name = String::new();
    for byte in definition.name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte.into()),
            _ => name.push_str(&format!("={byte:02X}")),
        }
    }
    match definition.version {
        1 => name,
        version => format!("{name}.v{version}"),
    }
}

pub(super) fn write(directory: &Path, definitions: &[&Definition], command: &str) -> Result<(), DocsError> {
    fs::create_dir_all(directory).map_err(failed("make", directory))?;
    let Err(stale) = compare(directory, definitions, command)? else {
        return Ok(());
    };
    let expected = expected(definitions, command);
    for file in stale.files {
        match expected.get(&name_of(&file.path)) {
            Some(text) => fs::write(&file.path, text).map_err(failed("write", &file.path))?,
            None => fs::remove_file(&file.path).map_err(failed("remove", &file.path))?,
        }
    }
    Ok(())
}

pub(super) fn check(directory: &Path, definitions: &[&Definition], command: &str) -> Result<(), DocsError> {
    Ok(compare(directory, definitions, command)??)
}

fn compare(directory: &Path, definitions: &[&Definition], command: &str) -> Result<Result<(), Stale>, DocsError> {
    let mut found = generated(directory)?;
    let mut files = Vec::new();
    for (name, expected) in expected(definitions, command) {
        let reason = match found.remove(&name) {
            Some(text) if text == expected => continue,
            Some(_) => StaleReason::OutOfDate,
            None => StaleReason::Missing,
        };
        files.push(StaleFile { path: directory.join(name), reason });
    }
    let left_over = found.into_iter().filter(|(_, text)| text.starts_with(MARK)).map(|(name, _)| directory.join(name));
    files.extend(left_over.map(|path| StaleFile { path, reason: StaleReason::LeftOver }));
    let stale = Stale { files, command: command.to_owned() };
    Ok(if stale.files.is_empty() { Ok(()) } else { Err(stale) })
}

fn expected(definitions: &[&Definition], command: &str) -> BTreeMap<String, String> {
    let of = |definition: &&Definition| {
        let page = (name(definition), page::render(definition, command));
        [page, (picture(definition), page::picture(definition, command))]
    };
    definitions.iter().flat_map(of).chain([(INDEX.to_owned(), page::index(definitions, command))]).collect()
}

/// The pages and pictures of a directory; none if it is not there.
fn generated(directory: &Path) -> Result<BTreeMap<String, String>, DocsError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed("look into", directory)(error)),
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(failed("look into", directory))?.path();
        let is_ours = path.extension().is_some_and(|extension| extension == "md" || extension == "svg");
        if is_ours && path.is_file() {
            let bytes = fs::read(&path).map_err(failed("read", &path))?;
            found.insert(name_of(&path), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> DocsError + 'a {
    move |reason| DocsError::Failed { action, path: path.to_owned(), reason }
}
