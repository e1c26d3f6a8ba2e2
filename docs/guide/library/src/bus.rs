//! What is said in the library, to whom, and what is answered.

// ANCHOR: commands
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// What a saga can ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Library)]
pub enum Command {
    /// Write a loan into the register.
    #[to(Desk)]
    #[replies(Registered)]
    Register { member: String, title: String },
    /// Strike it out again.
    #[to(Desk)]
    Strike { loan: i64 },
    /// Put a copy on the shelf at the door, where its member finds it.
    #[to(Desk)]
    #[replies(OnShelf)]
    #[refuses(ShelfFull)]
    PutOut { loan: i64, copy: i64 },
    /// Fetch a copy from the stacks.
    #[to(Stacks)]
    #[replies(Fetched)]
    #[refuses(NoCopy)]
    Fetch { title: String },
    /// Carry it back.
    #[to(Stacks)]
    CarryBack { copy: i64 },
}
// ANCHOR_END: commands

// ANCHOR: events
/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Library)]
pub enum Event {
    /// The loan has this number.
    Registered { loan: i64 },
    /// It stands at this place.
    OnShelf { place: i64 },
    /// It is this copy.
    Fetched { copy: i64 },
}

/// Why somebody says no.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Nothing of that title is in.
    #[error("no copy of it is in")]
    NoCopy,
    /// Every place is taken.
    #[error("the shelf at the door is full")]
    ShelfFull,
}
// ANCHOR_END: events

// ANCHOR: bus
/// The bus of the library.
pub struct Library;

impl Bus for Library {
    const NAME: &'static str = "library";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}
// ANCHOR_END: bus
