//! What sagas mean: one file for each topic of the language's description, a test for each sentence of it.
//!
//! Nearly all run on [`twin::Twin`], so that each of their scripts is also a script of restarts.

mod answering;
mod breaking;
mod bus;
mod cancelling;
mod catalogue;
mod compensating;
mod compensating_blocks;
mod concurrency;
mod conditional;
mod deadlines;
mod disconnecting;
mod ephemeral;
mod examples;
mod exploring;
mod exploring_clauses;
mod finally;
mod items;
mod late;
mod many;
mod operating;
mod parallel;
mod participating;
mod pivot;
mod punctuation;
mod queueing;
mod redacting;
mod requiring;
mod resolving;
mod retrying;
mod settling;
mod stage;
mod starting;
mod telling;
mod testing;
mod tour;
mod twin;
mod versions;
