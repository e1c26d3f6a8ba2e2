//! The commands against a real coordinator and a real log.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Home;
use crate::cli::records;
use crate::cli::{Cli, Exit, LOG_FILE};
use crate::lock::Locked;
use crate::log::{LogReader, SqliteReader};
use crate::prelude::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Shop)]
pub(super) enum Command {
    #[to(Depot)]
    #[replies(Reserved)]
    Reserve { item: String },
    #[to(Depot)]
    #[replies(Released)]
    Release { item: String },
    #[to(Depot)]
    #[refuses(SoldOut)]
    Ship { item: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Shop)]
pub(super) enum Event {
    Reserved { shelf: u32 },
    Released,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("sold out")]
    SoldOut,
}

pub(super) struct Shop;
impl Bus for Shop {
    const NAME: &'static str = "shop";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Sells one thing.
    saga Sell(item: String) -> u32 on Shop {
        concurrency allow;
        deadline 1h;

        step reserve -> u32 {
            send Reserve { item };
            await Reserved { shelf } => shelf;
            compensate Release { item };
        }

        step ship {
            send Ship { item };
            compensate none because "what is shipped is gone";
        }

        return reserve;
    }
}

/// Ships nothing but hats; and what is `worse` is not even taken back as declared.
struct Depot;

impl Participant for Depot {
    type Command = DepotCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: DepotCommand, cx: &Context<Shop>) -> Result<(), Refusal> {
        match command {
            DepotCommand::Reserve { .. } => cx.emit(Event::Reserved { shelf: 4 }),
            DepotCommand::Release { item } if item == "worse" => {}
            DepotCommand::Release { .. } => cx.emit(Event::Released),
            DepotCommand::Ship { item } if item == "hat" => {}
            DepotCommand::Ship { .. } => return Err(Refusal::SoldOut),
        }
        Ok(())
    }
}

pub(super) async fn shop() -> (Home, Coordinator<Shop>) {
    let mut home = Home::new();
    home.cli = Cli::new("shop").definitions([Sell::DEFINITION]);
    let directory = home.directory.path();
    let log = SqliteLog::open(directory.join(LOG_FILE)).expect("a log");
    let coordinator = Coordinator::builder().saga::<Sell>().log(log).participant(Depot);
    let coordinator = coordinator.operators(Endpoint::in_dir(directory)).start().await.expect("it starts");
    (home, coordinator)
}

/// Everything that the records of a saga say, in words.
fn told(directory: &Path, saga: u64) -> Vec<String> {
    let mut log = SqliteReader::open(directory.join(LOG_FILE)).expect("a log");
    let saga = SagaId::new(saga).expect("not zero");
    let records = log.records(saga, 1, 1000).expect("records");
    let data = records.iter().map(|record| serde_json::from_str(&record.data).expect("JSON"));
    data.flat_map(|data| records::lines(&data)).collect()
}

#[tokio::test]
async fn what_has_changed_since_it_was_locked_is_found() {
    let home = Home::new();
    let cli = Cli::new("shop").definitions([Sell::DEFINITION]);
    let entry = serde_json::json!({ "fingerprint": Sell::DEFINITION.fingerprint(), "samples": [] });
    let as_it_is: &'static str = serde_json::json!({ "sell version 1": entry }).to_string().leak();
    let other = r#"{ "sell version 1": { "fingerprint": "f", "samples": [] } }"#;
    for (text, exit) in [(as_it_is, Exit::Done), (other, Exit::Failed), ("{}", Exit::Failed), ("[", Exit::Failed)] {
        let cli = cli.clone().lock(text, [Locked::new::<Sell>([])]);
        let home = Home { cli, directory: tempfile::tempdir().expect("a directory") };
        assert_eq!(home.exit(&["check"]).await, Ok(exit), "{text}");
    }
    assert_eq!(Home { cli, ..home }.exit(&["check"]).await, Ok(Exit::Done), "nothing is compared");
}

#[tokio::test]
async fn what_is_started_ends_as_the_exit_code_says() {
    let (home, coordinator) = shop().await;
    let start = |item: &'static str| ["start", "sell", item];
    assert_eq!(home.exit(&start(r#"{"item":"hat"}"#)).await, Ok(Exit::Done));
    assert_eq!(home.exit(&start(r#"{"item":"bad"}"#)).await, Ok(Exit::Compensated));
    assert_eq!(home.exit(&start(r#"{"item":"worse"}"#)).await, Ok(Exit::Stuck));
    let again = [&start(r#"{"item":"hat"}"#)[..], &["--key", "a"]].concat();
    assert_eq!(home.exit(&again).await, Ok(Exit::Done));
    assert_eq!(home.exit(&again).await, Ok(Exit::Done));
    home.exit(&start("{}")).await.expect_err("without an item");
    for arguments in [&["list"][..], &["list", "--by", "status", "--json"], &["show", "1"], &["show", "3"]] {
        assert_eq!(home.exit(arguments).await, Ok(Exit::Done));
    }
    coordinator.stop().await.expect("stops");
}

#[tokio::test]
async fn a_stuck_saga_is_resolved_by_an_operator() {
    let (home, coordinator) = shop().await;
    assert_eq!(home.exit(&["start", "sell", r#"{"item":"worse"}"#]).await, Ok(Exit::Stuck));
    home.exit(&["cancel", "9", "--why", "a typo"]).await.expect_err("there is none");
    assert_eq!(home.exit(&["skip", "1", "--why", "it never was there"]).await, Ok(Exit::Done));
    home.exit(&["retry", "1", "--why", "again"]).await.expect_err("it has ended");
    home.exit(&["cancel", "1", "--why", "again"]).await.expect_err("it has ended");
    assert_eq!(home.exit(&["tail", "--saga", "1"]).await, Ok(Exit::Done));
    coordinator.stop().await.expect("stops");

    let told = told(home.directory.path(), 1);
    let skipped = told.iter().position(|line| line.contains("it never was there")).expect("on record");
    assert!(told[skipped].starts_with("the operator says skip by "), "{}", told[skipped]);
    let withdrawn = "undo reserve: the answer of depot is no longer awaited";
    assert_eq!(told[skipped + 1..], ["goes on", withdrawn, "undo reserve: passed over", "compensated: sold out"]);
}

#[tokio::test]
async fn every_record_of_a_coordinator_is_told_in_words() {
    let (home, coordinator) = shop().await;
    assert_eq!(home.exit(&["start", "sell", r#"{"item":"bad"}"#]).await, Ok(Exit::Compensated));
    coordinator.stop().await.expect("stops");
    assert_eq!(
        told(home.directory.path(), 1),
        [
            "started by a call",
            r#"reserve: sends depot Reserve {"item":"bad"}"#,
            r#"reserve: handled, with Reserved {"shelf":4}"#,
            "reserve: done",
            r#"ship: sends depot Ship {"item":"bad"}"#,
            "ship: refused: SoldOut",
            "fails at ship: sold out",
            r#"undo reserve: sends depot Release {"item":"bad"}"#,
            "undo reserve: handled, with Released",
            "undo reserve: done",
            "compensated: sold out",
        ]
    );
}
