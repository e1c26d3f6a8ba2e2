//! Taking up sagas in flight after a restart, beside reading their rows.

use std::path::Path;
use std::time::{Duration, Instant};

use saga_runtime::prelude::*;
use tokio::sync::Semaphore;

use super::job::{BenchCommand, Job, Refusal, Works, one_thread};
use super::measure::sized;
use super::raw::read_log;
use super::table::{Table, Target};

pub(crate) fn measure(table: &mut Table) {
    let number = sized(100_000);
    let directory = tempfile::tempdir().expect("a directory for a while");
    let path = directory.path().join("sagas.db");
    one_thread().block_on(fill(&path, number));
    let mut times: Vec<_> = (0..3).map(|_| one_thread().block_on(recover(&path))).collect();
    times.sort_unstable();
    let (rows, raw) = read_log(&path);
    assert!(rows >= number, "each saga has a record");
    let (here, raw) = (times[1].as_secs_f64(), raw.as_secs_f64());
    let what = format!("recovery of {number} sagas in flight, in seconds");
    let beside = format!("{raw:.2} s reading the rows raw");
    table.row(&what, &format!("{here:.2} s"), &beside, here, Target::AtMost(2.0));
}

/// One who never answers.
struct Asleep;

impl Participant for Asleep {
    type Command = BenchCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, _: BenchCommand, _: &Context<Works>) -> Result<(), Refusal> {
        std::future::pending().await
    }
}

async fn coordinator(path: &Path) -> Coordinator<Works> {
    let log = SqliteLog::open(path).expect("the log is nobody else's");
    let mut options = saga_runtime::coordinator::Options::default();
    options.participant.grace = Duration::ZERO;
    let builder = Coordinator::<Works>::builder().options(options).saga::<Job>().log(log).participant(Asleep);
    builder.start().await.expect("everything is given")
}

async fn fill(path: &Path, number: usize) {
    let coordinator = coordinator(path).await;
    let at_once = std::sync::Arc::new(Semaphore::new(1000));
    for order in 0..number as u64 {
        let permit = std::sync::Arc::clone(&at_once).acquire_owned().await.expect("it is never closed");
        let coordinator = coordinator.clone();
        tokio::spawn(async move {
            let _ = coordinator.start(Job { order, willing: true }).await.expect("the coordinator runs");
            drop(permit);
        });
    }
    let _ = at_once.acquire_many(1000).await.expect("it is never closed");
    coordinator.stop().await.expect("the disk takes it");
}

/// How long it takes until a coordinator does what it is asked.
async fn recover(path: &Path) -> Duration {
    let begin = Instant::now();
    let coordinator = coordinator(path).await;
    let participants = coordinator.participants().await.expect("the coordinator runs");
    assert!(participants[0].connected || participants[0].waiting == 0, "the participant is in this process");
    let took = begin.elapsed();
    coordinator.stop().await.expect("the disk takes it");
    took
}
