//! The wire between processes: whoever speaks it is held to the same promises, and whoever does not is sent away.
//!
//! Real coordinators, real sockets.

mod bookkeeper;
mod conformance;
mod crowd;
pub(crate) mod guest;
mod hostile;
mod stalled;
mod withdrawing;
mod worker;
pub(crate) mod yard;
