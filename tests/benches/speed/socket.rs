//! Whole sagas over a local socket, with the log in memory: the participant has a thread and a runtime of its own.

use std::path::Path;
use std::thread;

use saga_runtime::prelude::*;
use tokio::sync::oneshot;

use super::job::{Bench, Job, Works, one_thread, run};
use super::measure::{medians, rate, sized};
use super::raw::round_trips;
use super::table::{Table, Target, per_second};

/// The round trips of a job.
const TRIPS: usize = 3;

pub(crate) fn measure(table: &mut Table) {
    let jobs = sized(20_000);
    let (here, beside) = medians(3, || over_a_socket(jobs, 1000), || rate(jobs, raw(jobs * TRIPS, 64)));
    let beside = format!("{} for {TRIPS} raw round trips, 64 at once", per_second(beside));
    let what = "over a socket, 1000 at once, thousands a second";
    table.row(what, &per_second(here), &beside, here / 1000.0, Target::AtLeast(35.0));

    let jobs = sized(3000);
    let (here, beside) = medians(5, || over_a_socket(jobs, 1), || rate(jobs, raw(jobs * TRIPS, 1)));
    let text = format!("{} for {TRIPS} raw round trips in a row", per_second(beside));
    table.row("over a socket, one at a time", &per_second(here), &text, beside / here, Target::AtMost(1.3));
}

fn raw(trips: usize, at_once: usize) -> std::time::Duration {
    let directory = tempfile::tempdir().expect("a directory for a while");
    round_trips(directory.path(), trips, at_once)
}

fn over_a_socket(jobs: usize, at_once: usize) -> f64 {
    let directory = tempfile::tempdir().expect("a directory for a while");
    let endpoint = Endpoint::in_dir(directory.path().join("bus"));
    let took = one_thread().block_on(async {
        let builder = Coordinator::<Works>::builder().saga::<Job>().log(MemoryLog::new()).listen(endpoint);
        let coordinator = builder.start().await.expect("everything is given");
        let (stop, stopped) = oneshot::channel();
        let other = serve(&directory.path().join("bus"), stopped);
        run(&coordinator, 100.min(jobs), 1, true).await;
        let took = run(&coordinator, jobs, at_once, true).await;
        let _ = stop.send(());
        coordinator.stop().await.expect("memory can be written");
        other.join().expect("the participant ends when it is told");
        took
    });
    rate(jobs, took)
}

/// The participant, until it is told to stop.
fn serve(directory: &Path, stopped: oneshot::Receiver<()>) -> thread::JoinHandle<()> {
    let endpoint = Endpoint::in_dir(directory);
    thread::spawn(move || {
        one_thread().block_on(async {
            let client = ParticipantClient::connect(endpoint, Bench).await.expect("the coordinator knows it");
            tokio::select! {
                _ = client.run() => {}
                _ = stopped => {}
            }
        });
    })
}
