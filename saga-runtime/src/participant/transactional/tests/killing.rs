//! `kill -9` of a participant that remembers, at chosen points of its commits and at any moment: each effect is taken
//! exactly once, and what was undone was undone once.
//!
//! The coordinator runs here, the participant in processes that die. The checker reads only the database and the log. Each
//! point is tried some times, or as often as `SAGAS_KILL_ROUNDS` says; every round a little later.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::vault::{self, Keeper, Vault};
use crate::log::SqliteReader;
use crate::message::{ExchangeKey, Mode, SagaId};
use crate::participant::Reporter;
use crate::prelude::*;
use crate::rusqlite::Connection;

/// Set for the process that [`is_another_process`] is run in: where it works, when it dies, and at which time.
const ANOTHER: [&str; 3] = ["SAGA_VAULT", "SAGA_VAULT_DIES", "SAGA_VAULT_TIMES"];

/// When a process dies.
const POINTS: [&str; 5] = ["in the handler", "before the commit", "after the commit", "when it answers", "any moment"];

saga! {
    /// Every third one fails at its end, and is undone.
    saga Store(number: u64) -> u32 on Vault {
        concurrency allow;
        deadline 60s;

        step keep -> u32 {
            send Keep { what: "keep".into() };
            await Kept { count } => count;
            within 300ms;
            retry 4 times every 10ms..50ms;
            compensate Keep { what: "unkeep".into() };
        }

        step defer {
            send Defer { what: "defer".into() };
            await Kept { .. } => ();
            within 300ms;
            retry 4 times every 10ms..50ms;
            compensate KeepLater { what: "undefer".into() };
        }

        step later {
            send KeepLater { what: "later".into() };
            await {
                Kept { .. } => (),
                refused _ => retry,
            }
            within 300ms;
            retry 4 times every 10ms..50ms;
            compensate Keep { what: "unlater".into() };
        }

        step check {
            send Check { number };
            compensate none because "it does nothing";
            within 300ms;
            retry 4 times every 10ms..50ms;
        }

        return keep;
    }
}

/// The participant of the tests below.
#[test]
fn is_another_process() {
    let [Some(home), Some(point), Some(times)] = ANOTHER.map(std::env::var_os) else { return };
    let point = point.into_string().expect("a point");
    let times = times.to_str().and_then(|times| times.parse().ok()).expect("how many times");
    let home = PathBuf::from(home);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = deadly(vault::connection(&home.join("vault.db")), &point, times);
        let (deferred, reporters) = mpsc::unbounded_channel();
        let answering = tokio::spawn(answer(reporters, (point == "when it answers").then_some(times)));
        let endpoint = Endpoint::in_dir(home.join("bus"));
        let client = ParticipantClient::connect(endpoint, Keeper::take_over(connection, deferred)).await;
        eprintln!("connected");
        let orphaned = async {
            while tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
                .await
                .is_ok_and(|read| read.is_ok_and(|count| count > 0))
            {}
        };
        client.expect("welcome").run_until(orphaned).await.expect("served to the end");
        answering.abort();
    });
    std::process::exit(0);
}

/// A database in which this process dies.
fn deadly(mut connection: Connection, point: &str, times: u32) -> Connection {
    let left = AtomicU32::new(times);
    match point {
        "in the handler" => connection.update_hook(Some(move |_, _: &str, table: &str, _| {
            if table == "effect" {
                die_at_last(&left);
            }
        })),
        "before the commit" => connection.commit_hook(Some(move || {
            die_at_last(&left);
            false
        })),
        "after the commit" => connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, _| {
            die_at_last(&left);
            Ok(())
        })),
        _ => Ok(()),
    }
    .expect("a hook");
    connection
}

fn die_at_last(left: &AtomicU32) {
    if left.fetch_sub(1, Ordering::Relaxed) == 1 {
        kill_process(getpid(), Signal::KILL).expect("it may kill itself");
    }
}

/// Answers what was left for later, a little later; and dies when it has answered so often.
async fn answer(mut reporters: UnboundedReceiver<(Reporter<Vault>, bool)>, dies: Option<u32>) {
    let left = AtomicU32::new(dies.unwrap_or(u32::MAX));
    while let Some((reporter, _)) = reporters.recv().await {
        tokio::time::sleep(Duration::from_millis(1)).await;
        reporter.handled();
        die_at_last(&left);
    }
}

/// A participant that will die, killed at the latest when it is dropped.
struct Victim(Child);

impl Victim {
    fn spawn(home: &Path, point: &str, times: u32) -> Self {
        let child = Program::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture", "participant::transactional::tests::killing::is_another_process"])
            .env(ANOTHER[0], home)
            .env(ANOTHER[1], point)
            .env(ANOTHER[2], times.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.expect("a second process"))
    }

