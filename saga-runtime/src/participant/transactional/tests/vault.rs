//! A participant that writes down every effect, with the key of the command that had it, and does what it is asked to.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use crate::message::Mode;
use crate::participant::{Context, Failure, Reporter, Transactional, TransactionalParticipant};
use crate::prelude::Bus;
use crate::rusqlite::{Connection, Transaction, ffi};

#[derive(Debug, PartialEq)]
pub(super) struct Vault;

impl Bus for Vault {
    const NAME: &'static str = "vault";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

/// `what` stands beside the effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, crate::Command)]
#[bus(Vault)]
pub(super) enum Command {
    /// Writes it down.
    #[to(Keeper)]
    #[replies(Kept)]
    Keep { what: String },
    /// Writes it down, and refuses the first attempt, unless it undoes.
    #[to(Keeper)]
    #[replies(Kept)]
    #[refuses(Full)]
    KeepLater { what: String },
    /// Writes it down, emits, and leaves the answer to the test.
    #[to(Keeper)]
    #[replies(Kept)]
    Defer { what: String },
    /// Writes it down, and then does what it may not.
    #[to(Keeper)]
    #[replies(Kept)]
    Spoil { what: String, how: How },
    /// Refuses every third one.
    #[to(Keeper)]
    #[refuses(Full)]
    Check { number: u64 },
    /// Counts what is written down, and writes something down that must not stay.
    #[to(Keeper)]
    #[replies(Counted)]
    #[query]
    Count,
}

/// How a handler goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum How {
    Panic,
    NoReply,
    BadStatement,
    Commit,
    TouchTheInbox,
    RollBackAll,
    DropReporter,
    FullForAWhile,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, crate::Event)]
#[bus(Vault)]
pub(super) enum Event {
    Kept {
        count: u32,
    },
    Counted {
        count: u32,
    },
    #[from(Keeper)]
    Opened,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is full")]
    Full,
}

/// The participant.
pub(super) struct Keeper {
    /// What is left for later; and whether it is for the second time.
    deferred: UnboundedSender<(Reporter<Vault>, bool)>,
    /// What was committed, as it is told once it is.
    committed: Option<Sender<String>>,
    /// How often its disk was full.
    full: AtomicU32,
}

impl Keeper {
    /// One at work in this file.
    pub(super) fn open(path: &Path, deferred: UnboundedSender<(Reporter<Vault>, bool)>) -> Transactional<Self> {
        Self::take_over(connection(path), deferred)
    }

    pub(super) fn take_over(
        connection: Connection,
        deferred: UnboundedSender<(Reporter<Vault>, bool)>,
    ) -> Transactional<Self> {
        Transactional::new(connection, Self::new(deferred)).expect("its own database")
    }

    pub(super) fn new(deferred: UnboundedSender<(Reporter<Vault>, bool)>) -> Self {
        Self { deferred, committed: None, full: AtomicU32::new(0) }
    }

    /// One that tells what was committed.
    pub(super) fn telling(self, committed: Sender<String>) -> Self {
        Self { committed: Some(committed), ..self }
    }

    fn tell(&self, what: &str, cx: &Context<Vault>) {
        let Some(committed) = self.committed.clone() else { return };
        let what = what.to_owned();
        cx.when_committed(move || {
            // The test may look at nothing more.
            let _ = committed.send(what);
        });
    }

    /// Its disk is full three times, and then there is room.
    fn make_room(&self) -> rusqlite::Result<()> {
        if self.full.fetch_add(1, Ordering::Relaxed) < 3 {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None));
        }
        Ok(())
    }

    fn defer(&self, cx: &Context<Vault>, again: bool) {
        let (deferred, reporter) = (self.deferred.clone(), cx.reporter());
        cx.when_committed(move || deferred.send((reporter, again)).expect("the test takes reporters"));
    }
}

/// The keeper's own tables.
pub(super) fn connection(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    let table = "CREATE TABLE IF NOT EXISTS effect (key TEXT NOT NULL, what TEXT NOT NULL, mode TEXT NOT NULL)";
    connection.execute_batch(table).expect("a table");
    connection
}

