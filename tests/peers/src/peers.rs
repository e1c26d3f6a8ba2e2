//! Steno with the same job, in the same run: what it does in a second, beside what is done here.

mod store;

use std::sync::Arc;

use steno::{
    Action, ActionContext, ActionError, ActionFunc, ActionRegistry, DagBuilder, InMemorySecStore, Node, SagaDag,
    SagaId, SagaName, SagaType, SecClient, SecStore,
};

use crate::durable::durable;
use crate::job::{many, one_thread};
use crate::measure::{medians, rate, sized};
use crate::table::{Table, Target, per_second};
use crate::whole::in_memory;

use store::SqliteStore;

pub(crate) fn measure(table: &mut Table) {
    let mut best: f64 = 0.0;
    for at_once in [1, 100, 1000] {
        let jobs = sized(10_000);
        let (here, theirs) = medians(3, || in_memory(jobs, at_once), || steno(Kept::InMemory, jobs, at_once, true));
        best = best.max(theirs);
        let what = format!("whole sagas in memory, {at_once} at once");
        let beside = format!("{} steno", per_second(theirs));
        table.row(&what, &per_second(here), &beside, here / theirs, Target::None);
        if at_once == 1000 {
            let beside = format!("{} steno at its best", per_second(best));
            table.row("the same", &per_second(here), &beside, here / best, Target::AtLeast(6.0));
        }
    }
    for (at_once, willing) in [(1, true), (100, true), (1000, true), (100, false)] {
        let jobs = sized(500);
        let ours = if at_once == 1 { jobs } else { 10 * jobs };
        let theirs = || steno(Kept::InSqlite, jobs, at_once, willing);
        let (here, theirs) = medians(3, || durable(ours, at_once, willing).0, theirs);
        let way = if willing { "durable" } else { "unwind, durable" };
        let what = format!("{way}, {at_once} at once");
        let beside = format!("{} steno on SQLite", per_second(theirs));
        table.row(&what, &per_second(here), &beside, here / theirs, Target::None);
    }
}

/// Where steno keeps its log.
#[derive(Clone, Copy)]
enum Kept {
    InMemory,
    InSqlite,
}

/// The job as a saga of steno's.
#[derive(Debug)]
struct Job;

impl SagaType for Job {
    type ExecContextType = ();
}

type Done = Arc<dyn Action<Job>>;

/// Sagas a second, on one thread.
fn steno(kept: Kept, jobs: usize, at_once: usize, willing: bool) -> f64 {
    let directory = tempfile::tempdir().expect("a directory for a while");
    let store: Arc<dyn SecStore> = match kept {
        Kept::InMemory => Arc::new(InMemorySecStore::new()),
        Kept::InSqlite => Arc::new(SqliteStore::open(&directory.path().join("steno.db"))),
    };
    one_thread().block_on(async {
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let sec = Arc::new(steno::sec(log, store));
        let (registry, dag) = job(willing);
        let client = Arc::clone(&sec);
        let took = many(jobs, at_once, move |_| {
            let (sec, registry, dag) = (Arc::clone(&client), Arc::clone(&registry), Arc::clone(&dag));
            async move { run_one(&sec, registry, dag, willing).await }
        });
        rate(jobs, took.await)
    })
}

async fn run_one(sec: &SecClient, registry: Arc<ActionRegistry<Job>>, dag: Arc<SagaDag>, willing: bool) {
    let id = SagaId::new_v4();
    let result = sec.saga_create(id, Arc::new(()), dag, registry).await.expect("steno takes it");
    sec.saga_start(id).await.expect("steno starts it");
    assert_eq!(result.await.kind.is_ok(), willing, "a job ends as it was meant to");
}

/// Three steps, each with an undo; the third is refused, if it is not to be willing.
fn job(willing: bool) -> (Arc<ActionRegistry<Job>>, Arc<SagaDag>) {
    let does: Done = ActionFunc::new_action("does", does, undo);
    let refuses: Done = ActionFunc::new_action("refuses", refuses, undo);
    let mut registry = ActionRegistry::new();
    registry.register(Arc::clone(&does));
    registry.register(Arc::clone(&refuses));
    let mut dag = DagBuilder::new(SagaName::new("job"));
    dag.append(Node::action("first", "first", does.as_ref()));
    dag.append(Node::action("second", "second", does.as_ref()));
    dag.append(Node::action("third", "third", if willing { does.as_ref() } else { refuses.as_ref() }));
    let dag = dag.build().expect("three nodes in a row");
    (Arc::new(registry), Arc::new(SagaDag::new(dag, serde_json::json!({ "order": 7 }))))
}

async fn does(_: ActionContext<Job>) -> Result<u64, ActionError> {
    Ok(7)
}

async fn refuses(_: ActionContext<Job>) -> Result<u64, ActionError> {
    Err(ActionError::action_failed("not willing".to_owned()))
}

async fn undo(_: ActionContext<Job>) -> Result<(), anyhow::Error> {
    Ok(())
}
