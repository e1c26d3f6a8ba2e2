//! The coordinator with participants in its process: over real logs, through restarts.

mod awaiting;
mod families;
mod lifecycle;
mod outbox;
mod pruning;
mod shop;
mod telling;
mod watching;
