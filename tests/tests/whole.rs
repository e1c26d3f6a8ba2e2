//! One binary for all tests of the whole, so that the crate is linked once.

mod cutting;
mod elsewhere;
mod language;
mod ledger;
mod names;
mod pages;
mod programs;
mod rules;
mod simulation;
mod transitions;
mod twin;
mod wire;