/// All effects: key, what, mode.
pub(super) fn effects(path: &Path) -> Vec<[String; 3]> {
    let connection = Connection::open(path).expect("a database");
    let mut statement = connection.prepare("SELECT key, what, mode FROM effect ORDER BY rowid").expect("its table");
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

fn write(what: &str, transaction: &Transaction<'_>, cx: &Context<Vault>) -> Result<Event, Failure<Refusal>> {
    transaction.prepare_cached("INSERT INTO effect VALUES (?1, ?2, ?3)")?.execute([
        &cx.key().to_string(),
        what,
        cx.mode().as_str(),
    ])?;
    Ok(Event::Kept { count: count(transaction)? })
}

fn count(transaction: &Transaction<'_>) -> rusqlite::Result<u32> {
    transaction.query_row("SELECT count(*) FROM effect", [], |row| row.get(0))
}

impl TransactionalParticipant for Keeper {
    type Command = KeeperCommand;

    fn handle(
        &self,
        command: KeeperCommand,
        transaction: &Transaction<'_>,
        cx: &Context<Vault>,
    ) -> Result<(), Failure<Refusal>> {
        if let KeeperCommand::Keep { what } | KeeperCommand::KeepLater { what } | KeeperCommand::Spoil { what, .. } =
            &command
        {
            self.tell(what, cx);
        }
        match command {
            KeeperCommand::Keep { what } => cx.emit(write(&what, transaction, cx)?),
            KeeperCommand::KeepLater { what } => {
                let kept = write(&what, transaction, cx)?;
                if cx.attempt() == 1 && cx.mode() == Mode::Forward {
                    return Err(Failure::Refused(Refusal::Full));
                }
                cx.emit(kept);
            }
            KeeperCommand::Defer { what } => {
                cx.emit(write(&what, transaction, cx)?);
                self.defer(cx, false);
            }
            KeeperCommand::Spoil { what, how } => {
                let kept = write(&what, transaction, cx)?;
                if how == How::FullForAWhile {
                    self.make_room()?;
                }
                spoil(how, transaction, cx)?;
                if how != How::NoReply {
                    cx.emit(kept);
                }
            }
            KeeperCommand::Check { number } if number.is_multiple_of(3) => return Err(Failure::Refused(Refusal::Full)),
            KeeperCommand::Check { .. } => {}
            KeeperCommand::Count => {
                cx.emit(Event::Counted { count: count(transaction)? });
                write("counted", transaction, cx)?;
            }
        }
        Ok(())
    }

    fn resume(&self, command: KeeperCommand, _: &Transaction<'_>, cx: &Context<Vault>) -> Result<(), Failure<Refusal>> {
        match command {
            KeeperCommand::Defer { what } if what == "not resumed" => return Err(Failure::NotResumed),
            _ => self.defer(cx, true),
        }
        Ok(())
    }
}

fn spoil(how: How, transaction: &Transaction<'_>, cx: &Context<Vault>) -> Result<(), Failure<Refusal>> {
    match how {
        How::Panic => panic!("no vault {}", cx.saga()),
        How::NoReply | How::FullForAWhile => {}
        How::BadStatement => transaction.execute_batch("INSERT INTO nowhere VALUES (1)")?,
        How::Commit => transaction.execute_batch("COMMIT")?,
        How::TouchTheInbox => transaction.execute_batch("DELETE FROM saga_inbox_exchange")?,
        // SQLite undoes the whole transaction; what it says is passed over.
        How::RollBackAll => {
            let unique = "CREATE TEMP TABLE once (one UNIQUE); INSERT INTO once VALUES (1)";
            transaction.execute_batch(unique)?;
            let _ = transaction.execute_batch("INSERT OR ROLLBACK INTO once VALUES (1)");
        }
        How::DropReporter => drop(cx.reporter()),
    }
    Ok(())
}
