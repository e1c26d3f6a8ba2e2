//! The `worker` of the bus [`Conformance`] as one whose work and memory commit together: it counts in its database.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use saga_runtime::participant::Failure;
use saga_runtime::pipe::conformance::{Conformance, Event, Refusal, WorkerCommand};
use saga_runtime::prelude::{Context, Reporter, Transactional, TransactionalParticipant};
use saga_runtime::rusqlite::{Connection, Result, Transaction};
use tokio::sync::mpsc::UnboundedSender;

pub(super) struct Bookkeeper {
    deferred: Mutex<Vec<(String, Reporter<Conformance>)>>,
    /// To be published.
    announced: UnboundedSender<Event>,
}

impl Bookkeeper {
    /// One that goes on with this database.
    pub(super) fn open(path: &Path, announced: UnboundedSender<Event>) -> Transactional<Self> {
        let database = Connection::open(path).expect("a database");
        database.execute_batch("CREATE TABLE IF NOT EXISTS work (label TEXT NOT NULL)").expect("a table");
        Transactional::new(database, Self { deferred: Mutex::default(), announced }).expect("its own database")
    }

    fn defer(&self, label: String, reporter: Reporter<Conformance>) {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner).push((label, reporter));
    }

    fn release(&self, label: &str) {
        let mut deferred = self.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, reporter) in deferred.extract_if(.., |(other, _)| other == label) {
            reporter.handled();
        }
    }
}

fn work(label: String, transaction: &Transaction<'_>) -> Result<Event> {
    transaction.execute("INSERT INTO work VALUES (?1)", [&label])?;
    Ok(Event::Done { label, runs: runs(transaction)? })
}

fn runs(transaction: &Transaction<'_>) -> Result<u64> {
    transaction.query_row("SELECT count(*) FROM work", [], |row| row.get::<_, u32>(0)).map(u64::from)
}

impl TransactionalParticipant for Bookkeeper {
    type Command = WorkerCommand;

    fn handle(
        &self,
        command: WorkerCommand,
        transaction: &Transaction<'_>,
        cx: &Context<Conformance>,
    ) -> std::result::Result<(), Failure<Refusal>> {
        match command {
            WorkerCommand::Work { label } => cx.emit(work(label, transaction)?),
            WorkerCommand::WorkSlowly { label, milliseconds } => {
                let done = work(label, transaction)?;
                thread::sleep(Duration::from_millis(milliseconds));
                cx.emit(done);
            }
            WorkerCommand::WorkLater { label } => {
                // Written first, so that it shows when it is not undone.
                let done = work(label, transaction)?;
                if cx.attempt() == 1 {
                    return Err(Failure::Refused(Refusal::NotYet));
                }
                cx.emit(done);
            }
            WorkerCommand::Defer { label } => {
                cx.emit(work(label.clone(), transaction)?);
                self.defer(label, cx.reporter());
            }
            WorkerCommand::Release { label } => {
                cx.emit(work(label.clone(), transaction)?);
                self.release(&label);
            }
            WorkerCommand::Recite { label } => {
                cx.emit(Event::Announced { label: label.clone() });
                cx.emit(work(label, transaction)?);
            }
            WorkerCommand::Announce { label } => {
                // Nobody publishes any more when the client is gone.
                let _ = self.announced.send(Event::Announced { label: label.clone() });
                cx.emit(work(label, transaction)?);
            }
            // Without the reply that it declares.
            WorkerCommand::Break { label } => drop(work(label, transaction)?),
            WorkerCommand::Look { label } => cx.emit(Event::Seen { label, runs: runs(transaction)? }),
        }
        Ok(())
    }

    fn resume(
        &self,
        command: WorkerCommand,
        _: &Transaction<'_>,
        cx: &Context<Conformance>,
    ) -> std::result::Result<(), Failure<Refusal>> {
        match command {
            WorkerCommand::Defer { label } => self.defer(label, cx.reporter()),
            other => panic!("{other:?} is not left for later"),
        }
        Ok(())
    }
}
