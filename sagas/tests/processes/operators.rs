//! What operators do from the command line, and what they are told when it makes no sense.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Output;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::pipe::endpoint::BUS_SOCKET;
use sagas::programs::stage::{Stage, Telling};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{BINARY, empty};

async fn sagas(stage: &Stage, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--dir").arg(stage.endpoint().directory());
    command.output().await.expect("the system gives a process")
}

/// What a command prints as JSON.
async fn told(stage: &Stage, arguments: &[&str]) -> Value {
    let output = sagas(stage, arguments).await;
    let told = String::from_utf8(output.stdout).expect("it is text");
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}"))
}

/// The exit code of a command that does not do it, and why.
async fn refused(stage: &Stage, arguments: &[&str]) -> (Option<i32>, String) {
    let output = sagas(stage, arguments).await;
    (output.status.code(), String::from_utf8(output.stderr).expect("it is text"))
}

/// What a launcher in this directory complains of.
async fn launcher_complains(stage: &Stage) -> String {
    let (code, complaint) = refused(stage, &["launcher"]).await;
    assert_eq!(code, Some(1), "{complaint}");
    complaint
}

fn path(stage: &Stage, name: &str) -> std::path::PathBuf {
    stage.endpoint().directory().join(name)
}

fn open_to_all(directory: &Path) {
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o777)).expect("it is ours");
}

#[tokio::test]
async fn a_saga_is_started_seen_and_cancelled() {
    let stage = Stage::open(BINARY, Telling::Silent).await.expect("all come up");
    let old = stage.promote().await.expect("the pool is full");
    stage.freeze_host().expect("it runs");
    let input = json!({ "old": old }).to_string();
    let started = told(&stage, &["start", "replace_window", &input, "--detach", "--json"]).await;
    let id = started["saga"].to_string();

    let shown = told(&stage, &["show", &id, "--json"]).await;
    assert_eq!(shown["saga"]["participant"], "host");
    assert_eq!(shown["saga"]["waiting_for"], "WindowOpened in answer to SpawnWindow");
    let listed = told(&stage, &["list", "--name", "replace_window", "--status", "running", "--json"]).await;
    assert_eq!(listed["sagas"][0]["id"], started["saga"], "{listed}");

    assert!(sagas(&stage, &["cancel", &id, "--why", "the user changed his mind"]).await.status.success());
    stage.thaw_host().expect("it runs");
    let saga = id.parse().expect("a number");
    let end = stage.logged(saga, "ends", |saga| saga.outcome.is_some()).await.expect("it does");
    assert!(end.outcome.as_deref().is_some_and(|outcome| outcome.contains("\"cancelled\"")), "{end:?}");
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}

#[tokio::test]
async fn what_is_wrong_with_the_catalogue_can_be_asked_without_a_launcher() {
    let stage = empty();
    let output = sagas(&stage, &["check"]).await;
    let said = String::from_utf8(output.stdout).expect("it is text");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said, "13 sagas: nothing is wrong, and nothing has changed since the lock file was written\n");
    let said = told(&stage, &["check", "--json"]).await;
    assert_eq!(said, json!({ "sagas": 13, "locked": true, "findings": [] }));
}

#[tokio::test]
async fn a_list_of_windows_says_which_saga_asked_for_one() {
    let stage = Stage::open(BINARY, Telling::Silent).await.expect("all come up");
    let input = json!({ "old": stage.promote().await.expect("the pool is full") });
    let saga = stage.start("replace_window", input).await.expect("it is accepted");
    stage.logged(saga, "ends", |saga| saga.outcome.is_some()).await.expect("it does");
    let listed = String::from_utf8(sagas(&stage, &["window", "list"]).await.stdout).expect("it is text");
    assert!(listed.lines().any(|line| line.ends_with(&format!("saga {saga}"))), "{listed}");
}

#[tokio::test]
async fn a_start_that_makes_no_sense_leaves_nothing() {
    let stage = Stage::open(BINARY, Telling::Silent).await.expect("all come up");
    let (code, why) = refused(&stage, &["start", "replace_window", "{\"old\": 3}"]).await;
    assert_eq!(code, Some(1), "{why}");
    assert!(why.ends_with("`old`: invalid type: integer `3`, expected a string; give {\"old\": Label}\n"), "{why}");
    let (code, why) = refused(&stage, &["start", "replace_window", "no JSON"]).await;
    assert!(code != Some(0), "{why}");
    let (code, why) = refused(&stage, &["start", "replace_widow", "{}"]).await;
    assert_eq!(code, Some(2), "{why}");
    assert!(why.contains("replace_window"), "it names those that there are: {why}");
    assert_eq!(stage.all_sagas().expect("the log can be read"), []);
}

#[tokio::test]
async fn a_file_that_is_no_log_is_left_as_it_is() {
    let stage = empty();
    let log = path(&stage, LOG_FILE);
    let text = "a letter, and not a log; ".repeat(100);
    std::fs::write(&log, &text).expect("it is ours");
    std::fs::set_permissions(&log, PermissionsExt::from_mode(0o600)).expect("it is ours");
    let complaint = launcher_complains(&stage).await;
    assert!(complaint.contains("is not a saga log"), "{complaint}");
    assert_eq!(std::fs::read_to_string(&log).expect("it is there"), text);
}

#[tokio::test]
async fn a_directory_that_others_can_write_is_refused() {
    let stage = empty();
    open_to_all(stage.endpoint().directory());
    let complaint = launcher_complains(&stage).await;
    assert!(complaint.contains("chmod 700"), "{complaint}");
    let (code, complaint) = refused(&stage, &["host"]).await;
    assert_eq!(code, Some(1));
    assert!(complaint.contains("chmod 700"), "{complaint}");
}

#[tokio::test]
async fn a_socket_that_is_a_symlink_is_not_followed() {
    let stage = empty();
    std::fs::write(path(&stage, "precious"), "").expect("it is ours");
    symlink(path(&stage, "precious"), path(&stage, BUS_SOCKET)).expect("it is ours");
    let complaint = launcher_complains(&stage).await;
    assert!(complaint.contains("symlink"), "{complaint}");
    assert!(path(&stage, "precious").exists());
}

#[tokio::test]
async fn without_a_launcher_the_remedy_is_named() {
    let stage = empty();
    let (code, why) = refused(&stage, &["start", "replace_window", "{\"old\": \"w1\"}"]).await;
    assert_eq!(code, Some(1));
    assert!(why.contains("no coordinator is running"), "{why}");
    let (code, why) = refused(&stage, &["window", "list"]).await;
    assert_eq!(code, Some(1));
    assert!(why.contains("sagas up"), "{why}");
}
