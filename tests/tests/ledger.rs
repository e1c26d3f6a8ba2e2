//! The ledger: forty-four things that went wrong in real saga code. For each a test named after it reproduces the situation,
//! and shows what happens here instead.
//!
//! What went wrong stands in `ledger.txt`; the table of both, made of the tests, in `docs/ledger.md`.

mod connecting;
mod desk;
mod dying;
mod ending;
mod keeping;
mod mux;
mod page;
mod processes;
mod undoing;
mod waiting;
mod wording;
mod wrong;
