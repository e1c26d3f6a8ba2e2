//! A bus, and its participant, which keeps what it does and what it remembers in one database.

use std::path::Path;

use saga_runtime::participant::Failure;
use saga_runtime::prelude::*;
use saga_runtime::rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

/// What nobody can make or seal.
pub(super) const FLAWED: u64 = 13;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Works)]
pub(super) enum Command {
    #[to(Yard)]
    #[replies(Made)]
    #[refuses(Impossible)]
    Make { what: u64 },
    #[to(Yard)]
    Unmake { what: u64 },
    #[to(Yard)]
    #[replies(Sealed)]
    #[refuses(Impossible)]
    Seal { what: u64 },
    #[to(Yard)]
    Note { text: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Works)]
pub(super) enum Event {
    Made {
        what: u64,
    },
    Sealed,
    #[from(Yard)]
    Call {
        from: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it cannot be made")]
    Impossible,
}

pub(super) struct Works;
impl Bus for Works {
    const NAME: &'static str = "works";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

/// Writes down what it does.
pub(super) struct Yard;

impl TransactionalParticipant for Yard {
    type Command = YardCommand;

    fn handle(
        &self,
        command: YardCommand,
        transaction: &Transaction<'_>,
        cx: &Context<Works>,
    ) -> Result<(), Failure<Refusal>> {
        let event = match &command {
            YardCommand::Make { what: FLAWED } | YardCommand::Seal { what: FLAWED } => {
                return Err(Failure::Refused(Refusal::Impossible));
            }
            YardCommand::Make { what } => Some(Event::Made { what: *what }),
            YardCommand::Seal { .. } => Some(Event::Sealed),
            YardCommand::Unmake { .. } | YardCommand::Note { .. } => None,
        };
        transaction.execute("INSERT INTO done VALUES (?1)", [format!("{command:?}")])?;
        event.into_iter().for_each(|event| cx.emit(event));
        Ok(())
    }
}

fn database(home: &Path) -> Connection {
    let database = Connection::open(home.join("yard.db")).expect("a database");
    database.execute_batch("CREATE TABLE IF NOT EXISTS done (what TEXT NOT NULL)").expect("a table");
    database
}

/// The participant, in one life of its process.
pub(super) fn yard(home: &Path) -> Transactional<Yard> {
    Transactional::new(database(home), Yard).expect("its own database")
}

/// All that was done, sorted.
pub(super) fn done(home: &Path) -> Vec<String> {
    let database = database(home);
    let mut rows = database.prepare("SELECT what FROM done ORDER BY what").expect("its table");
    let rows = rows.query_map([], |row| row.get(0)).expect("its rows");
    rows.map(|row| row.expect("a row")).collect()
}
