//! `kill -9` of the host and of the launcher while sagas run: everything goes on, and nothing is there twice.
//!
//! Each moment is tried twice, or as often as `SAGAS_KILL_ROUNDS` says (`.ci/kills`); every round a little later.

use std::collections::BTreeMap;
use std::time::Duration;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::log::{Details, LogReader, RecordRow, SqliteReader};
use saga_runtime::message::ExchangeKey;
use saga_runtime::prelude::*;
use sagas::bus::Refusal;
use sagas::catalogue::PoolRespawnOnPromote;
use sagas::host::state::HostState;
use sagas::programs::stage::{Stage, Telling};
use serde_json::json;

use super::BINARY;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Host,
    Launcher,
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// A window was promoted; how far its saga is, nobody knows.
    Promoted,
    /// The command is out, and the host has not seen it.
    CommandOut,
    /// The saga has ended.
    Ended,
}

#[tokio::test]
async fn a_killed_host_after_a_promote() {
    rounds(Victim::Host, Moment::Promoted).await;
}

#[tokio::test]
async fn a_killed_host_that_has_not_seen_its_command() {
    rounds(Victim::Host, Moment::CommandOut).await;
}

#[tokio::test]
async fn a_killed_host_after_the_end() {
    rounds(Victim::Host, Moment::Ended).await;
}

#[tokio::test]
async fn a_killed_launcher_after_a_promote() {
    rounds(Victim::Launcher, Moment::Promoted).await;
}

#[tokio::test]
async fn a_killed_launcher_whose_command_is_out() {
    rounds(Victim::Launcher, Moment::CommandOut).await;
}

#[tokio::test]
async fn a_killed_launcher_after_the_end() {
    rounds(Victim::Launcher, Moment::Ended).await;
}

async fn rounds(victim: Victim, moment: Moment) {
    let rounds = std::env::var("SAGAS_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2);
    for round in 0..rounds {
        let mut stage = Stage::open(BINARY, Telling::Silent).await.expect("all come up");
        reach(&stage, moment).await;
        tokio::time::sleep(Duration::from_millis(7 * round % 40)).await;
        kill(&mut stage, victim, moment).await;
        goes_on(&mut stage).await;
        let left = stage.close().await.expect("all stop");
        assert!(left.is_empty(), "left running after round {round}: {left:?}");
    }
}

async fn reach(stage: &Stage, moment: Moment) {
    match moment {
        Moment::Promoted => {
            stage.promote().await.expect("the pool is full");
        }
        Moment::CommandOut => {
            stage.freeze_host().expect("it runs");
            let input = json!({ "promoted_label": "one that the user took" });
            let saga = stage.start(PoolRespawnOnPromote::DEFINITION.name, input).await.expect("the launcher runs");
            let is_out = |saga: &Details| saga.summary.standing.participant.as_deref() == Some("host");
            stage.logged(saga, "waits for the host", is_out).await.expect("it does");
        }
        Moment::Ended => {
            let label = stage.promote().await.expect("the pool is full");
            let saga = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &label).await.expect("it starts");
            stage.logged(saga, "ends", has_ended).await.expect("it does");
        }
    }
}

async fn kill(stage: &mut Stage, victim: Victim, moment: Moment) {
    match victim {
        Victim::Host => {
            stage.kill_host().await.expect("it runs");
            stage.start_host().await.expect("what the first left is no obstacle");
        }
        Victim::Launcher => {
            stage.kill_launcher().await.expect("it runs");
            if moment == Moment::CommandOut {
                stage.thaw_host().expect("it runs");
            }
            stage.start_launcher().await.expect("what the first left is no obstacle");
        }
    }
}

/// One more promote is followed as ever, and then everything is as it should be.
async fn goes_on(stage: &mut Stage) {
    let label = stage.promote().await.expect("a host runs");
    let saga = stage.saga_about(PoolRespawnOnPromote::DEFINITION.name, &label).await.expect("it starts");
    stage.logged(saga, "ends", has_ended).await.expect("it does");
    for saga in stage.all_sagas().expect("the log can be read") {
        let saga = stage.logged(saga.summary.id, "ends", has_ended).await.expect("it does");
        assert!(is_legal_end(&saga), "{saga:?}");
        assert_ends_once(stage, saga.summary.id);
    }
    let state = stage.until("the pool is full", |state| state.hidden() == 2).await.expect("it is filled");
    assert_one_window_each(&state);
}

fn has_ended(saga: &Details) -> bool {
    saga.outcome.is_some()
}

/// It has its window, the pool needed none, or time was up.
fn is_legal_end(saga: &Details) -> bool {
    let outcome = saga.outcome.as_deref().map(serde_json::from_str::<Outcome<serde_json::Value>>);
    match outcome.expect("it has ended").expect("an outcome") {
        Outcome::Completed(_) => true,
        Outcome::Compensated(cause) => {
            cause.kind() == CauseKind::Deadline || cause.refusal() == Some(Refusal::PoolFull)
        }
        Outcome::Ended(_) => false,
    }
}

/// Its records have no holes, and the last one only is an end.
fn assert_ends_once(stage: &Stage, saga: SagaId) {
    let log = stage.endpoint().directory().join(LOG_FILE);
    let records = SqliteReader::open(log).and_then(|mut log| log.records(saga, 1, 1000)).expect("records");
    let numbers: Vec<_> = records.iter().map(|record| record.number as usize).collect();
    assert_eq!(numbers, (1..=records.len()).collect::<Vec<_>>(), "{records:?}");
    let ends: Vec<_> = records.iter().map(is_end).collect();
    assert_eq!(ends.iter().filter(|is_end| **is_end).count(), 1, "{records:?}");
    assert_eq!(ends.last(), Some(&true), "{records:?}");
}

/// Whether the end of a saga is among what followed.
fn is_end(record: &RecordRow) -> bool {
    let data: serde_json::Value = serde_json::from_str(&record.data).expect("JSON");
    data["then"].as_array().is_some_and(|then| then.iter().any(|change| change.get("ended").is_some()))
}

fn assert_one_window_each(state: &HostState) {
    let mut windows = BTreeMap::new();
    for window in &state.windows {
        let Some(asked_by) = &window.asked_by else { continue };
        let key: ExchangeKey = asked_by.parse().expect("a key");
        let before = windows.insert(key.saga, &window.label);
        assert_eq!(before, None, "saga {} has two windows: {state:?}", key.saga);
    }
}
