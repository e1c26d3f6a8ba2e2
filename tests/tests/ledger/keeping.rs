//! What logs and databases kept, lost, overwrote or guarded too late.

use std::collections::BTreeMap;
use std::path::Path;

use saga_runtime::coordinator::StartupError;
use saga_runtime::log::{
    Batch, LogError, LogReader, Pruned, Query, RecordRow, Recovery, SqliteReader, StartedRow, Status,
};
use saga_runtime::message::LogId;
use saga_runtime::participant::Failure;
use saga_runtime::prelude::*;
use saga_runtime::rusqlite::{Connection, Transaction};
use saga_runtime::time::Timestamp;

use super::desk::{Desk, life, soon, why};
use super::mux::{Event, Mux, Refusal, SrvCommand};

saga! {
    saga Open(label: String) on Mux {
        concurrency allow;
        deadline 1m;
        step open {
            send OpenWindow { label };
            await WindowOpened { .. } => ();
            compensate CloseWindow { label };
        }
        step save {
            send SaveLayout { rows: 1 };
            compensate none because "it is the last step";
        }
    }

    /// Nobody misses it after a crash.
    #[ephemeral]
    saga Peek(label: String) on Mux {
        concurrency allow;
        deadline 1m;
        step open {
            send OpenWindow { label };
            await WindowOpened { .. } => ();
            compensate CloseWindow { label };
        }
    }

    /// One after another.
    saga Delete(workspace: u32, tab: u32) on Mux {
        concurrency queue per workspace;
        deadline 1m;
        step delete {
            send DeleteTab { tab };
            compensate none because "what is deleted is gone";
        }
    }

    /// All at once.
    saga Wipe(tab: u32) on Mux {
        concurrency allow;
        deadline 1m;
        step delete {
            send DeleteTab { tab };
            compensate none because "what is deleted is gone";
        }
    }
}

fn open() -> Open {
    Open { label: "w1".to_owned() }
}

fn opened() -> Event {
    Event::WindowOpened { label: "w1".to_owned() }
}

/// A log whose ids cannot be read.
struct Unseeded(MemoryLog);

impl SagaLog for Unseeded {
    fn identity(&self) -> LogId {
        self.0.identity()
    }

    fn recover(&mut self) -> Result<Recovery, LogError> {
        Err(LogError::Damaged { what: "the highest id".to_owned(), reason: "it is no number".to_owned() })
    }

    fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        self.0.append(batch)
    }

    fn prune(&mut self, sagas: &[SagaId]) -> Result<Pruned, LogError> {
        self.0.prune(sagas)
    }

    fn reader(&self) -> Result<Box<dyn LogReader>, LogError> {
        self.0.reader()
    }
}

/// Ids go on where they were, also when all sagas have ended; the log takes no start for an id that it has had, and
/// keeps what stands there; when the next id cannot be read, no coordinator starts.
///
/// By: run
#[test]
fn ledger_18_ids_are_reused_after_a_restart_and_overwrite_the_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sagas.db");
    let run = |label: &str| {
        life(async {
            let log = SqliteLog::open(&path).expect("a log");
            let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Open>().log(log)).await;
            let handle = coordinator.start(Open { label: label.to_owned() }).await.expect("accepted");
            desk.next().await.refuse(Refusal::Quitting);
            soon(handle.outcome()).await;
            coordinator.stop().await.expect("it stops");
            handle.id()
        })
    };
    let ids = [run("w1"), run("w2"), run("w3")];
    assert!(ids.is_sorted() && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");

    let mut log = SqliteLog::open(&path).expect("a log");
    let (name, input, started) = ("open".to_owned(), "null".to_owned(), Timestamp::EPOCH);
    let again = StartedRow { id: ids[0], name, version: 1, input, started, parent: None, key: None };
    let records = log.reader().and_then(|mut reader| reader.records(ids[0], 1, 1)).expect("it can be read");
    let error =
        log.append(Batch { started: vec![again], records, ..Batch::default() }).expect_err("it was started before");
    assert!(matches!(error, LogError::StartedBefore { saga } if saga == ids[0]), "{error}");
    let kept = log.reader().and_then(|mut reader| reader.saga(ids[0])).expect("it can be read").expect("it is there");
    assert_eq!(kept.input, r#"{"label":"w1"}"#);

    let error = life(Coordinator::<Mux>::builder().log(Unseeded(MemoryLog::new())).start()).expect_err("no ids");
    assert!(matches!(error, StartupError::Log(LogError::Damaged { .. })), "{error}");
}

/// A srv that keeps at least one tab, and looks at how many there are where it deletes.
struct Tabs;

impl TransactionalParticipant for Tabs {
    type Command = SrvCommand;

    fn handle(
        &self,
        command: SrvCommand,
        transaction: &Transaction<'_>,
        cx: &Context<Mux>,
    ) -> Result<(), Failure<Refusal>> {
        let SrvCommand::DeleteTab { tab } = command else { return Err(Failure::Refused(Refusal::NoSuchTab)) };
        transaction.execute("DELETE FROM tab WHERE tab = ?1", [tab])?;
        match tabs(transaction)? {
            0 if cx.mode() != Mode::Compensation => Err(Failure::Refused(Refusal::LastTab)),
            _ => Ok(()),
        }
    }
}

fn tabs(database: &Connection) -> saga_runtime::rusqlite::Result<u32> {
    database.query_row("SELECT count(*) FROM tab", [], |row| row.get(0))
}

fn tabs_in(path: &Path) -> Connection {
    let database = Connection::open(path).expect("a database");
    database.execute_batch("CREATE TABLE tab (tab); INSERT INTO tab VALUES (1), (2)").expect("two tabs");
    database
}

/// The guard is in the handler, in the transaction of the deletion, so that two who close the last two tabs leave
/// one, whether they run at once or queue on each other.
///
/// By: run
#[tokio::test]
async fn ledger_27_a_guard_in_one_critical_section_and_the_deletion_in_another() {
    async fn close_both<S: Saga<Bus = Mux, Output = ()>>(close: fn(u32) -> S) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("srv.db");
        let srv = Transactional::new(tabs_in(&path), Tabs).expect("its own database");
        let builder = Coordinator::builder().saga::<S>().log(MemoryLog::new()).participant(srv);
        let coordinator = builder.start().await.expect("it starts");
        let first = coordinator.start(close(1)).await.expect("accepted");
        let second = coordinator.start(close(2)).await.expect("accepted");
        let outcomes = [soon(first.outcome()).await, soon(second.outcome()).await];
        let completed = outcomes.iter().filter(|outcome| **outcome == Outcome::Completed(())).count();
        let refusals = outcomes.iter().filter(|outcome| **outcome != Outcome::Completed(()));
        let refusals: Vec<_> = refusals.map(|outcome| why(Some(outcome)).refusal()).collect();
        assert_eq!((completed, refusals), (1, vec![Some(Refusal::LastTab)]));
        assert_eq!(tabs(&Connection::open(&path).expect("a database")), Ok(1));
    }
    close_both(|tab| Wipe { tab }).await;
    close_both(|tab| Delete { workspace: 1, tab }).await;
}

