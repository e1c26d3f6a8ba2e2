//! Both ends of the pipe against each other, and each against a stranger.
//!
//! Over Unix domain sockets where sockets matter; over buffers in memory, in virtual time, where time does.

mod bus;
mod documentation;
mod ends;
mod hostile;
mod interruptions;
mod memory;
mod order;
mod sessions;
mod subscribers;
mod time;
mod withdrawing;