    /// Waits until it is connected, or dead.
    fn connected(&mut self) {
        let words = BufReader::new(self.0.stderr.as_mut().expect("its words are heard"));
        let mut lines = words.lines().map_while(Result::ok);
        lines.find(|line| line.contains("connected"));
    }

    /// Waits until it has died as it should; kills it if that is at any moment.
    fn die(mut self, point: &str, after: Duration) -> bool {
        self.connected();
        // It lives as long as this does, if it does not die.
        let _lifeline = self.0.stdin.take();
        if point == "any moment" {
            thread::sleep(after);
            self.0.kill().expect("it is killed");
        }
        let status = self.0.wait().expect("it is gone");
        status.signal() == Some(Signal::KILL.as_raw())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be dead.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn killed_at(point: &'static str) {
    let rounds: u32 = std::env::var("SAGAS_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6);
    let home = tempfile::tempdir().expect("a directory");
    let coordinator = Coordinator::<Vault>::builder()
        .saga::<Store>()
        .log(SqliteLog::open(home.path().join("sagas.db")).expect("a log"))
        .listen(Endpoint::in_dir(home.path().join("bus")))
        .start()
        .await
        .expect("it starts");
    let mut handles = Vec::new();
    for round in 0..rounds {
        for number in 0..8 {
            let number = u64::from(round * 8 + number);
            handles.push(coordinator.start(Store { number }).await.expect("it is recorded"));
        }
        let victim = Victim::spawn(home.path(), point, 2 + round % 7);
        let after = Duration::from_millis(u64::from(round * 5 % 37));
        let died = tokio::task::spawn_blocking(move || victim.die(point, after)).await.expect("it ends");
        assert!(died, "it died {point}, and not otherwise");
    }
    let last = Victim::spawn(home.path(), "never", 0);
    let ended = async {
        for handle in handles {
            handle.outcome().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), ended).await.expect("all end");
    coordinator.stop().await.expect("the log is whole");
    drop(last);
    check(home.path(), rounds * 8);
}

#[tokio::test]
async fn killed_in_the_handler() {
    killed_at(POINTS[0]).await;
}

#[tokio::test]
async fn killed_before_the_commit() {
    killed_at(POINTS[1]).await;
}

#[tokio::test]
async fn killed_after_the_commit_and_before_the_answer_leaves() {
    killed_at(POINTS[2]).await;
}

#[tokio::test]
async fn killed_when_a_deferred_answer_is_given() {
    killed_at(POINTS[3]).await;
}

/// Rule: participants.transactional
#[tokio::test]
async fn killed_at_any_moment() {
    killed_at(POINTS[4]).await;
}

/// Reads only what is on the disk: the effects, and how the log says that each saga ended.
fn check(home: &Path, sagas: u32) {
    let mut effects: BTreeMap<SagaId, Vec<(ExchangeKey, String)>> = BTreeMap::new();
    for [key, what, mode] in vault::effects(&home.join("vault.db")) {
        let key: ExchangeKey = key.parse().expect("a key");
        assert_eq!(key.at.mode.as_str(), mode);
        effects.entry(key.saga).or_default().push((key, what));
    }
    let mut log = SqliteReader::open(home.join("sagas.db")).expect("a log");
    let mut completed = 0;
    for number in 1..=u64::from(sagas) {
        let saga = SagaId::new(number).expect("from 1");
        let details = crate::log::LogReader::saga(&mut log, saga).expect("it can be read").expect("it is there");
        let outcome = details.outcome.expect("it has ended");
        let outcome: Outcome<serde_json::Value> = serde_json::from_str(&outcome).expect("an outcome");
        let effects = effects.remove(&saga).unwrap_or_default();
        let count = |at: &dyn Fn(&ExchangeKey) -> bool| effects.iter().filter(|(key, _)| at(key)).count();
        for step in 0..3 {
            let done = count(&|key| key.at.step == step && key.at.mode == Mode::Forward);
            let undone = count(&|key| key.at.step == step && key.at.mode == Mode::Compensation);
            match &outcome {
                Outcome::Completed(_) => assert_eq!((done, undone), (1, 0), "saga {saga}, step {step}: {effects:?}"),
                Outcome::Compensated(_) => {
                    assert!(done == undone && done <= 1, "saga {saga}, step {step}: {effects:?}");
                }
                Outcome::Ended(_) => panic!("nobody ended saga {saga}"),
            }
        }
        completed += usize::from(matches!(outcome, Outcome::Completed(_)));
    }
    assert!(effects.is_empty(), "effects of no saga: {effects:?}");
    assert!(completed > 0, "all were undone");
    let left: u32 = Connection::open(home.join("vault.db"))
        .and_then(|vault| {
            let deferred = "SELECT count(*) FROM saga_inbox_exchange WHERE state = 'deferred'";
            vault.query_row(deferred, [], |row| row.get(0))
        })
        .expect("its inbox");
    assert_eq!(left, 0, "answers that never came");
}
