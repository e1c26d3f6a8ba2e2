//! Commands that somebody waits for, from the command line.

use std::process::Output;

use saga_runtime::message::SagaId;
use sagas::bus::Session;
use sagas::host::control::Wish;
use sagas::programs::stage::{Stage, Telling, until};
use sagas::terminal::{Numbered, SessionEvent};
use serde_json::{Value, json};
use tokio::process::Command;

use super::BINARY;

/// Launcher, host and renderer, and a session in a window of the user.
async fn stage() -> (Stage, Session) {
    let stage = Stage::open(BINARY, Telling::Silent).await.expect("all come up");
    let window = stage.promote().await.expect("the pool is full");
    (stage, Session { window, pane: 1 })
}

async fn sagas(stage: &Stage, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--dir").arg(stage.endpoint().directory());
    command.output().await.expect("the system gives a process")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("it is text")
}

fn input(session: &Session, command: &str, timeout: &str) -> String {
    json!({ "session": session, "command": command, "timeout": timeout }).to_string()
}

/// What `start` prints of a run.
async fn waited(stage: &Stage, session: &Session, command: &str, timeout: &str) -> Value {
    let input = input(session, command, timeout);
    let output = sagas(stage, &["start", "waited_run", &input, "--json"]).await;
    let (told, complaint) = (text(output.stdout), text(output.stderr));
    let last = told.lines().last().unwrap_or_else(|| panic!("it says how it ended: {complaint}"));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {told}"))
}

async fn log(stage: &Stage, session: &Session) -> Vec<Numbered> {
    stage.user().await.expect("the host runs").log(session.clone()).await.expect("it is kept")
}

#[tokio::test]
async fn a_run_is_waited_for_and_its_log_read_from_the_command_line() {
    let (stage, session) = stage().await;
    let output = sagas(&stage, &["start", "waited_run", &input(&session, "echo $((40 + 2)); (exit 3)", "1m")]).await;
    let told = text(output.stdout);
    assert!(output.status.success() && told.contains("completed") && told.contains("\"status\":3"), "{told}");

    let name = session.to_string();
    let shown = text(sagas(&stage, &["window", "log", &name]).await.stdout);
    let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
    assert!(lines.contains(&"    2  input_run    echo $((40 + 2)); (exit 3)"), "{shown}");
    assert!(lines.contains(&"    3  output       42"), "{shown}");
    assert!(lines.contains(&"    4  run_complete run 2, status 3"), "{shown}");
    let shown: Value =
        serde_json::from_slice(&sagas(&stage, &["window", "log", &name, "--json"]).await.stdout).expect("it is JSON");
    assert_eq!(shown["log"][1], json!({ "number": 2, "input_run": { "command": "echo $((40 + 2)); (exit 3)" } }));
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}

#[tokio::test]
async fn who_waits_no_longer_leaves_the_command_to_itself() {
    let (stage, session) = stage().await;
    let told = waited(&stage, &session, "read line; echo $line", "100ms").await;
    assert!(told.to_string().contains("timed_out"), "{told}");
    let line = "at last\n".to_owned();
    stage.wish(Wish::Type { label: session.window.clone(), text: line }).await.expect("the window is there");
    let is_complete = |event: &Numbered| matches!(event.event, SessionEvent::RunComplete { status: 0, .. });
    until("it ends", async || log(&stage, &session).await.iter().any(is_complete)).await.expect("it does");
    let events = log(&stage, &session).await;
    let shown = |event: &Numbered| matches!(&event.event, SessionEvent::Output { text } if text.contains("at last"));
    assert!(events.iter().position(shown) < events.iter().position(is_complete), "{events:?}");

    let saga = told["saga"].to_string();
    let show = async || text(sagas(&stage, &["show", &saga]).await.stdout);
    until("the end is told", async || show().await.contains("said too late")).await.expect("it is");
    let shown = show().await;
    assert!(shown.contains("  run: handled, with RunCompleted {"), "{shown}");
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}

#[tokio::test]
async fn the_end_of_the_session_or_of_the_host_is_an_end() {
    let (mut stage, session) = stage().await;
    let told = waited(&stage, &session, "exit", "1m").await;
    assert!(told.to_string().contains("exited"), "{told}");
    assert_eq!(log(&stage, &session).await.last().map(|event| event.event.clone()), Some(SessionEvent::Exit));

    let window = stage.promote().await.expect("there is another one");
    let session = Session { window, pane: 1 };
    let input = json!({ "session": session, "command": "sleep 1000", "timeout": "1m" });
    let saga: SagaId = stage.start("waited_run", input).await.expect("the launcher runs");
    stage.until("it runs", |state| state.windows.iter().any(|window| window.is_busy())).await.expect("it does");
    stage.kill_host().await.expect("it runs");
    stage.start_host().await.expect("another one comes up");
    let end = stage.logged(saga, "ends", |saga| saga.outcome.is_some()).await.expect("it does");
    assert!(end.outcome.as_deref().is_some_and(|outcome| outcome.contains("no such session")), "{end:?}");
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}

#[tokio::test]
async fn an_input_that_makes_no_sense_is_said_so() {
    let (stage, session) = stage().await;
    for (input, word) in [
        (json!({ "session": session, "command": "ls", "timeout": "soon" }), "such as 5s"),
        (json!({ "session": "here", "command": "ls", "timeout": "5s" }), "WINDOW/PANE"),
    ] {
        let output = sagas(&stage, &["start", "waited_run", &input.to_string()]).await;
        let complaint = text(output.stderr);
        assert!(output.status.code() == Some(1) && complaint.contains(word), "{complaint}");
    }
    let complaint = text(sagas(&stage, &["window", "log", "nowhere/1"]).await.stderr);
    assert!(complaint.contains("no such session"), "{complaint}");
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}
