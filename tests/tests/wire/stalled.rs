//! A participant that does not read any more: what is to be said to it waits in the log, and not in memory.

use std::process::Command;
use std::time::Duration;

use saga_runtime::coordinator::Options;
use saga_runtime::prelude::SqliteLog;
use tokio::task::JoinSet;

use super::yard::{Carry, Open};

const LOAD: usize = 64 << 10;
/// More than a coordinator keeps at hand for one participant.
const FIRST: usize = 400;
const REST: usize = 800;
/// So many share a commit, whose bytes are in memory.
const AT_ONCE: usize = 20;

const ALONE: &str = "SAGA_TEST_MEASURES_ITS_MEMORY";

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it names what is resident");
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number of kB")
}

async fn fill(open: &mut Open, sagas: usize) {
    let mut starts = JoinSet::new();
    for _ in 0..sagas / AT_ONCE {
        for _ in 0..AT_ONCE {
            let coordinator = open.coordinator.clone();
            starts.spawn(async move { coordinator.start(Carry { bytes: LOAD }).await.map(drop) });
        }
        while let Some(started) = starts.join_next().await {
            started.expect("no panic").expect("it is accepted");
        }
    }
    open.assert_sweeps().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_participant_that_stops_reading_costs_bounded_memory_and_disturbs_nobody() {
    if std::env::var_os(ALONE).is_none() {
        return alone();
    }
    let home = super::yard::home();
    let log = SqliteLog::open(home.path().join("sagas.db")).expect("a log");
    let mut options = Options::default();
    // It is not dead, and does not say so either.
    options.pipe.heartbeat = Duration::from_secs(60);
    let mut open = Open::with(log, options).await;
    let _reads_nothing = open.porter().await;
    fill(&mut open, FIRST).await;
    let before = resident();
    fill(&mut open, REST).await;
    let (grown, sent) = (resident().saturating_sub(before), REST * LOAD);
    assert!(grown < sent / 4, "{grown} bytes more in memory for {sent} bytes more to say");
    let waiting = open.coordinator.participants().await.expect("it runs");
    let porter = waiting.iter().find(|participant| participant.name == "porter").expect("it is known");
    assert!(porter.connected && porter.waiting > FIRST + REST - 100, "{porter:?}");
}

/// Runs this test in a process of its own, so that no other one is measured.
fn alone() {
    let program = std::env::current_exe().expect("the operating system knows it");
    let name = std::thread::current().name().expect("a test's thread has its name").to_owned();
    let output = Command::new(program).args([&name, "--exact", "--nocapture"]).env(ALONE, "1").output();
    let output = output.expect("it starts");
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{complaint}");
}
