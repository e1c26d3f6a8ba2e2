//! The table that is printed, row by row as it is measured.

use super::measure::calibrate;

/// What a ratio must reach.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Shown for what stands beside it.
    None,
}

/// The table, while it is printed.
pub(crate) struct Table {
    began: std::time::Instant,
    calibrated: f64,
}

impl Table {
    pub(crate) fn begin() -> Self {
        let calibrated = calibrate();
        println!("calibrator: {calibrated:.2} ns (a hand-written enum's transition)\n");
        println!("| | here | beside it | ratio | target | |");
        println!("|---|---|---|---|---|---|");
        Self { began: std::time::Instant::now(), calibrated }
    }

    /// One row. `ratio` is what the target is about, whatever it is the ratio of.
    pub(crate) fn row(&mut self, what: &str, here: &str, beside: &str, ratio: f64, target: Target) {
        let (wanted, verdict) = match target {
            Target::AtLeast(bound) => (format!("≥ {bound}"), verdict(ratio >= bound)),
            Target::AtMost(bound) => (format!("≤ {bound}"), verdict(ratio <= bound)),
            Target::None => (String::new(), ""),
        };
        let digits = if ratio < 0.1 { 3 } else { 2 };
        println!("| {what} | {here} | {beside} | {ratio:.digits$} | {wanted} | {verdict} |");
    }

    pub(crate) fn end(self) {
        let after = calibrate();
        println!("\ncalibrator: {:.2} ns before, {after:.2} ns after; {:.0?}", self.calibrated, self.began.elapsed());
    }
}

fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "**missed**" }
}

/// `12.3 k/s`.
pub(crate) fn per_second(rate: f64) -> String {
    if rate >= 10_000.0 { format!("{:.1} k/s", rate / 1000.0) } else { format!("{rate:.0}/s") }
}

/// `123 ns`.
pub(crate) fn nanos(nanos: f64) -> String {
    if nanos >= 10_000.0 { format!("{:.1} µs", nanos / 1000.0) } else { format!("{nanos:.0} ns") }
}
