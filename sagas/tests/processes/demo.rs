//! The demo: to its end, and stopped before.

use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use sagas::programs::stage::{runs, until};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{BINARY, descendants, signal};

/// A demo that has got as far as its first scene, in a directory below `temporary`.
async fn playing(temporary: &Path) -> Child {
    let mut command = Command::new(BINARY);
    command.env("TMPDIR", temporary).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut demo = command.spawn().expect("the system gives a process");
    let mut lines = BufReader::new(demo.stdout.take().expect("it is piped")).lines();
    while let Some(line) = lines.next_line().await.expect("it is text") {
        if line.contains("promoted at once") {
            return demo;
        }
    }
    panic!("the demo does not begin");
}

#[tokio::test]
async fn everything_holds() {
    let output = Command::new(BINARY).arg("demo").output().await.expect("the system gives a process");
    let told = String::from_utf8(output.stdout).expect("it is text");
    assert!(output.status.success(), "{told}");
    assert!(told.contains("✓ nothing is left running"), "{told}");
    assert!(!told.contains('✗'), "{told}");
}

#[tokio::test]
async fn an_interrupt_stops_it_with_all_that_it_started() {
    let temporary = tempfile::tempdir().expect("a directory");
    let mut demo = playing(temporary.path()).await;
    let started = descendants(demo.id());
    assert!(started.len() >= 3, "launcher, host, renderer: {started:?}");
    signal(demo.id(), Signal::INT);
    assert_eq!(demo.wait().await.expect("it is our child").code(), Some(1));
    let left: Vec<_> = started.into_iter().filter(|process| runs(*process)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(std::fs::read_dir(temporary.path()).expect("it is there").count(), 0, "its directory is gone");
}

#[tokio::test]
async fn a_killed_one_leaves_no_process() {
    let temporary = tempfile::tempdir().expect("a directory");
    let mut demo = playing(temporary.path()).await;
    let started = descendants(demo.id());
    assert!(started.len() >= 3, "launcher, host, renderer: {started:?}");
    demo.kill().await.expect("it is our child");
    until("they end", async || !started.iter().copied().any(runs)).await.expect("they do");
}

#[tokio::test]
async fn a_directory_of_the_users_is_not_taken() {
    let output = Command::new(BINARY).args(["demo", "--dir", "."]).output().await.expect("the system gives a process");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).expect("it is text");
    assert!(told.contains("directory of its own"), "{told}");
}
