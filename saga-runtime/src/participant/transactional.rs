//! A participant whose effects are rows of a SQLite database: effect, memory and events commit in one transaction, so that
//! each effect is taken exactly once, whatever is killed when.
//!
//! | module | what it is for |
//! |---|---|
//! | `database` | the inbox's tables in the participant's database: whose it is, and one transaction of it |
//! | `rows` | what is remembered, to and from rows |
//! | `batch` | one commit: handlers, each within a savepoint, and what is remembered of them |
//! | `driver` | between line, inbox and database |
//! | `error` | why a database cannot hold an inbox |
//!
//! It knows no saga, and of the database only its own tables.

mod batch;
mod database;
mod driver;
mod error;
mod rows;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use self::database::Database;
use self::driver::TransactionalDriver;
pub use self::error::DatabaseError;
use self::rows::Recalled;
use super::serving::Serves;
use super::{Context, ParticipantOptions};
use crate::message::{EventOf, Memory, ParticipantCommand, RefusalOf};

type BusOf<P> = <<P as TransactionalParticipant>::Command as ParticipantCommand>::Bus;

/// Executes the commands that sagas send to it, in transactions of its own database.
///
/// What a handler writes through the transaction commits together with the memory of it and its events. A crash leaves
/// both or neither; a command that comes again is answered from memory. What the handler does elsewhere (files,
/// processes, the network) is not covered: let it defer its answer, and do that where it can be repeated, [once the
/// transaction is committed](Context::when_committed).
///
/// Several commands share one commit, each with a savepoint of its own: one that is refused, panics or breaks its
/// contract is undone, and its neighbours are not. So a handler should be short, for the others wait for it: what takes
/// time is begun by it, and answered through [`Context::reporter`].
///
/// ```
/// use saga_runtime::participant::Failure;
/// use saga_runtime::prelude::*;
/// use saga_runtime::rusqlite::{Connection, Transaction};
/// # use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
/// #[bus(Bank)]
/// pub enum Command {
///     #[to(Teller)] #[replies(Paid)] #[refuses(Poor)]
///     Pay { amount: i64 },
/// }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
/// #[bus(Bank)]
/// pub enum Event {
///     Paid { left: i64 },
/// }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
/// pub enum Refusal {
///     #[error("there is not enough")] Poor,
/// }
///
/// pub struct Bank;
/// impl Bus for Bank {
///     const NAME: &'static str = "bank";
///     type Command = Command;
///     type Event = Event;
///     type Refusal = Refusal;
/// }
///
/// struct Teller;
///
/// impl TransactionalParticipant for Teller {
///     type Command = TellerCommand;
///
///     fn handle(
///         &self,
///         command: TellerCommand,
///         transaction: &Transaction<'_>,
///         cx: &Context<Bank>,
///     ) -> Result<(), Failure<Refusal>> {
///         let TellerCommand::Pay { amount } = command;
///         let left: i64 = transaction.query_row(
///             "UPDATE account SET money = money - ?1 RETURNING money",
///             [amount],
///             |row| row.get(0),
///         )?;
///         if left < 0 && cx.mode() != Mode::Compensation {
///             return Err(Failure::Refused(Refusal::Poor)); // and the update is undone
///         }
///         cx.emit(Event::Paid { left });
///         Ok(())
///     }
/// }
///
/// saga! {
///     saga Spend(amount: i64) -> i64 on Bank {
///         concurrency allow;
///         deadline 10s;
///         step pay -> i64 {
///             send Pay { amount };
///             await Paid { left } => left;
///             compensate Pay { amount: -amount };
///         }
///         return pay;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("bank.db");
/// let database = Connection::open(path)?;
/// database.execute_batch("CREATE TABLE IF NOT EXISTS account (money INTEGER NOT NULL)")?;
/// # database.execute("INSERT INTO account VALUES (10)", [])?;
/// let coordinator = Coordinator::<Bank>::builder()
///     .saga::<Spend>()
///     .log(MemoryLog::new())
///     .participant(Transactional::new(database, Teller)?)
///     .start()
///     .await?;
/// let spent = coordinator.start(Spend { amount: 7 }).await?;
/// assert_eq!(spent.outcome().await, Outcome::Completed(3));
/// let spent = coordinator.start(Spend { amount: 7 }).await?;
/// let Outcome::Compensated(cause) = spent.outcome().await else { panic!("there were only 3") };
/// assert_eq!(cause.refusal(), Some(Refusal::Poor));
/// # Ok(())
/// # }
/// ```
///
/// In a process of its own: `ParticipantClient::connect(endpoint, Transactional::new(database, Teller)?)`.
pub trait TransactionalParticipant: Send + Sync + 'static {
    /// What it can be asked: the enum that `#[derive(Command)]` generates for it.
    type Command: ParticipantCommand;

    /// Executes one command. It runs for one command at a time, for one saga's in the order of their arrival; again for a
    /// further attempt of a command that it refused or broke off, and again when its transaction could not be committed.
    ///
    /// It may neither end the transaction nor touch the tables `saga_inbox_…`: SQLite refuses that. What a query writes
    /// is undone.
    ///
    /// When it defers its answer, what it has written and emitted until then commits when it returns, and stays, also if
    /// its reporter refuses later.
    ///
    /// # Errors
    /// A refusal says that nothing was done: what was written is undone, and the events are discarded. An error of the
    /// database undoes it too: then it is tried again if the machine is to blame (locked, full, read-only), and the
    /// contract is broken if the statement is.
    fn handle(
        &self,
        command: Self::Command,
        transaction: &Transaction<'_>,
        cx: &Context<BusOf<Self>>,
    ) -> Result<(), Failure<RefusalOf<BusOf<Self>>>>;

    /// Goes on with a command whose handler, in an earlier life of this process, had left the answer for later, and which
    /// has no answer yet. What the handler had written is in the database, and what it had emitted by its return is
    /// emitted. Most take [`Context::reporter`] again.
    ///
    /// It runs before anything else does in this life, and again in the next one, until there is an answer.
    ///
    /// # Errors
    /// As [`TransactionalParticipant::handle`]; only what was written here is undone. Without this function the command
    /// has broken off.
    fn resume(
        &self,
        command: Self::Command,
        transaction: &Transaction<'_>,
        cx: &Context<BusOf<Self>>,
    ) -> Result<(), Failure<RefusalOf<BusOf<Self>>>> {
        let _ = (command, transaction, cx);
        Err(Failure::NotResumed)
    }
}

