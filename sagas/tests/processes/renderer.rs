//! A renderer that is killed, and whose launcher is killed, while sagas run: of each saga it has the bracket once, and
//! whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::log::{LogReader, SqliteReader};
use saga_runtime::notice::Bracket;
use saga_runtime::prelude::*;
use sagas::catalogue::PoolRespawnOnPromote;
use sagas::programs::fleet::Member;
use sagas::programs::renderer::Seen;
use sagas::programs::stage::{self, Stage};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::empty;

/// Starts a renderer whose brackets go into this file, and waits until it has seen what is in flight.
async fn renderer(stage: &Stage, file: &Path) -> Member {
    let file = file.to_str().expect("it is text");
    let arguments = ["renderer", "--owned", "--json", "--brackets", "--into", file];
    let mut renderer = stage.fleet().spawn("renderer", arguments).expect("the system gives a process");
    while !matches!(seen(&mut renderer).await, Seen::Snapshot(_)) {}
    renderer
}

async fn seen(renderer: &mut Member) -> Seen {
    let line = timeout(Duration::from_secs(15), renderer.next_line()).await.expect("in time").expect("it goes on");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The brackets in the file, in order.
fn brackets(file: &Path) -> Vec<Bracket> {
    let text = std::fs::read_to_string(file).expect("it is there");
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let lines = whole.map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let mut brackets = Vec::new();
    for mut line in lines {
        assert!(line.get("void").is_none(), "{line}");
        brackets
            .extend(line.get_mut("bracket").map(|bracket| serde_json::from_value(bracket.take()).expect("a bracket")));
    }
    brackets
}

/// One saga that the host has begun to work on, or is about to: it is frozen then.
async fn saga_in_flight(stage: &Stage) -> SagaId {
    stage.freeze_host().expect("it runs");
    let input = json!({ "promoted_label": "one that the user took" });
    stage.start(PoolRespawnOnPromote::DEFINITION.name, input).await.expect("the launcher runs")
}

async fn until_ended(stage: &Stage, saga: SagaId) {
    stage.logged(saga, "ends", |saga| saga.outcome.is_some()).await.expect("it does");
}

async fn saga_that_ends(stage: &Stage) -> SagaId {
    let saga = stage.promote().await.expect("the pool is full");
    let saga = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &saga).await.expect("it was triggered");
    until_ended(stage, saga).await;
    saga
}

#[tokio::test]
async fn each_bracket_comes_once_and_whole_whoever_is_killed() {
    let mut stage = empty();
    stage.start_launcher().await.expect("it comes up");
    stage.start_host().await.expect("it comes up");
    let file: PathBuf = stage.endpoint().directory().join("brackets");
    let watching = renderer(&stage, &file).await;
    saga_that_ends(&stage).await;

    // The launcher is killed while a saga is in flight; the renderer goes on.
    let saga = saga_in_flight(&stage).await;
    stage.kill_launcher().await.expect("it runs");
    stage.thaw_host().expect("it runs");
    stage.start_launcher().await.expect("it comes up");
    until_ended(&stage, saga).await;

    // The renderer is killed while a saga is in flight. That ends, others begin and end, and the launcher is killed too.
    let saga = saga_in_flight(&stage).await;
    watching.kill().await.expect("it runs");
    stage.thaw_host().expect("it runs");
    until_ended(&stage, saga).await;
    saga_that_ends(&stage).await;
    stage.kill_launcher().await.expect("it runs");
    stage.start_launcher().await.expect("it comes up");
    saga_that_ends(&stage).await;
    let watching = renderer(&stage, &file).await;

    // The launcher is killed under it once more, and the renderer at whatever it does then.
    let saga = saga_in_flight(&stage).await;
    stage.kill_launcher().await.expect("it runs");
    stage.thaw_host().expect("it runs");
    stage.start_launcher().await.expect("it comes up");
    watching.kill().await.expect("it runs");
    let watching = renderer(&stage, &file).await;
    until_ended(&stage, saga).await;
    saga_that_ends(&stage).await;

    assert_complete(&stage, &file).await;
    assert!(watching.stop().await.expect("it ends").success());
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}

