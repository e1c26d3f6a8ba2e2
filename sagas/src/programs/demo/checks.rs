//! What was checked, and whether it held.

use std::fmt::Display;

/// All checks so far, in order.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<Check>);

#[derive(Debug)]
struct Check {
    what: String,
    /// What was found instead.
    failed: Option<String>,
}

impl Checks {
    /// Adds one; what was found is shown if it did not hold.
    pub(super) fn add(&mut self, what: &str, held: bool, found: impl Display) {
        let failed = (!held).then(|| found.to_string());
        self.0.push(Check { what: what.to_owned(), failed });
    }

    pub(super) fn all_held(&self) -> bool {
        self.0.iter().all(|check| check.failed.is_none())
    }

    /// One line each, and a last one that counts.
    pub(super) fn summary(&self) -> String {
        let lines = self.0.iter().map(|check| match &check.failed {
            None => format!("  ✓ {}\n", check.what),
            Some(found) => format!("  ✗ {}; found: {found}\n", check.what),
        });
        let held = self.0.iter().filter(|check| check.failed.is_none()).count();
        format!("{}{held} of {} checks held", lines.collect::<String>(), self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_did_not_hold_is_seen() {
        let mut checks = Checks::default();
        checks.add("the sky is blue", true, "");
        assert!(checks.all_held());
        checks.add("the sky is green", false, "blue");
        assert!(!checks.all_held());
        let summary = "  ✓ the sky is blue\n  ✗ the sky is green; found: blue\n1 of 2 checks held";
        assert_eq!(checks.summary(), summary);
    }
}