/// Why a handler did not do what it was asked. What it wrote is undone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure<R> {
    /// It says no.
    #[error("refused")]
    Refused(R),
    /// The database says no.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// It does not go on with what an earlier life left for later.
    #[error("left for later by a process that is gone")]
    NotResumed,
}

/// A [`TransactionalParticipant`] with its database: what a coordinator or a
/// [`ParticipantClient`](super::ParticipantClient) serves.
pub struct Transactional<P: TransactionalParticipant> {
    participant: P,
    database: Database,
    recalled: Recalled<EventOf<BusOf<P>>>,
}

impl<P: TransactionalParticipant> Transactional<P> {
    /// Takes over the participant's own database, whose tables are its own business; the inbox makes its own,
    /// `saga_inbox_…`, when they are missing. Another process that serves this participant is fenced: it commits nothing
    /// any more.
    ///
    /// The connection becomes one with a WAL and `synchronous = FULL`; its authorizer and its time to wait for locks are
    /// replaced. Other connections may write to the database too, in short transactions.
    ///
    /// # Errors
    /// If the database cannot hold the inbox of this participant: it is in memory, no database, a saga log, another
    /// participant's, of a newer schema, damaged, locked, full or read-only. It is not changed then.
    pub fn new(database: Connection, participant: P) -> Result<Self, DatabaseError> {
        let (database, recalled) = Database::open::<BusOf<P>>(database, P::Command::PARTICIPANT)?;
        Ok(Self { participant, database, recalled })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.database.path()
    }
}

impl<P: TransactionalParticipant> Serves for Transactional<P> {
    type Command = P::Command;
    const MEMORY: Memory = Memory::Transactional;
    type Driver = TransactionalDriver<P>;

    fn driver(self, options: ParticipantOptions) -> TransactionalDriver<P> {
        TransactionalDriver::new(Arc::new(self.participant), self.database, self.recalled, options)
    }
}

impl<P: TransactionalParticipant> fmt::Debug for Transactional<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let participant = P::Command::PARTICIPANT;
        f.debug_struct("Transactional").field("participant", &participant).field("database", &self.path()).finish()
    }
}
