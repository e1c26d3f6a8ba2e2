//! The host alone: what becomes of its shells, however it ends.

use rustix::process::{Pid, Signal, kill_process};
use sagas::bus::Refusal;
use sagas::host::control::{ControlError, HOST_SOCKET, Wish};

use super::stage::{Stage, ended, runs, shells, until};

#[tokio::test]
async fn the_shells_of_a_killed_host_end() {
    let stage = Stage::new();
    let host = stage.fleet().start("host").await.expect("the host comes up");
    let mut user = stage.user().await;
    let label = user.promote().await.expect("the pool is full");
    let text = "sleep 1000\n".to_owned();
    user.ask(&Wish::Type { label: label.clone(), text }).await.expect("the window is there");
    until("the program runs", async || {
        let state = user.state().await.expect("the host is there");
        state.windows.iter().flat_map(|window| &window.panes).any(|pane| pane.busy)
    })
    .await;
    let shells = shells(&user.state().await.expect("the host is there"));
    assert_eq!(shells.len(), 2);
    assert!(shells.iter().copied().all(runs));

    host.kill().await.expect("the host is killed");
    ended(&shells).await;
}

#[tokio::test]
async fn a_host_that_is_stopped_leaves_nothing() {
    for signal in [Some(Signal::INT), Some(Signal::TERM), Some(Signal::HUP), None] {
        let stage = Stage::new();
        let mut host = stage.fleet().start("host").await.expect("the host comes up");
        let shells = shells(&stage.user().await.state().await.expect("the host is there"));
        let status = match signal {
            Some(signal) => {
                let id = host.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
                kill_process(id, signal).expect("it runs");
                host.ended().await
            }
            None => host.stop().await,
        };
        assert!(status.expect("it is our child").success(), "{signal:?}");
        assert!(!shells.into_iter().any(runs), "{signal:?}: it waits for its shells");
        assert!(!stage.path().join(HOST_SOCKET).exists(), "{signal:?}");
    }
}

#[tokio::test]
async fn a_host_killed_is_followed_by_another_with_other_labels() {
    let stage = Stage::new();
    let fleet = stage.fleet();
    let first = fleet.start("host").await.expect("the host comes up");
    let labels = |state: sagas::host::HostState| state.windows.into_iter().map(|window| window.label);
    let before: Vec<_> = labels(stage.user().await.state().await.expect("the host is there")).collect();
    first.kill().await.expect("the host is killed");
    let _second = fleet.start("host").await.expect("what the first left is no obstacle");
    let mut after = labels(stage.user().await.state().await.expect("the host is there"));
    assert!(after.all(|label| !before.contains(&label)));
}

#[tokio::test]
async fn two_hosts_do_not_share_a_directory() {
    let stage = Stage::new();
    let fleet = stage.fleet();
    let _first = fleet.start("host").await.expect("the host comes up");
    let error = fleet.start("host").await.expect_err("one is there").to_string();
    assert!(error.contains("in use by another process"), "{error}");
    stage.user().await.state().await.expect("the first is still there");
}

#[tokio::test]
async fn a_shell_that_cannot_run_is_said_so() {
    let stage = Stage::new();
    let arguments = ["host", "--owned", "--shell", "/no/such/shell"];
    let mut host = stage.fleet().spawn("host", arguments).expect("the system gives a process");
    assert_eq!(host.ended().await.expect("it is our child").code(), Some(1));
    let log = std::fs::read_to_string(stage.path().join("host.log")).expect("it has a log");
    assert!(log.contains("/no/such/shell cannot be run as a shell") && log.contains("--shell"), "{log}");
}

#[tokio::test]
async fn a_host_at_the_limit_of_the_system_refuses_and_goes_on() {
    let stage = Stage::new();
    let host = stage.fleet().start("host").await.expect("the host comes up");
    let id = host.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    let mut user = stage.user().await;
    let limit = rustix::process::Rlimit { current: Some(40), maximum: Some(40) };
    rustix::process::prlimit(Some(id), rustix::process::Resource::Nofile, limit).expect("the host is ours");

    let refused = loop {
        match user.add().await {
            Ok(_) => {}
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, ControlError::Refused(Refusal::OutOfMemory)), "{refused}");
    let state = user.state().await.expect("the host is there");
    assert!(state.windows.iter().all(|window| !window.panes.is_empty()), "nothing is left of the refused one");
    // A shell needs more file descriptors while it is started than later.
    for _ in 0..3 {
        let label = user.promote().await.expect("what was there still is");
        user.ask(&Wish::Close { label }).await.expect("it is idle");
    }
    until("what was closed makes room", async || user.add().await.is_ok()).await;
}
