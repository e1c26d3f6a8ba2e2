//! The scenes with the srv: what is done with workspaces, their tabs and blocks.

use std::collections::BTreeSet;

use saga_runtime::notice::Notice;
use saga_runtime::prelude::*;
use serde_json::json;

use super::{completed, ended, is_waiting, refused};
use crate::bus::{BlockId, Refusal, TabId, WorkspaceId};
use crate::catalogue::{ClosePane, DeleteTab, DeleteWorkspace, TearOffTab};
use crate::programs::ProgramError;
use crate::programs::demo::checks::Checks;
use crate::programs::stage::Stage;
use crate::srv::control::Wish;
use crate::srv::state::SrvState;

/// Deaf to the hang-up, so that it must be killed.
const STUBBORN: &str = "trap '' HUP; sleep 1000 & sleep 1001\n";

/// All scenes, in order.
pub(super) async fn play(stage: &mut Stage, checks: &mut Checks) -> Result<(), ProgramError> {
    stage.say("a workspace is opened, with three tabs")?;
    let mut user = stage.srv_user().await?;
    let (workspace, first, _) = user.workspace().await?;
    let (second, block) = user.tab(workspace).await?;
    let (third, _) = user.tab(workspace).await?;
    a_tear_off(stage, checks, workspace, (second, block)).await?;
    two_racing_closes(stage, checks, workspace, [first, third]).await?;
    a_pane(stage, checks, workspace).await?;
    a_killed_srv(stage, checks).await
}

async fn a_tear_off(
    stage: &mut Stage,
    checks: &mut Checks,
    source: WorkspaceId,
    (tab, block): (TabId, BlockId),
) -> Result<(), ProgramError> {
    stage.say(&format!("{tab} is torn off {source}"))?;
    let before = shell(&stage.srv_state().await?, block);
    let saga = stage.start(TearOffTab::DEFINITION.name, json!({ "tab": tab, "source": source })).await?;
    let end = ended(stage, saga).await?;
    let state = stage.srv_state().await?;
    let own = completed::<WorkspaceId>(&end);
    checks.add(
        "a tab that is torn off has a workspace of its own, and its shell goes on",
        own.is_some_and(|own| tabs(&state, own) == [tab])
            && tabs(&state, source).len() == 2
            && before.is_some()
            && shell(&state, block) == before,
        format!("{:?}, {:?}", end.outcome, state.workspaces),
    );
    Ok(())
}

/// Both would be allowed if they were alone.
async fn two_racing_closes(
    stage: &mut Stage,
    checks: &mut Checks,
    workspace: WorkspaceId,
    closed: [TabId; 2],
) -> Result<(), ProgramError> {
    stage.say(&format!("the last two tabs of {workspace} are closed at once"))?;
    let before = stage.srv_state().await?;
    let close = |tab: TabId| json!({ "workspace": workspace, "tab": tab });
    let [one, other] = closed.map(|tab| stage.start(DeleteTab::DEFINITION.name, close(tab)));
    let (one, other) = tokio::join!(one, other);
    let ends = [ended(stage, one?).await?, ended(stage, other?).await?];
    let gone: Vec<_> = before.shells().collect();
    let state = stage.srv_state().await?;
    let kept = tabs(&state, workspace);
    let went = ends.iter().filter(|end| completed::<()>(end).is_some()).count();
    let told: Vec<_> = ends.iter().filter_map(refused).collect();
    checks.add(
        "of two racing closes one is refused, since a workspace keeps at least one tab",
        went == 1 && told == [Refusal::LastTab] && kept.len() == 1 && closed.contains(&kept[0]),
        format!("{:?}, {kept:?} left", ends.each_ref().map(|end| &end.outcome)),
    );
    let left: BTreeSet<_> = state.shells().collect();
    let gone: Vec<_> = gone.into_iter().filter(|shell| !left.contains(shell)).collect();
    stage.ended(&gone).await?;
    checks.add("the shell of the closed tab is gone, and no other", gone.len() == 1, format!("{gone:?}"));
    Ok(())
}

