//! `kill -9` of the srv while sagas end and start sessions and delete tabs: each effect is taken once, all answers come, and
//! what runs is what should.
//!
//! The coordinator runs here. Each kind is tried some times, or as often as `SAGAS_KILL_ROUNDS` says (`.ci/kills`); every
//! round a little later.

use std::collections::BTreeSet;
use std::time::Duration;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::prelude::*;
use sagas::bus::{AgentMux, BlockId, TabId, WorkspaceId};
use sagas::programs::stage::Stage;
use sagas::srv::control::Wish;
use sagas::srv::model::Model;
use sagas::srv::store::{STORE_FILE, Store};

use super::empty;

/// Deaf to the hang-up, so that ending it takes the whole grace.
const STUBBORN: &str = "trap '' HUP; setsid sleep 3001 & sleep 3002 &\n";

saga! {
    /// Ends a session.
    saga End(block: BlockId) on AgentMux {
        concurrency allow;
        deadline 60s;
        step end {
            send EndSession { block };
            compensate none because "a test looks at it";
        }
    }
}

saga! {
    /// Ends a session, and starts it again since something else fails.
    saga EndInVain(block: BlockId) on AgentMux {
        concurrency allow;
        deadline 60s;
        step end {
            send EndSession { block };
            compensate StartSession { block };
        }
        require block.0 == 0 else "nothing comes of it";
    }
}

saga! {
    /// Deletes a tab, and ends what ran in it.
    saga Close(workspace: WorkspaceId, tab: TabId) -> Vec<BlockId> on AgentMux {
        concurrency allow;
        deadline 60s;
        step delete -> Vec<BlockId> {
            send DeleteTab { workspace, tab, cascade: false };
            await TabDeleted { blocks } => blocks;
            compensate none because "a test looks at it";
        }
        finally step end for block in delete.unwrap_or_default(), all at once {
            send EndSession { block };
        }
        return delete;
    }
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    End,
    EndInVain,
    Close,
}

#[tokio::test]
async fn killed_while_sessions_end() {
    rounds(Deed::End).await;
}

#[tokio::test]
async fn killed_while_sessions_end_and_start_again() {
    rounds(Deed::EndInVain).await;
}

#[tokio::test]
async fn killed_while_a_tab_is_deleted() {
    rounds(Deed::Close).await;
}

async fn rounds(deed: Deed) {
    let rounds = std::env::var("SAGAS_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8);
    let mut stage = empty();
    let coordinator = coordinator(&stage).await;
    stage.start_srv().await.expect("the srv comes up");
    for round in 0..rounds {
        let (workspace, tab, blocks) = furnish(&stage).await;
        if round % 4 == 3 {
            // It does not get as far as to hear of it.
            stage.freeze_srv().expect("it runs");
        }
        let ended = begin(&coordinator, deed, workspace, tab, blocks.clone()).await;
        tokio::time::sleep(Duration::from_millis(round * 97 % 1100)).await;
        stage.kill_srv().await.expect("it runs");
        stage.start_srv().await.expect("what the first left is no obstacle");
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("all answers come");
        ended.expect("it ends as it should");
        check(&stage, deed, tab, &blocks);
    }
    coordinator.stop().await.expect("the log is whole");
    assert!(stage.close().await.expect("all stop").is_empty());
}

async fn coordinator(stage: &Stage) -> Coordinator<AgentMux> {
    let log = SqliteLog::open(stage.endpoint().directory().join(LOG_FILE)).expect("a log");
    let builder = Coordinator::<AgentMux>::builder().saga::<End>().saga::<EndInVain>().saga::<Close>();
    builder.log(log).listen(stage.endpoint()).start().await.expect("it starts")
}

/// A workspace with two tabs, and in the first of them two blocks, one with something stubborn in it.
async fn furnish(stage: &Stage) -> (WorkspaceId, TabId, Vec<BlockId>) {
    let mut user = stage.srv_user().await.expect("a srv runs");
    let (workspace, tab, first) = user.workspace().await.expect("a shell comes up");
    let second = user.block(tab).await.expect("a shell comes up");
    user.tab(workspace).await.expect("a shell comes up");
    user.ask(&Wish::Type { block: first, text: STUBBORN.to_owned() }).await.expect("it is there");
    (workspace, tab, vec![first, second])
}

/// Starts it; what is given says whether it has ended as it should.
async fn begin(
    coordinator: &Coordinator<AgentMux>,
    deed: Deed,
    workspace: WorkspaceId,
    tab: TabId,
    blocks: Vec<BlockId>,
) -> impl Future<Output = Result<(), String>> + use<> {
    let (mut ends, mut in_vain, mut closes) = (Vec::new(), Vec::new(), Vec::new());
    match deed {
        Deed::End => {
            for block in &blocks {
                ends.push(coordinator.start(End { block: *block }).await.expect("it is recorded"));
            }
        }
        Deed::EndInVain => {
            for block in &blocks {
                in_vain.push(coordinator.start(EndInVain { block: *block }).await.expect("it is recorded"));
            }
        }
        Deed::Close => closes.push(coordinator.start(Close { workspace, tab }).await.expect("it is recorded")),
    }
    async move {
        for end in ends {
            let outcome = end.outcome().await;
            matches!(outcome, Outcome::Completed(())).then_some(()).ok_or(format!("{outcome:?}"))?;
        }
        for end in in_vain {
            let outcome = end.outcome().await;
            matches!(outcome, Outcome::Compensated(_)).then_some(()).ok_or(format!("{outcome:?}"))?;
        }
        for close in closes {
            let outcome = close.outcome().await;
            (outcome == Outcome::Completed(blocks.clone())).then_some(()).ok_or(format!("{outcome:?}"))?;
        }
        Ok(())
    }
}

/// Reads only the database and the process table.
fn check(stage: &Stage, deed: Deed, tab: TabId, blocks: &[BlockId]) {
    let store = Store::open(&stage.endpoint().directory().join(STORE_FILE)).expect("its database");
    let model = store.whole().expect("it can be read");
    assert_eq!(model.flaws(), [""; 0]);
    let is_there = model.tabs.contains_key(&tab);
    assert_eq!(is_there, deed != Deed::Close);
    for block in blocks {
        assert_eq!(model.blocks.contains_key(block), is_there);
        assert_eq!(model.sessions.contains_key(block), deed == Deed::EndInVain, "{block}");
    }
    assert_eq!(in_blocks(stage), wanted(&model), "what runs is what is wanted");
}

fn wanted(model: &Model) -> BTreeSet<BlockId> {
    model.sessions.keys().copied().collect()
}

fn in_blocks(stage: &Stage) -> BTreeSet<BlockId> {
    let processes = stage.in_blocks().expect("/proc is there");
    processes.into_iter().map(|(_, block)| BlockId(block.parse().expect("a number"))).collect()
}
