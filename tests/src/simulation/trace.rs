//! What happened in one run, step by step: kept when a run is replayed, and not otherwise.

use std::fmt;

/// The steps of a run, in order.
#[derive(Debug, Default)]
pub(super) struct Trace {
    kept: Option<Vec<String>>,
}

impl Trace {
    pub(super) fn new(keep: bool) -> Self {
        Self { kept: keep.then(Vec::new) }
    }

    /// A step, described only if it is kept.
    pub(super) fn note(&mut self, micros: u64, describe: impl FnOnce() -> String) {
        if let Some(kept) = &mut self.kept {
            kept.push(format!("{:>12.6}  {}", micros as f64 / 1e6, describe()));
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kept.iter().flatten().try_for_each(|step| writeln!(f, "{step}"))
    }
}
