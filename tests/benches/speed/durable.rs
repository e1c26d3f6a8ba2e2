//! Whole sagas on SQLite: one at a time, many at once, and undone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use saga_runtime::log::{Batch, LogError, LogReader, Pruned, Recovery, SagaLog, SqliteLog};
use saga_runtime::message::{LogId, SagaId};

use super::job::{coordinator, one_thread, run};
use super::measure::{medians, rate, sized};
use super::raw::write_rows;
use super::table::{Table, Target, per_second};

/// The records of a job that completes, each its own commit when there is nobody to share it with: the start and the
/// three answers.
const COMMITS: usize = 4;
/// The rows that a completed job writes: its own, four records, its end.
const ROWS: usize = 6;

pub(crate) fn measure(table: &mut Table) {
    one_at_a_time(table);
    let jobs = sized(20_000);
    let (here, beside) = medians(3, || durable(jobs, 1000, true).0, || rate(jobs * ROWS, raw(jobs * ROWS, 1000)));
    let what = "durable, 1000 at once";
    let wall = beside / ROWS as f64;
    let beside = format!("{} raw: {} rows ÷ {ROWS}", per_second(wall), per_second(beside));
    table.row(what, &per_second(here), &beside, here / wall, Target::AtLeast(0.5));
    table.row("the same, in thousands a second", &per_second(here), "", here / 1000.0, Target::AtLeast(25.0));
    let (_, commits) = durable(jobs, 1000, true);
    table.row("the same: commits a saga", &format!("{commits:.3}"), "", commits, Target::AtMost(0.1));
    unwind(table);
}

fn one_at_a_time(table: &mut Table) {
    let jobs = sized(2000);
    let (here, beside) = medians(5, || durable(jobs, 1, true).0, || rate(jobs, raw(jobs * COMMITS, 1)));
    let beside_text = format!("{} for {COMMITS} raw commits in a row", per_second(beside));
    table.row("durable, one at a time", &per_second(here), &beside_text, here / beside, Target::AtLeast(0.8));
}

fn unwind(table: &mut Table) {
    let jobs = sized(10_000);
    let (back, forward) = medians(3, || durable(jobs, 100, false).0, || durable(jobs, 100, true).0);
    let beside = format!("{} forward", per_second(forward));
    table.row("unwind, durable, 100 at once", &per_second(back), &beside, back / forward, Target::AtLeast(0.6));
}

fn raw(rows: usize, a_commit: usize) -> std::time::Duration {
    let directory = tempfile::tempdir().expect("a directory for a while");
    write_rows(&directory.path().join("raw.db"), rows, a_commit)
}

/// Sagas a second, and commits a saga.
pub(crate) fn durable(jobs: usize, at_once: usize, willing: bool) -> (f64, f64) {
    let directory = tempfile::tempdir().expect("a directory for a while");
    let log = Counting::open(&directory.path().join("sagas.db"));
    let commits = log.commits();
    one_thread().block_on(async {
        let coordinator = coordinator(log).await;
        commits.store(0, Ordering::Relaxed);
        let took = run(&coordinator, jobs, at_once, willing).await;
        let commits = commits.load(Ordering::Relaxed);
        coordinator.stop().await.expect("the disk takes it");
        (rate(jobs, took), commits as f64 / jobs as f64)
    })
}

/// The log, and how often it has committed.
pub(crate) struct Counting {
    log: SqliteLog,
    commits: Arc<AtomicUsize>,
}

impl Counting {
    pub(crate) fn open(path: &Path) -> Self {
        Self { log: SqliteLog::open(path).expect("the directory can be written"), commits: Arc::default() }
    }

    pub(crate) fn commits(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.commits)
    }
}

impl SagaLog for Counting {
    fn identity(&self) -> LogId {
        self.log.identity()
    }

    fn recover(&mut self) -> Result<Recovery, LogError> {
        self.log.recover()
    }

    fn append(&mut self, batch: Batch) -> Result<(), LogError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.log.append(batch)
    }

    fn prune(&mut self, sagas: &[SagaId]) -> Result<Pruned, LogError> {
        self.log.prune(sagas)
    }

    fn reader(&self) -> Result<Box<dyn LogReader>, LogError> {
        self.log.reader()
    }
}
