//! The wire between processes: whoever speaks it is held to the same promises, and whoever does not is sent away.

mod conformance;
mod worker;
