//! The srv alone: what becomes of its shells, however it ends, and what the next one makes of what it left.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use sagas::bus::{BlockId, Refusal};
use sagas::programs::srv::NAME;
use sagas::programs::stage::{Stage, runs, until};
use sagas::srv::control::{ControlError, SRV_SOCKET, Wish};
use sagas::srv::store::STORE_FILE;
use tokio::process::Command;

use super::{BINARY, descendants, empty, signal};

/// What a terminal does not take with it: in the background, deaf to the hang-up, in a session of its own.
const STUBBORN: &str = "sleep 2001 & sh -c 'trap \"\" HUP TERM INT; sleep 2002; :' & setsid sleep 2003 &\n";

/// A srv with a workspace, and something stubborn in its only block.
async fn with_something_stubborn() -> (Stage, BlockId) {
    let mut stage = empty();
    stage.start_srv().await.expect("the srv comes up");
    let (_, _, block) = stage.srv_user().await.expect("it runs").workspace().await.expect("a shell comes up");
    stage.srv_wish(Wish::Type { block, text: STUBBORN.to_owned() }).await.expect("it is there");
    until("all of it runs", async || count(&stage) == 5).await.expect("it does");
    (stage, block)
}

fn processes(stage: &Stage) -> Vec<u32> {
    stage.in_blocks().expect("/proc is there").into_iter().map(|(process, _)| process).collect()
}

fn count(stage: &Stage) -> usize {
    processes(stage).len()
}

/// The keeper among what a srv has started.
fn keeper(srv: Option<u32>) -> Option<u32> {
    let is_keeper = |process: &u32| {
        // One that waits to be reaped has no command line any more.
        let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).nth(1) == Some(b"keeper")
    };
    descendants(srv).into_iter().find(is_keeper)
}

#[tokio::test]
async fn whatever_ran_in_a_killed_srv_ends_and_its_blocks_get_fresh_shells() {
    let (mut stage, block) = with_something_stubborn().await;
    let before = processes(&stage);
    stage.kill_srv().await.expect("it runs");
    stage.ended(&before).await.expect("they end, without another srv");

    stage.start_srv().await.expect("what the first left is no obstacle");
    let state = stage.srv_state().await.expect("it answers");
    let shell = state.block(block).expect("it is there").shell.expect("with a shell");
    assert_eq!(processes(&stage), [shell]);
    assert!(!before.contains(&shell));
    assert!(stage.close().await.expect("all stop").is_empty());
}

#[tokio::test]
async fn what_is_left_when_the_keeper_was_killed_too_ends_before_the_next_srv_is_ready() {
    let (stage, _) = with_something_stubborn().await;
    let before = processes(&stage);
    let state = stage.srv_user().await.expect("it runs").state().await.expect("it answers");
    let keeper = keeper(Some(state.process)).expect("it has one");
    // Stopped, the srv does not see that its keeper is gone.
    signal(Some(state.process), Signal::STOP);
    signal(Some(keeper), Signal::KILL);
    signal(Some(state.process), Signal::KILL);
    until("both are gone", async || !runs(keeper) && !runs(state.process)).await.expect("they are");
    assert!(before.iter().copied().any(runs), "there is nothing to show");

    let next = stage.fleet().start(NAME).await.expect("what they left is no obstacle");
    assert!(!before.iter().copied().any(runs));
    assert_eq!(count(&stage), 1, "a fresh shell");
    next.stop().await.expect("it stops");
    assert_eq!(count(&stage), 0);
}

#[tokio::test]
async fn a_killed_keeper_is_followed_by_another() {
    let (mut stage, _) = with_something_stubborn().await;
    let srv = stage.srv_state().await.expect("it answers").process;
    let first = keeper(Some(srv)).expect("it has one");
    signal(Some(first), Signal::KILL);
    let another = || keeper(Some(srv)).is_some_and(|keeper| keeper != first);
    until("another one comes", async || another()).await.expect("it does");
    let before = processes(&stage);
    stage.kill_srv().await.expect("it runs");
    stage.ended(&before).await.expect("they end");
}

#[tokio::test]
async fn a_srv_that_is_stopped_leaves_nothing() {
    for how in [Some(Signal::INT), Some(Signal::TERM), Some(Signal::HUP), None] {
        let stage = empty();
        let mut srv = stage.fleet().start(NAME).await.expect("the srv comes up");
        let mut user = stage.srv_user().await.expect("it runs");
        let (_, _, block) = user.workspace().await.expect("a shell comes up");
        let text = STUBBORN.to_owned();
        user.ask(&Wish::Type { block, text }).await.expect("it is there");
        until("all of it runs", async || count(&stage) == 5).await.expect("it does");
        let (keeper, before) = (keeper(srv.id()).expect("it has one"), processes(&stage));
        let status = match how {
            Some(how) => {
                signal(srv.id(), how);
                srv.ended().await
            }
            None => srv.stop().await,
        };
        assert!(status.expect("it is our child").success(), "{how:?}");
        assert!(!before.into_iter().chain([keeper]).any(runs), "{how:?}: it waits for them");
        assert!(!stage.endpoint().directory().join(SRV_SOCKET).exists(), "{how:?}");
    }
}

