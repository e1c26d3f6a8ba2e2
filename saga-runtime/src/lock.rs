//! The lock file of a catalogue: checked in, so that a change that would strand sagas in flight fails a test first.
//!
//! It keeps the fingerprint of each definition, and states that its sagas were in. A definition that changes under its
//! version, or a state that no longer loads, is told with what to do; `SAGA_RENEW=1` writes the file anew.
//!
//! ```no_run
//! # use saga_runtime::prelude::*;
//! # use saga_runtime::lock::{self, Locked};
//! # fn test<Trip: Saga + Clone>(trip: Trip) {
//! let begun = trip.begin();
//! lock::check("sagas.lock.json", &[Locked::new::<Trip>([begun])]).unwrap_or_else(|stale| panic!("{stale}"));
//! # }
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::codec;
use crate::definition::Definition;
use crate::saga::Saga;
use crate::test::explore::Explored;

/// The variable of the environment with which the file is written anew.
const RENEW: &str = "SAGA_RENEW";

/// One saga of a catalogue, and states that it can be in.
#[derive(Debug, Clone)]
pub struct Locked {
    definition: &'static Definition,
    samples: Result<Vec<String>, String>,
    loads: fn(&str) -> Result<(), String>,
}

impl Locked {
    /// The saga `S`, with states to be kept as samples: the more of its places they show, the more is checked. Without
    /// any it can still be compared with what was [locked](findings).
    pub fn new<S: Saga>(states: impl IntoIterator<Item = S::State>) -> Self {
        let samples = states.into_iter().map(|state| codec::encode(&state).map_err(|error| error.to_string()));
        Self::of::<S>(samples.collect())
    }

    /// The saga `S`, with two states from each of the places at which it was when it was explored: the shortest, and the
    /// longest.
    pub fn explored<S: Saga>(explored: &Explored) -> Self {
        let ends = explored.samples().values().map(|place| {
            let states = place.iter().map(|saved| state_in(saved)).collect::<Result<Vec<_>, _>>()?;
            let by_length = |state: &&String| (state.len(), (*state).clone());
            let (shortest, longest) = (states.iter().min_by_key(by_length), states.iter().max_by_key(by_length));
            Ok(shortest.into_iter().chain(longest).cloned().collect::<Vec<_>>())
        });
        Self::of::<S>(ends.collect::<Result<Vec<_>, _>>().map(|ends| ends.concat()))
    }

    fn of<S: Saga>(samples: Result<Vec<String>, String>) -> Self {
        let samples = samples.map(|mut samples| {
            samples.sort_unstable();
            samples.dedup();
            samples
        });
        let loads = |text: &str| codec::decode::<S::State>(text).map(drop).map_err(|error| error.to_string());
        Self { definition: S::DEFINITION, samples, loads }
    }

    fn title(&self) -> String {
        format!("{} version {}", self.definition.name, self.definition.version)
    }

    fn entry(&self) -> Result<Entry, LockError> {
        let samples = self.samples.clone().map_err(|reason| LockError::Sample { saga: self.title(), reason })?;
        Ok(Entry { fingerprint: self.definition.fingerprint(), samples })
    }

    /// What is wrong with it, compared with what was locked.
    fn differs(&self, locked: &Entry) -> Option<String> {
        let (title, ours) = (self.title(), self.definition.fingerprint());
        if ours != locked.fingerprint {
            return Some(format!(
                "{title} has changed: its fingerprint is {ours} and was {}. Give it another `#[version]` and keep the \
                 former beside it (or `.migrate` from it); if no saga of it can be in flight, renew",
                locked.fingerprint
            ));
        }
        let broken = locked.samples.iter().find_map(|sample| (self.loads)(sample).err())?;
        Some(format!(
            "{title} has a state that no longer loads ({}): a type in it has changed. Let the type read what it wrote, or \
             give the saga another `#[version]`; if no saga of it can be in flight, renew",
            self.definition.shown_error(broken)
        ))
    }
}

/// The state in what the log would hold of a saga, without what the runtime keeps beside it: that has times in it.
fn state_in(saved: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Saved<'a> {
        #[serde(borrow)]
        state: &'a RawValue,
    }
    serde_json::from_str::<Saved<'_>>(saved)
        .map(|saved| saved.state.get().to_owned())
        .map_err(|error| error.to_string())
}

/// What is kept of one saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    fingerprint: String,
    /// States, each as the log would keep it.
    samples: Vec<String>,
}

/// Why a catalogue is not as it was locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Something has changed.
    #[error("{}: {}; {RENEW}=1 renews the file", path.display(), findings.join("; "))]
    Stale {
        /// The file.
        path: PathBuf,
        /// What, and what to do.
        findings: Vec<String>,
    },
    /// The file cannot be read or written.
    #[error("{}: {error}; {RENEW}=1 writes it anew", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A sample cannot be written as JSON.
    #[error("a sample of {saga} cannot be written: {reason}")]
    Sample {
        /// The saga.
        saga: String,
        /// Why.
        reason: String,
    },
}

/// Compares a catalogue with its lock file; with `SAGA_RENEW` in the environment, writes that instead.
///
/// # Errors
/// [`LockError::Stale`] tells all that has changed, each with what to do.
pub fn check(path: impl AsRef<Path>, sagas: &[Locked]) -> Result<(), LockError> {
    let path = path.as_ref();
    if std::env::var_os(RENEW).is_some() { renew(path, sagas) } else { compare(path, sagas) }
}

fn renew(path: &Path, sagas: &[Locked]) -> Result<(), LockError> {
    let entries = sagas.iter().map(|saga| Ok((saga.title(), saga.entry()?)));
    let entries = entries.collect::<Result<BTreeMap<_, _>, LockError>>()?;
    let text = serde_json::to_string_pretty(&entries).map_err(std::io::Error::from);
    let written = text.and_then(|text| std::fs::write(path, text + "\n"));
    written.map_err(|error| LockError::File { path: path.to_owned(), error })
}

fn compare(path: &Path, sagas: &[Locked]) -> Result<(), LockError> {
    let text = std::fs::read_to_string(path);
    let found = text.and_then(|text| findings(&text, sagas).map_err(Into::into));
    let findings = found.map_err(|error| LockError::File { path: path.to_owned(), error })?;
    if findings.is_empty() { Ok(()) } else { Err(LockError::Stale { path: path.to_owned(), findings }) }
}

/// All in which a catalogue differs from what is in its lock file, each with what to do. It needs no file, so that a
/// program can carry its own: see [`Cli::lock`](crate::cli::Cli::lock).
///
/// # Errors
/// If this is not the text of a lock file.
pub fn findings(text: &str, sagas: &[Locked]) -> Result<Vec<String>, serde_json::Error> {
    let mut locked: BTreeMap<String, Entry> = serde_json::from_str(text)?;
    let mut findings = Vec::new();
    for saga in sagas {
        let title = saga.title();
        match locked.remove(&title) {
            Some(entry) => findings.extend(saga.differs(&entry)),
            None => findings.push(format!("{title} is new: renew")),
        }
    }
    let gone = locked.into_keys().map(|title| {
        format!("{title} is gone: keep it until none of it can be in flight (or `.migrate` from it); then renew")
    });
    findings.extend(gone);
    Ok(findings)
}

#[cfg(test)]
mod tests;