/// Records are only appended: the cause is the first one, through recovery and whatever goes wrong after it. Who
/// looks into the log can change nothing in it, and is told when it is damaged.
///
/// By: run
#[test]
fn ledger_32_recovery_overwrites_the_cause_and_the_diagnosis_can_write() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sagas.db");
    let builder = || Coordinator::builder().saga::<Open>().log(SqliteLog::open(&path).expect("a log"));
    let id = life(async {
        let (coordinator, mut desk) = Desk::open(builder()).await;
        let handle = coordinator.start(open()).await.expect("accepted");
        desk.next().await.reply(opened());
        desk.next().await.refuse(Refusal::StoreFailed { reason: "the disk is full".to_owned() });
        let _undoing = desk.next().await;
        coordinator.stop().await.expect("it stops");
        handle.id()
    });
    let records = |path: &Path| SqliteReader::open(path).and_then(|mut log| log.records(id, 1, 100));
    let before = records(&path).expect("it can be read");
    life(async {
        let (coordinator, mut desk) = Desk::open(builder()).await;
        assert_eq!(coordinator.cancel(id).await, Ok(CancelReply::Requested));
        desk.next().await.refuse(Refusal::Busy);
        desk.next().await.handled();
        let handle = coordinator.attach::<Open>(id).await.expect("it is known");
        let cause = why(Some(&soon(handle.outcome()).await));
        assert_eq!((cause.kind(), cause.step()), (CauseKind::Refused, "save"));
        assert!(cause.message().contains("the disk is full"), "{cause}");
        coordinator.stop().await.expect("it stops");
    });
    let after = records(&path).expect("it can be read");
    let unchanged =
        |(before, after): (&RecordRow, &RecordRow)| (before.number, &before.data) == (after.number, &after.data);
    assert!(before.iter().zip(&after).all(unchanged) && before.len() < after.len(), "{before:?}\n{after:?}");

    let files = || -> BTreeMap<_, _> {
        let entries = std::fs::read_dir(directory.path()).expect("a directory");
        let paths = entries.map(|entry| entry.expect("a file").path());
        paths.map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
    };
    let before = files();
    let mut reader = SqliteReader::open(&path).expect("it can be read");
    let ended = Query { statuses: vec![Status::Compensated], ..Query::default() };
    assert_eq!(reader.find(&ended).expect("it can be read").sagas.len(), 1);
    assert!(files() == before, "looking changes nothing: {:?}", files().keys());
    let database = Connection::open(&path).expect("a database");
    database.execute("UPDATE record SET data = '{}' WHERE number = 2", []).expect("it is damaged");
    drop(database);
    let error = records(&path).expect_err("it is damaged");
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
}

/// A saga that no crash needs says `#[ephemeral]`, and the log has nothing of it; the others are in the log, by saga.
///
/// By: run
#[tokio::test]
async fn ledger_44_a_durable_log_that_its_sagas_never_needed() {
    let log = MemoryLog::new();
    let builder = Coordinator::builder().saga::<Peek>().saga::<Open>().log(log.clone());
    let (coordinator, mut desk) = Desk::open(builder).await;
    let peek = coordinator.start(Peek { label: "w1".to_owned() }).await.expect("accepted");
    let open = coordinator.start(open()).await.expect("accepted");
    desk.next_of(peek.id()).await.reply(opened());
    assert_eq!(soon(peek.outcome()).await, Outcome::Completed(()));
    let mut reader = log.reader().expect("it can be read");
    let found = reader.find(&Query::default()).expect("it can be read").sagas;
    assert_eq!(found.iter().map(|saga| saga.id).collect::<Vec<_>>(), [open.id()]);
    assert_eq!(reader.records(peek.id(), 1, 100).map(|records| records.len()).ok(), Some(0));
    assert_eq!(reader.definition("peek", 1).ok().flatten(), None);
}
