//! Sagas that others have told, written in this language: one file for each, with what it is for, its bus, the saga and
//! its tests; so that a reader needs no other file, however long it gets.
//!
//! All of them run on [`play::Play`], so that each script is also a script of restarts. None looks past the language's
//! description: a saga here is what an author elsewhere would write.

mod order;
mod play;
mod restaurant;
mod ship_order;
mod transfer;
mod trip;