async fn a_pane(stage: &mut Stage, checks: &mut Checks, workspace: WorkspaceId) -> Result<(), ProgramError> {
    let tab = *tabs(&stage.srv_state().await?, workspace).first().ok_or("the workspace has no tab")?;
    let mut user = stage.srv_user().await?;
    let blocks = [user.block(tab).await?, user.block(tab).await?];
    stage.say(&format!("a pane of two blocks is closed; what runs in them is deaf to the hang-up ({tab})"))?;
    for block in blocks {
        stage.srv_wish(Wish::Type { block, text: STUBBORN.to_owned() }).await?;
    }
    let is_busy = |state: &SrvState| {
        let busy = blocks.iter().filter_map(|block| state.block(*block)).filter(|block| block.busy);
        busy.count() == blocks.len()
    };
    let before = stage.until_srv("the programs run", is_busy).await?;
    let shells: Vec<_> = blocks.iter().filter_map(|block| shell(&before, *block)).collect();
    let input = json!({ "blocks": blocks, "tab": tab, "workspace": workspace });
    let saga = stage.start(ClosePane::DEFINITION.name, input).await?;
    let end = ended(stage, saga).await?;
    stage.ended(&shells).await?;
    let state = stage.srv_state().await?;
    let layout = state.workspace(workspace).and_then(|workspace| workspace.tabs.first()).map(|tab| &tab.layout);
    checks.add(
        "a pane is closed: its sessions have ended, its blocks are gone, and the layout has no gap",
        completed::<()>(&end).is_some()
            && shells.len() == 2
            && blocks.iter().all(|block| state.block(*block).is_none())
            && layout.is_some_and(|layout| layout.blocks().count() == 1),
        format!("{:?}, {layout:?}", end.outcome),
    );
    let bracket = stage.bracket(saga).await.unwrap_or_default();
    let begun = bracket.iter().take_while(|notice| !matches!(notice, Notice::StepEnded { .. }));
    let at_once = begun.filter(|notice| matches!(notice, Notice::StepStarted { .. })).count();
    checks.add("both sessions were ended at once", at_once == 2, format!("{bracket:?}"));
    Ok(())
}

/// The srv dies with a command in its hands.
async fn a_killed_srv(stage: &mut Stage, checks: &mut Checks) -> Result<(), ProgramError> {
    let (workspace, _, block) = stage.srv_user().await?.workspace().await?;
    stage.srv_wish(Wish::Type { block, text: STUBBORN.to_owned() }).await?;
    let is_busy = |state: &SrvState| state.block(block).is_some_and(|block| block.busy);
    let before = stage.until_srv("the program runs", is_busy).await?;
    stage.say(&format!("the srv is killed (kill -9) while {workspace} is deleted"))?;
    stage.freeze_srv()?;
    let saga = stage.start(DeleteWorkspace::DEFINITION.name, json!({ "workspace": workspace })).await?;
    stage.logged(saga, "waits for the srv", |details| is_waiting(details, "srv")).await?;
    stage.kill_srv().await?;
    let shells: Vec<_> = before.shells().collect();
    stage.ended(&shells).await?;
    let left = stage.until_marked_end().await?;
    checks.add(
        "a srv that is killed takes its sessions with it, stubborn ones too",
        left.is_empty() && shells.len() == 3,
        format!("{left:?} of {shells:?}"),
    );
    stage.say("the srv is started again")?;
    stage.start_srv().await?;
    let end = ended(stage, saga).await?;
    let state = stage.srv_state().await?;
    checks.add(
        "the saga goes on with the new srv: the workspace is gone, and those that stay have fresh shells",
        completed::<()>(&end).is_some()
            && state.workspace(workspace).is_none()
            && state.workspaces.len() == 2
            && state.shells().count() == 2
            && state.shells().all(|shell| !shells.contains(&shell)),
        format!("{:?}, {:?}", end.outcome, state.workspaces),
    );
    let of: BTreeSet<_> = stage.in_blocks()?.into_iter().map(|(_, block)| block).collect();
    let blocks: BTreeSet<_> = state.blocks().map(|block| block.block.0.to_string()).collect();
    checks.add(
        "no session is without a block, no block without a session",
        of == blocks,
        format!("{of:?}, {blocks:?}"),
    );
    Ok(())
}

fn tabs(state: &SrvState, workspace: WorkspaceId) -> Vec<TabId> {
    let workspace = state.workspace(workspace);
    workspace.into_iter().flat_map(|workspace| &workspace.tabs).map(|tab| tab.tab).collect()
}

fn shell(state: &SrvState, block: BlockId) -> Option<u32> {
    state.block(block)?.shell
}
