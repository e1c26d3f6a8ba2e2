//! The host alone: what becomes of its shells, however it ends.

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use sagas::bus::{Label, Refusal};
use sagas::host::control::{ControlError, HOST_SOCKET, Wish};
use sagas::host::state::HostState;
use sagas::programs::stage::{Stage, runs, until};

use super::{empty, signal};

async fn state(stage: &Stage) -> HostState {
    stage.user().await.expect("a host runs").state().await.expect("it answers")
}

fn labels(state: HostState) -> Vec<Label> {
    state.windows.into_iter().map(|window| window.label).collect()
}

#[tokio::test]
async fn the_shells_of_a_killed_host_end() {
    let mut stage = empty();
    stage.start_host().await.expect("the host comes up");
    let label = stage.promote().await.expect("the pool is full");
    let text = "sleep 1000\n".to_owned();
    stage.wish(Wish::Type { label: label.clone(), text }).await.expect("the window is there");
    let is_busy = |state: &HostState| state.window(&label).is_some_and(|window| window.is_busy());
    let shells: Vec<_> = stage.until("the program runs", is_busy).await.expect("it does").shells().collect();
    assert_eq!(shells.len(), 2);
    assert!(shells.iter().copied().all(runs));

    stage.kill_host().await.expect("it runs");
    stage.ended(&shells).await.expect("they end");
}

#[tokio::test]
async fn a_host_that_is_stopped_leaves_nothing() {
    for how in [Some(Signal::INT), Some(Signal::TERM), Some(Signal::HUP), None] {
        let stage = empty();
        let mut host = stage.fleet().start("host").await.expect("the host comes up");
        let shells: Vec<_> = state(&stage).await.shells().collect();
        let status = match how {
            Some(how) => {
                signal(host.id(), how);
                host.ended().await
            }
            None => host.stop().await,
        };
        assert!(status.expect("it is our child").success(), "{how:?}");
        assert!(!shells.into_iter().any(runs), "{how:?}: it waits for its shells");
        assert!(!stage.endpoint().directory().join(HOST_SOCKET).exists(), "{how:?}");
    }
}

#[tokio::test]
async fn a_host_killed_is_followed_by_another_with_other_labels() {
    let mut stage = empty();
    stage.start_host().await.expect("the host comes up");
    let before = labels(state(&stage).await);
    stage.kill_host().await.expect("it runs");
    stage.start_host().await.expect("what the first left is no obstacle");
    let after = labels(state(&stage).await);
    assert_eq!((before.len(), after.len()), (2, 2));
    assert!(after.iter().all(|label| !before.contains(label)));
}

#[tokio::test]
async fn two_hosts_do_not_share_a_directory() {
    let stage = empty();
    let _first = stage.fleet().start("host").await.expect("the host comes up");
    let error = stage.fleet().start("host").await.expect_err("one is there").to_string();
    assert!(error.contains("in use by another process"), "{error}");
    assert_eq!(state(&stage).await.hidden(), 2, "the first is still there");
}

#[tokio::test]
async fn a_shell_that_cannot_run_is_said_so() {
    let stage = empty();
    let arguments = ["host", "--owned", "--shell", "/no/such/shell"];
    let mut host = stage.fleet().spawn("host", arguments).expect("the system gives a process");
    assert_eq!(host.ended().await.expect("it is our child").code(), Some(1));
    let log = std::fs::read_to_string(stage.endpoint().directory().join("host.log")).expect("it has a log");
    assert!(log.contains("/no/such/shell cannot be run as a shell") && log.contains("--shell"), "{log}");
}

#[tokio::test]
async fn a_host_at_the_limit_of_the_system_refuses_and_goes_on() {
    let stage = empty();
    let host = stage.fleet().start("host").await.expect("the host comes up");
    let id = host.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    prlimit(id, Resource::Nofile, Rlimit { current: Some(40), maximum: Some(40) }).expect("the host is ours");

    let mut user = stage.user().await.expect("the host runs");
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
    until("what was closed makes room", async || user.add().await.is_ok()).await.expect("it does");
}
