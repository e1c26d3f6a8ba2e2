//! The srv: the participant that owns workspaces, their tabs, the blocks in those, and a terminal session for each block.
//!
//! # Layout
//!
//! | module | what it is for |
//! |---|---|
//! | [`layout`] | where the blocks of a tab are; pure |
//! | [`model`] | what there is; pure |
//! | [`reducer`] | what a command changes, and when it is refused; pure |
//! | [`store`] | what there is, as rows of a database |
//! | [`sessions`] | the terminal of each block, watched over |
//! | [`state`] | what there is to see of a srv |
//! | [`control`] | what a user does with workspaces, from another process |
//!
//! Workspaces live in the srv's database, and survive it. Sessions live and die with its process; the next one starts
//! a fresh shell wherever one is wanted. It knows no sagas.

pub mod control;
pub mod layout;
pub mod model;
pub mod reducer;
pub mod sessions;
pub mod state;
pub mod store;

mod participant;

pub use participant::{Order, Srv};
