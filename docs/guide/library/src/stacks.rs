//! The stacks: where the copies of all books are.

// ANCHOR: participant
use std::error::Error;
use std::path::Path;

use saga_runtime::participant::Failure;
use saga_runtime::prelude::*;
use saga_runtime::rusqlite::{Connection, OptionalExtension, Transaction};

use crate::bus::{Event, Library, Refusal, StacksCommand};

/// Fetches copies and carries them back.
pub struct Stacks;

impl TransactionalParticipant for Stacks {
    type Command = StacksCommand;

    fn handle(
        &self,
        command: StacksCommand,
        stock: &Transaction<'_>,
        cx: &Context<Library>,
    ) -> Result<(), Failure<Refusal>> {
        match command {
            StacksCommand::Fetch { title } => {
                let take = "UPDATE copy SET is_out = TRUE WHERE id =
                    (SELECT min(id) FROM copy WHERE title = ?1 AND NOT is_out) RETURNING id";
                let copy = stock.query_row(take, [title], |row| row.get(0)).optional()?;
                cx.emit(Event::Fetched { copy: copy.ok_or(Failure::Refused(Refusal::NoCopy))? });
            }
            StacksCommand::CarryBack { copy } => {
                stock.execute("UPDATE copy SET is_out = FALSE WHERE id = ?1", [copy])?;
            }
        }
        Ok(())
    }
}
// ANCHOR_END: participant

// ANCHOR: open
/// The stacks with what this file says is in them; with four copies if there is no such file yet.
pub fn open(stock: &Path) -> Result<Transactional<Stacks>, Box<dyn Error>> {
    let stock = Connection::open(stock)?;
    stock.execute_batch(
        "CREATE TABLE IF NOT EXISTS copy (id INTEGER PRIMARY KEY, title TEXT NOT NULL, is_out BOOLEAN NOT NULL);
         INSERT OR IGNORE INTO copy VALUES (10, 'Dune', FALSE), (20, 'Emma', FALSE), (21, 'Emma', FALSE), (22, 'Emma', FALSE);",
    )?;
    Ok(Transactional::new(stock, Stacks)?)
}
// ANCHOR_END: open
