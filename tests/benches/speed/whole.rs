//! Whole sagas in one process, with the log in memory.

use std::hint::black_box;
use std::time::Instant;

use saga_runtime::log::MemoryLog;
use tokio::sync::mpsc;

use super::job::{coordinator, one_thread, run};
use super::measure::{median, nanos_each, rate, sized};
use super::table::{Table, Target, nanos, per_second};

pub(crate) fn measure(table: &mut Table) {
    let hop = median(5, hop);
    let wall = 1e9 / (7.0 * hop);
    let beside = format!("{} for seven hops of {}", per_second(wall), nanos(hop));
    for at_once in [1, 100, 1000] {
        let jobs = sized(if at_once == 1 { 10_000 } else { 30_000 });
        let here = median(3, || in_memory(jobs, at_once));
        let what = format!("whole sagas in memory, {at_once} at once");
        let target = if at_once == 1000 { Target::AtLeast(200.0) } else { Target::None };
        table.row(&what, &per_second(here), &beside, here / 1000.0, target);
    }
}

pub(crate) fn in_memory(jobs: usize, at_once: usize) -> f64 {
    one_thread().block_on(async {
        let coordinator = coordinator(MemoryLog::new()).await;
        let took = run(&coordinator, jobs, at_once, true).await;
        coordinator.stop().await.expect("memory can be written");
        rate(jobs, took)
    })
}

/// Nanoseconds for one message through a channel to another task.
fn hop() -> f64 {
    const MESSAGES: usize = 200_000;
    one_thread().block_on(async {
        let (there, mut theirs) = mpsc::channel::<usize>(64);
        let (back, mut ours) = mpsc::channel::<usize>(64);
        tokio::spawn(async move {
            while let Some(message) = theirs.recv().await {
                let _ = back.send(black_box(message)).await;
            }
        });
        let begin = Instant::now();
        for message in 0..MESSAGES / 2 {
            there.send(message).await.expect("the other task runs");
            ours.recv().await.expect("the other task answers");
        }
        nanos_each(MESSAGES, begin.elapsed())
    })
}
