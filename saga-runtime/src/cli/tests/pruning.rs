//! `prune`, with a coordinator and without one.

use super::whole::shop;
use super::*;
use crate::log::{LogError, LogReader, Query, SagaLog, SqliteReader};

fn there(home: &Home) -> Vec<u64> {
    let mut log = SqliteReader::open(home.directory.path().join(LOG_FILE)).expect("a log");
    let page = log.find(&Query { limit: 100, ..Query::default() }).expect("a page");
    page.sagas.iter().map(|saga| saga.id.get()).collect()
}

/// Sagas 1 and 2 complete, 3 is compensated, 4 is stuck.
async fn sold(home: &Home) {
    for (item, exit) in [("hat", Exit::Done), ("hat", Exit::Done), ("bad", Exit::Compensated), ("worse", Exit::Stuck)] {
        assert_eq!(home.exit(&["start", "sell", &format!(r#"{{"item":"{item}"}}"#)]).await, Ok(exit));
    }
}

#[tokio::test]
async fn the_coordinator_prunes_while_it_runs() {
    let (home, coordinator) = shop().await;
    sold(&home).await;
    for nothing in [
        &["--older-than", "1h"][..],
        &["--keep", "3"],
        &["--keep", "0", "--name", "other"],
        &["--keep", "0", "--dry-run"],
    ] {
        assert_eq!(home.exit(&[&["prune"], nothing].concat()).await, Ok(Exit::Done));
        assert_eq!(there(&home), [4, 3, 2, 1], "{nothing:?}");
    }
    assert_eq!(home.exit(&["prune", "--keep", "1", "--status", "completed", "--json"]).await, Ok(Exit::Done));
    assert_eq!(there(&home), [4, 3, 2]);
    assert_eq!(home.exit(&["prune", "--older-than", "0s", "--keep", "1"]).await, Ok(Exit::Done));
    assert_eq!(there(&home), [4, 3], "the one that ended last is kept whatever its age");
    assert_eq!(home.exit(&["prune", "--keep", "0"]).await, Ok(Exit::Done));
    assert_eq!(there(&home), [4], "what is stuck stays");
    assert_eq!(home.exit(&["skip", "4", "--why", "it never was there"]).await, Ok(Exit::Done));
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn where_none_runs_the_log_is_pruned_all_the_same() {
    let (home, coordinator) = shop().await;
    sold(&home).await;
    coordinator.stop().await.expect("it stops");
    assert_eq!(home.exit(&["prune", "--keep", "1"]).await, Ok(Exit::Done));
    assert_eq!(there(&home), [4, 3]);
    assert_eq!(home.exit(&["prune", "--keep", "0", "--text", "sold out", "--step", "ship"]).await, Ok(Exit::Done));
    assert_eq!(there(&home), [4]);
    let mut log = SqliteLog::open(home.directory.path().join(LOG_FILE)).expect("it is let go");
    let recovery = log.recover().expect("it is whole");
    assert_eq!((recovery.open.len(), recovery.next), (1, Some(sample::saga(5))));
}

#[tokio::test]
async fn a_log_that_somebody_else_has_is_left_alone() {
    let home = Home::new();
    let error = home.exit(&["prune", "--keep", "0"]).await.expect_err("there is none");
    assert!(error.contains("sagas.db: no coordinator has run there yet"), "{error}");
    let path = home.directory.path().join(LOG_FILE);
    let mut held = SqliteLog::open(&path).expect("a log");
    sample::fill(&mut held);
    let error = home.exit(&["prune", "--keep", "0"]).await.expect_err("it is in use");
    assert_eq!(error, LogError::InUse { path }.to_string());
    assert_eq!(home.exit(&["prune", "--keep", "0", "--dry-run"]).await, Ok(Exit::Done), "who only looks may look");
    assert_eq!(there(&home), [3, 2, 1]);
    drop(held);
    assert_eq!(home.exit(&["prune", "--keep", "0"]).await, Ok(Exit::Done));
    assert_eq!(there(&home), [3, 1]);
}

#[tokio::test]
async fn a_coordinator_that_cannot_prune_says_so() {
    let home = Home::new();
    sample::fill(&mut SqliteLog::open(home.directory.path().join(LOG_FILE)).expect("a log"));
    home.coordinator(completed);
    let error = home.exit(&["prune", "--keep", "0"]).await.expect_err("it says no");
    assert_eq!(error, "saga 7 is not stuck", "what the coordinator answers");
    assert_eq!(there(&home), [3, 2, 1]);
}

#[test]
fn it_is_said_how_much_is_to_go() {
    let home = Home::new();
    for arguments in [
        &["prune"][..],
        &["prune", "--name", "replace_window"],
        &["prune", "--keep", "-1"],
        &["prune", "--older-than", "soon"],
        &["prune", "--keep", "0", "--status", "stuck"],
    ] {
        assert_eq!(home.matches(arguments).expect_err("incomplete").exit_code(), 2, "{arguments:?}");
    }
}