#[tokio::test]
async fn what_there_is_survives_a_srv_as_it_was() {
    let mut stage = empty();
    stage.start_srv().await.expect("the srv comes up");
    let mut user = stage.srv_user().await.expect("it runs");
    let (workspace, tab, _) = user.workspace().await.expect("a shell comes up");
    user.block(tab).await.expect("a shell comes up");
    user.tab(workspace).await.expect("a shell comes up");
    let before = stage.srv_state().await.expect("it answers");
    stage.kill_srv().await.expect("it runs");
    stage.start_srv().await.expect("what the first left is no obstacle");
    let after = stage.srv_state().await.expect("it answers");
    let tabs = |state: &sagas::srv::state::SrvState| {
        let tabs = state.workspaces.iter().flat_map(|workspace| &workspace.tabs);
        tabs.map(|tab| (tab.tab, tab.layout.clone())).collect::<Vec<_>>()
    };
    assert_eq!(tabs(&before), tabs(&after));
    assert_eq!(after.shells().count(), 3);
    let (next, ..) = stage.srv_user().await.expect("it runs").workspace().await.expect("a shell comes up");
    assert!(next > workspace, "no number is given twice");
    assert!(stage.close().await.expect("all stop").is_empty());
}

#[tokio::test]
async fn two_srvs_do_not_share_a_directory() {
    let stage = empty();
    let _first = stage.fleet().start(NAME).await.expect("the srv comes up");
    let (_, _, block) = stage.srv_user().await.expect("it runs").workspace().await.expect("a shell comes up");
    let error = stage.fleet().start(NAME).await.expect_err("one is there").to_string();
    assert!(error.contains("in use by another process"), "{error}");
    let state = stage.srv_user().await.expect("it runs").state().await.expect("it answers");
    assert!(state.block(block).expect("it is there").shell.is_some_and(runs), "the first is still there");
}

#[tokio::test]
async fn a_database_that_is_none_of_ours_is_left_as_it_is() {
    let stage = empty();
    let path = stage.endpoint().directory().join(STORE_FILE);
    let letter = "a letter, and no database; ".repeat(100);
    std::fs::write(&path, &letter).expect("it is ours");
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    let error = stage.fleet().start(NAME).await.expect_err("it is a letter").to_string();
    assert!(error.contains("is not the database of a srv"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), letter);
}

#[tokio::test]
async fn a_user_works_from_the_command_line() {
    let mut stage = empty();
    stage.start_srv().await.expect("the srv comes up");
    let endpoint = stage.endpoint();
    let sagas = async |words: &[&str]| {
        let mut command = Command::new(BINARY);
        command.arg("workspace").args(words).arg("--dir").arg(endpoint.directory());
        let output = command.output().await.expect("the system gives a process");
        let [told, why] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("it is text"));
        if output.status.success() { Ok(told) } else { Err(why) }
    };
    assert_eq!(sagas(&["new"]).await.as_deref(), Ok("workspace 1, tab 1, block 1\n"));
    assert_eq!(sagas(&["block", "1", "--json"]).await.as_deref(), Ok("{\"block\":{\"block\":2}}\n"));
    assert_eq!(sagas(&["tab", "1"]).await.as_deref(), Ok("tab 2, block 3\n"));
    assert_eq!(sagas(&["type", "2", "echo $((6 * 7))"]).await.as_deref(), Ok(""));
    until("it is shown", async || sagas(&["output", "2"]).await.is_ok_and(|text| text.contains("\n42")))
        .await
        .expect("it is");
    assert_eq!(sagas(&["list"]).await.expect("it lists").lines().count(), 4);
    assert_eq!(sagas(&["tab", "9"]).await, Err("error: refused: no such workspace\n".to_owned()));
    stage.kill_srv().await.expect("it runs");
    let away = sagas(&["list"]).await.expect_err("nobody is there");
    assert!(away.contains("sagas up"), "{away}");
}

#[tokio::test]
async fn a_srv_at_the_limit_of_the_system_refuses_and_goes_on() {
    let stage = empty();
    let srv = stage.fleet().start(NAME).await.expect("the srv comes up");
    let mut user = stage.srv_user().await.expect("it runs");
    let (_, tab, _) = user.workspace().await.expect("a shell comes up");
    let id = srv.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    prlimit(id, Resource::Nofile, Rlimit { current: Some(48), maximum: Some(48) }).expect("the srv is ours");
    let mut made = 1;
    let refused = loop {
        match user.block(tab).await {
            Ok(_) => made += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, ControlError::Refused(Refusal::OutOfMemory)), "{refused}");
    let state = user.state().await.expect("the srv is there");
    assert_eq!((state.blocks().count(), state.shells().count()), (made, made), "nothing is left of the refused one");
    srv.stop().await.expect("it stops");
    assert_eq!(count(&stage), 0);
}
