//! The desk: the register of loans, and the shelf at the door.

use std::error::Error;
use std::path::Path;

use saga_runtime::participant::Failure;
use saga_runtime::prelude::*;
use saga_runtime::rusqlite::{Connection, OptionalExtension, Transaction};

use crate::bus::{DeskCommand, Event, Library, Refusal};

/// Keeps the register and fills the shelf.
pub struct Desk;

impl TransactionalParticipant for Desk {
    type Command = DeskCommand;

    fn handle(
        &self,
        command: DeskCommand,
        register: &Transaction<'_>,
        cx: &Context<Library>,
    ) -> Result<(), Failure<Refusal>> {
        match command {
            DeskCommand::Register { member, title } => {
                let write = "INSERT INTO loan (member, title) VALUES (?1, ?2) RETURNING id";
                cx.emit(Event::Registered { loan: register.query_row(write, [member, title], |row| row.get(0))? });
            }
            DeskCommand::Strike { loan } => {
                register.execute("DELETE FROM loan WHERE id = ?1", [loan])?;
            }
            DeskCommand::PutOut { loan, copy } => {
                let put = "UPDATE shelf SET loan = ?1, copy = ?2 WHERE place =
                    (SELECT min(place) FROM shelf WHERE loan IS NULL) RETURNING place";
                let place = register.query_row(put, [loan, copy], |row| row.get(0)).optional()?;
                cx.emit(Event::OnShelf { place: place.ok_or(Failure::Refused(Refusal::ShelfFull))? });
            }
        }
        Ok(())
    }
}

/// The desk with the register in this file; an empty one, and three places on the shelf, if there is no such file yet.
pub fn open(register: &Path) -> Result<Transactional<Desk>, Box<dyn Error>> {
    let register = Connection::open(register)?;
    register.execute_batch(
        "CREATE TABLE IF NOT EXISTS loan (id INTEGER PRIMARY KEY AUTOINCREMENT, member TEXT NOT NULL, title TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS shelf (place INTEGER PRIMARY KEY, loan INTEGER, copy INTEGER);
         INSERT OR IGNORE INTO shelf (place) VALUES (1), (2), (3);",
    )?;
    Ok(Transactional::new(register, Desk)?)
}
