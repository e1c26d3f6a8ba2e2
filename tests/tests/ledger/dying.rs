//! A participant that dies, or cannot write, between its effect and its memory of it.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command as Program, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Signal, getpid, kill_process};
use saga_runtime::participant::Failure;
use saga_runtime::prelude::*;
use saga_runtime::rusqlite::hooks::Wal;
use saga_runtime::rusqlite::{Connection, Transaction};

use super::desk::{life, soon};
use super::mux::{Mux, Refusal, SrvCommand};
use crate::wire::yard;

/// Set for the process that [`is_the_process_that_dies`] is run in: where it works, and when it dies.
const ANOTHER: [&str; 2] = ["LEDGER_HOME", "LEDGER_DIES"];

/// When the effect is written, and the transaction is not yet committed.
const BEFORE: &str = "before the commit";
/// When the first transaction with an effect in it is committed, and nothing else has happened.
const AFTER: &str = "after the commit";

saga! {
    saga Save(rows: u32) on Mux {
        concurrency allow;
        deadline 1h;
        step save {
            send SaveLayout { rows };
            compensate none because "it is saved again";
        }
    }
}

/// A srv with its layouts in a database.
struct Srv {
    /// It has written something that is not yet committed.
    has_written: Arc<AtomicBool>,
}

impl TransactionalParticipant for Srv {
    type Command = SrvCommand;

    fn handle(
        &self,
        command: SrvCommand,
        transaction: &Transaction<'_>,
        _: &Context<Mux>,
    ) -> Result<(), Failure<Refusal>> {
        if let SrvCommand::SaveLayout { rows } = command {
            transaction.execute("INSERT INTO layout VALUES (?1)", [rows])?;
            self.has_written.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn database(home: &Path) -> Connection {
    let database = Connection::open(home.join("srv.db")).expect("a database");
    database.execute_batch("CREATE TABLE IF NOT EXISTS layout (rows INTEGER NOT NULL)").expect("a table");
    database
}

/// How many layouts and how many keys it has in its database.
fn kept(home: &Path) -> (u32, u32) {
    let database = database(home);
    let count = |table| database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
    (count("layout").expect("its table"), count("saga_inbox_exchange").expect("its inbox"))
}

/// The participant of the test below.
#[test]
fn is_the_process_that_dies() {
    let [Some(home), Some(point)] = ANOTHER.map(std::env::var_os) else { return };
    let home = Path::new(&home);
    let has_written = Arc::new(AtomicBool::new(false));
    let written = Arc::clone(&has_written);
    let die = move || {
        if written.load(Ordering::Relaxed) {
            kill_process(getpid(), Signal::KILL).expect("it may kill itself");
        }
    };
    let mut database = database(home);
    if point == BEFORE {
        let hook = move || {
            die();
            false
        };
        database.commit_hook(Some(hook)).expect("a hook");
    } else {
        let hook = move |_: &mut Wal, _| {
            die();
            Ok(())
        };
        database.wal_hook(Some(hook)).expect("a hook");
    }
    let srv = Transactional::new(database, Srv { has_written }).expect("its own database");
    life(async {
        let client = ParticipantClient::connect(Endpoint::in_dir(home.join("bus")), srv).await.expect("welcome");
        soon(client.run()).await.expect("it dies before");
    });
}

/// A srv whose first commit of a layout fails; until then its disk is full.
fn with_a_full_disk(home: &Path) -> (Transactional<Srv>, Arc<AtomicBool>) {
    let (has_written, is_full) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let mut database = database(home);
    let (written, full) = (Arc::clone(&has_written), Arc::clone(&is_full));
    let fails = move || written.load(Ordering::Relaxed) && full.swap(false, Ordering::Relaxed);
    database.commit_hook(Some(fails)).expect("a hook");
    (Transactional::new(database, Srv { has_written }).expect("its own database"), is_full)
}

/// Runs the process that dies at this point, until it has.
async fn dies(home: &Path, point: &'static str) {
    let mut program = Program::new(std::env::current_exe().expect("this program"));
    program.args(["--exact", "ledger::dying::is_the_process_that_dies"]).env(ANOTHER[0], home).env(ANOTHER[1], point);
    let status = tokio::task::spawn_blocking(move || program.stdout(Stdio::null()).status());
    let status = status.await.expect("no panic").expect("a second process");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{point}: {status}");
}

/// What a participant does and what it remembers of it commit together: killed before that it has done nothing,
/// killed after it the answer is in its memory, and where the commit fails nothing has changed. Each is done once.
///
/// By: run
#[tokio::test]
async fn ledger_31_state_changes_though_persisting_fails() {
    let home = yard::home();
    let endpoint = Endpoint::in_dir(home.path().join("bus"));
    let builder = Coordinator::<Mux>::builder().saga::<Save>().log(MemoryLog::new()).listen(endpoint.clone());
    let coordinator = builder.start().await.expect("it starts");
    let save = coordinator.start(Save { rows: 3 }).await.expect("accepted");

    dies(home.path(), BEFORE).await;
    assert_eq!(kept(home.path()), (0, 0), "neither effect nor memory");
    dies(home.path(), AFTER).await;
    assert_eq!(kept(home.path()), (1, 1), "both");
    assert!(!save.has_ended(), "it had not said so");

    let (srv, is_full) = with_a_full_disk(home.path());
    let client = soon(ParticipantClient::connect(&endpoint, srv)).await.expect("welcome");
    let srv = tokio::spawn(client.run());
    assert_eq!(soon(save.outcome()).await, Outcome::Completed(()));
    assert_eq!(kept(home.path()).0, 1, "it is not done again");
    let another = coordinator.start(Save { rows: 4 }).await.expect("accepted");
    assert_eq!(soon(another.outcome()).await, Outcome::Completed(()));
    assert!(!is_full.load(Ordering::Relaxed), "the first commit failed");
    assert_eq!(kept(home.path()).0, 2, "it is done once");
    srv.abort();
}
