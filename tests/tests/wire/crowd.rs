//! More connections than anybody can serve.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use saga_runtime::coordinator::Options;
use saga_runtime::prelude::*;
use serde_json::Value;

use super::yard::{Open, soon};

const CROWD: usize = 10_000;
/// Files that the rest of this process needs, other tests included.
const SPARE: u64 = 2_000;

/// How many connections this process may hold at once, after its limit of open files was raised as far as it goes.
fn crowd() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // The limit that is there must do if it cannot be raised.
    let _ = setrlimit(Resource::Nofile, raised);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let crowd = usize::try_from(files.saturating_sub(SPARE)).unwrap_or(usize::MAX).min(CROWD);
    if crowd < CROWD {
        eprintln!("only {crowd} connections of {CROWD}: this process may open no more than {files} files");
    }
    assert!(crowd > 0, "this process may open {files} files; the test needs more than {SPARE}");
    crowd
}

/// Connects without ever saying anything; all at once, and all of them kept open.
fn enter(path: &Path, count: usize) -> Vec<UnixStream> {
    (0..count).map(|_| UnixStream::connect(path).expect("the socket takes them")).collect()
}

/// The code with which a connection was closed.
fn refusal(stream: UnixStream) -> String {
    let mut codes = BufReader::new(stream).lines().map_while(Result::ok).filter_map(|line| {
        let frame: Value = serde_json::from_str(&line).expect("a whole frame");
        frame["error"]["code"].as_str().map(str::to_owned)
    });
    let code = codes.next().expect("one error");
    assert_eq!(codes.next(), None, "one error only");
    code
}

#[tokio::test]
async fn ten_thousand_connections_are_each_told_and_noticed_and_disturb_nobody() {
    let count = crowd();
    let mut options = Options::default();
    options.notices = 2 * CROWD;
    let mut open = Open::new(options).await;
    let path: PathBuf = open.endpoint.socket("bus.sock").path().to_owned();
    let crowd = tokio::task::spawn_blocking(move || enter(&path, count));
    let mut sweeps = 0;
    while !crowd.is_finished() {
        open.assert_sweeps().await;
        sweeps += 1;
    }
    let crowd = soon(crowd).await.expect("all of them connect");
    open.assert_sweeps().await;
    let codes = tokio::task::spawn_blocking(move || crowd.into_iter().map(refusal).collect::<Vec<_>>());
    let codes = soon(codes).await.expect("each is told");
    let crowded = codes.iter().filter(|code| *code == "crowded").count();
    assert_eq!(crowded + codes.iter().filter(|code| *code == "no_hello").count(), count);
    assert!(crowded > count / 2, "most of them were too many: {crowded}");
    assert!(sweeps > 0, "work went on meanwhile");
    for _ in 0..count {
        open.notice(|notice| match notice {
            Notice::Lagged { missed } => panic!("{missed} notices were missed"),
            notice => matches!(notice, Notice::ConnectionRefused { .. }).then_some(()),
        })
        .await;
    }
    open.porter().await;
}