/// Every saga of the log has one bracket in the file, and it is whole.
async fn assert_complete(stage: &Stage, file: &Path) {
    let ended = stage.all_sagas().expect("the log can be read");
    assert!(ended.iter().all(|saga| saga.outcome.is_some()), "{ended:#?}");
    let all_there = async || brackets(file).len() >= ended.len();
    stage::until("every bracket is in the file", all_there).await.expect("they come");
    let brackets = brackets(file);
    let by_saga: BTreeMap<_, _> = brackets.iter().map(|bracket| (bracket.saga, bracket)).collect();
    assert_eq!((by_saga.len(), brackets.len()), (ended.len(), ended.len()), "each comes once");
    let mut log = SqliteReader::open(stage.endpoint().directory().join(LOG_FILE)).expect("it can be read");
    for saga in ended {
        let bracket = by_saga[&saga.summary.id];
        assert!(bracket.is_whole && is_from_start_to_end(&bracket.notices), "{bracket:#?}");
        let records = log.records(saga.summary.id, 1, 1000).expect("they are there");
        let recorded = |what: &str| {
            let followed =
                records.iter().map(|record| serde_json::from_str::<Value>(&record.data).expect("it is JSON"));
            let followed = followed.map(|data| data["then"].as_array().expect("it is one").clone());
            followed.flatten().filter(|change| change.get(what).is_some()).count()
        };
        let told = |wanted: fn(&Notice) -> bool| bracket.notices.iter().filter(|notice| wanted(notice)).count();
        assert_eq!(told(|notice| matches!(notice, Notice::StepStarted { .. })), recorded("sent"), "{bracket:#?}");
        assert_eq!(told(|notice| matches!(notice, Notice::StepEnded { .. })), recorded("done"), "{bracket:#?}");
    }
}

fn is_from_start_to_end(notices: &[Notice]) -> bool {
    let mut starts = notices.iter().map(|notice| matches!(notice, Notice::SagaStarted { .. }));
    let begins_once = starts.next() == Some(true) && !starts.any(|is_start| is_start);
    begins_once && notices.last().is_some_and(Notice::is_end)
}

#[tokio::test]
async fn a_renderer_without_brackets_goes_on_where_it_was() {
    let mut stage = empty();
    stage.start_launcher().await.expect("it comes up");
    stage.start_host().await.expect("it comes up");
    let mut watching = stage.fleet().spawn("renderer", ["renderer", "--owned", "--json"]).expect("a process");
    assert!(matches!(seen(&mut watching).await, Seen::Snapshot(_)));
    let saga = saga_in_flight(&stage).await;
    stage.kill_launcher().await.expect("it runs");
    stage.thaw_host().expect("it runs");
    stage.start_launcher().await.expect("it comes up");
    until_ended(&stage, saga).await;

    let mut notices = Vec::new();
    while !notices.last().is_some_and(Notice::is_end) {
        if let Seen::Change(told) = seen(&mut watching).await {
            notices.extend(Some(told.notice).filter(|notice| notice.saga() == Some(saga)));
        }
    }
    assert!(is_from_start_to_end(&notices), "{notices:#?}");
    assert_eq!(stage.close().await.expect("all stop"), Vec::<u32>::new());
}

#[tokio::test]
async fn a_renderer_into_the_file_of_another_one_names_the_remedy() {
    let mut stage = empty();
    stage.start_launcher().await.expect("it comes up");
    let file = stage.endpoint().directory().join("brackets");
    let _first = renderer(&stage, &file).await;
    let mut second = tokio::process::Command::new(super::BINARY);
    second.args(["renderer", "--brackets", "--into"]).arg(&file);
    let output = second.arg("--dir").arg(stage.endpoint().directory()).output().await.expect("a process");
    let complaint = String::from_utf8(output.stderr).expect("it is text");
    assert!(
        complaint.contains("another renderer writes into") && complaint.contains("give another file"),
        "{complaint}"
    );
    assert_eq!(output.status.code(), Some(1));
}
