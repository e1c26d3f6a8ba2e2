//! A hundred concurrent tear-offs, closes and deletes over ten workspaces, while the srv is killed at random moments: at the
//! end database, terminals and log agree.
//!
//! What is done and when it is killed follows from a seed; `SAGAS_CHAOS_SEED` sets it, and a failure prints it. The order
//! in which the processes come to their turns does not.

mod checker;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use saga_runtime::cli::LOG_FILE;
use saga_runtime::log::{Group, LogReader, Query, SqliteReader};
use saga_runtime::operator::{Client, Request, Response};
use saga_runtime::pipe::Endpoint;
use saga_runtime::prelude::*;
use sagas::bus::{BlockId, TabId, WorkspaceId};
use sagas::catalogue::{ClosePane, DeleteBlock, DeleteTab, DeleteWorkspace, TearOffBlock, TearOffTab};
use sagas::programs::stage::{Stage, until};
use sagas::srv::control::Wish;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use self::checker::Before;
use super::empty;

const WORKSPACES: usize = 10;
const TABS: usize = 4;
const SAGAS: usize = 100;

/// So many operators start them.
const OPERATORS: usize = 10;

/// Longer than it takes on a slow machine.
const BOUND: Duration = Duration::from_secs(240);

/// So often the srv is killed, if sagas are in flight for so long.
const KILLS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_while_the_srv_is_killed() {
    let seed = std::env::var("SAGAS_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SAGAS_CHAOS_SEED={seed}");
    let mut random = Rng::with_seed(seed);

    let mut stage = empty();
    stage.start_launcher().await.expect("the launcher comes up");
    stage.start_srv().await.expect("the srv comes up");
    let before = furnish(&stage).await;
    let deeds: Vec<_> = (0..SAGAS).map(|number| deed(number, &before, &mut random)).collect();
    let shares = deeds.chunks(SAGAS / OPERATORS).map(<[_]>::to_vec);
    let starts: Vec<_> = shares.map(|share| tokio::spawn(start(stage.endpoint(), share))).collect();
    let kills = kill_while_they_run(&mut stage, &mut random).await;
    for start in starts {
        start.await.expect("it does not panic");
    }

    let directory = stage.endpoint().directory().to_owned();
    let shells = async || checker::differing_sessions(&directory).is_empty();
    // The last srv may still be starting shells.
    let _ = until("what runs is what should", shells).await;
    let flaws = checker::flaws(&directory, &before);
    println!("{kills} kills; {:#?}", counts(&stage));
    assert!(flaws.is_empty(), "seed {seed}: {flaws:#?}");
    assert!(kills > 0, "seed {seed}: it was over before the srv was killed");
    let left = stage.close().await.expect("all stop");
    assert!(left.is_empty(), "seed {seed}: {left:?}");
}

/// Workspaces, each with tabs, each with one or two blocks; in one of those something stubborn.
async fn furnish(stage: &Stage) -> Before {
    let mut user = stage.srv_user().await.expect("it runs");
    let mut before = Before::default();
    for _ in 0..WORKSPACES {
        let (workspace, tab, block) = user.workspace().await.expect("a shell comes up");
        before.add(workspace, tab, block);
        let second = user.block(tab).await.expect("a shell comes up");
        before.add(workspace, tab, second);
        user.ask(&Wish::Type { block: second, text: STUBBORN.to_owned() }).await.expect("it is there");
        for _ in 1..TABS {
            let (tab, block) = user.tab(workspace).await.expect("a shell comes up");
            before.add(workspace, tab, block);
        }
    }
    before
}

/// Deaf to the hang-up, in the background, and in a session of its own.
const STUBBORN: &str = "trap '' HUP; setsid sleep 4001 & sleep 4002 &\n";

/// The name of a saga, and its input.
type Deed = (&'static str, Value);

/// One of a hundred. Several may be after the same tab; then only one can have it.
fn deed(number: usize, before: &Before, random: &mut Rng) -> Deed {
    let tabs: Vec<(TabId, WorkspaceId)> = before.tabs.iter().map(|(tab, workspace)| (*tab, *workspace)).collect();
    let (tab, workspace) = tabs[random.usize(..tabs.len())];
    let blocks: Vec<BlockId> = before.blocks.iter().filter(|(_, of)| **of == tab).map(|(block, _)| *block).collect();
    match number % 20 {
        0..7 => (TearOffTab::DEFINITION.name, json!({ "tab": tab, "source": workspace })),
        7..10 => {
            let input = json!({ "block": blocks[0], "source_tab": tab, "workspace": workspace });
            (TearOffBlock::DEFINITION.name, input)
        }
        10..14 => (ClosePane::DEFINITION.name, json!({ "blocks": blocks, "tab": tab, "workspace": workspace })),
        14..17 => (DeleteTab::DEFINITION.name, json!({ "workspace": workspace, "tab": tab })),
        17..19 => (DeleteBlock::DEFINITION.name, json!({ "block": blocks[0], "tab": tab, "workspace": workspace })),
        _ => (DeleteWorkspace::DEFINITION.name, json!({ "workspace": workspace })),
    }
}

/// As an operator: the next one when the last one is recorded.
async fn start(endpoint: Endpoint, deeds: Vec<Deed>) {
    let mut client = Client::connect(&endpoint).await.expect("the launcher runs");
    for (name, input) in deeds {
        let request = Request::Start { name: name.to_owned(), input, key: None };
        let started = client.request(&request).await.expect("the launcher answers");
        assert!(matches!(started, Response::Started { .. }), "{started:?}");
    }
}

/// Kills the srv and starts it again, while sagas are in flight; then waits until every saga has ended. How often it was
/// killed.
async fn kill_while_they_run(stage: &mut Stage, random: &mut Rng) -> usize {
    let mut kills = 0;
    while kills < KILLS && !have_all_ended(stage) {
        sleep(Duration::from_millis(random.u64(20..200))).await;
        timeout(BOUND, stage.kill_srv()).await.expect("it dies at once").expect("it runs");
        kills += 1;
        stage.start_srv().await.expect("what the last one left is no obstacle");
    }
    let ended = async || {
        while !have_all_ended(stage) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(BOUND, ended()).await.is_err() {
        panic!("not all sagas end: {:#?}", counts(stage));
    }
    kills
}

fn reader(stage: &Stage) -> SqliteReader {
    SqliteReader::open(stage.endpoint().directory().join(LOG_FILE)).expect("the log is there")
}

fn have_all_ended(stage: &Stage) -> bool {
    let sagas = reader(stage).find(&Query { limit: 1000, ..Query::default() }).expect("it can be read").sagas;
    sagas.len() == SAGAS && sagas.iter().all(|saga| saga.standing.status.is_end())
}

/// How many of each kind ended how.
fn counts(stage: &Stage) -> BTreeMap<String, u64> {
    let counts = reader(stage).count(&Query::default(), &[Group::Name, Group::Status]).expect("it can be read");
    let words = |values: Vec<Option<String>>| values.into_iter().flatten().collect::<Vec<_>>().join(" ");
    counts.into_iter().map(|count| (words(count.values), count.count)).collect()
}
