//! Launcher, host and srv together.

use std::fs::File;

use rustix::process::Signal;
use sagas::host::control::HOST_SOCKET;
use sagas::programs::fleet::Member;
use sagas::programs::stage::{Stage, runs, until};

use super::{descendants, empty, signal};

async fn up(stage: &Stage) -> Member {
    let mut up = stage.fleet().spawn("up", ["up"]).expect("the system gives a process");
    let line = up.next_line().await.expect("it says that they run");
    assert!(line.contains("stop them with Ctrl-C"), "{line}");
    up
}

#[tokio::test]
async fn an_interrupt_stops_all() {
    let stage = empty();
    let mut up = up(&stage).await;
    let started = descendants(up.id());
    assert!(started.len() >= 7, "launcher, host, srv, their keepers, two shells: {started:?}");
    signal(up.id(), Signal::INT);
    assert!(up.ended().await.expect("it is our child").success());
    assert!(!started.into_iter().any(runs));
}

#[tokio::test]
async fn an_interrupt_stops_those_that_there_are_before_they_are_ready() {
    let stage = empty();
    let lock = stage.endpoint().socket(HOST_SOCKET).path().with_extension("lock");
    let held = File::create(lock).expect("the directory is ours");
    held.try_lock().expect("no host runs yet");
    let mut up = stage.fleet().spawn("up", ["up"]).expect("the system gives a process");
    until("the host is started", async || descendants(up.id()).len() == 2).await.expect("it is");
    let started = descendants(up.id());
    signal(up.id(), Signal::INT);
    assert_eq!(up.next_line().await, None, "the host waits for its lock, and is not ready");
    assert!(up.ended().await.expect("it is our child").success());
    assert!(!started.into_iter().any(runs));
}

#[tokio::test]
async fn a_killed_one_leaves_no_process() {
    let stage = empty();
    let up = up(&stage).await;
    let started = descendants(up.id());
    assert!(started.len() >= 7, "launcher, host, srv, their keepers, two shells: {started:?}");
    up.kill().await.expect("it is our child");
    until("they end", async || !started.iter().copied().any(runs)).await.expect("they do");
}

#[tokio::test]
async fn a_host_that_ends_is_started_again() {
    let stage = empty();
    let mut up = up(&stage).await;
    let before = stage.user().await.expect("a host runs").state().await.expect("it answers");
    signal(Some(before.process), Signal::KILL);
    let line = up.next_line().await.expect("it says so");
    assert!(line.contains("the host ended"), "{line}");
    until("another host runs", async || stage.user().await.is_ok()).await.expect("it does");
    let after = stage.user().await.expect("a host runs").state().await.expect("it answers");
    assert_ne!(before.process, after.process);
}
