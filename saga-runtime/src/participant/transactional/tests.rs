//! Participants that remember: by script at the end of a line, and as processes that are killed.

mod killing;
mod opening;
mod remembering;
mod vault;
