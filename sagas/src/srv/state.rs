//! What there is to see of a srv: its workspaces with all in them, and what runs in their blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::model::{Model, Session};
use crate::bus::{BlockId, TabId, WorkspaceId};
use crate::terminal::Terminal;

/// What there is to see of a srv.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrvState {
    /// Its process.
    pub process: u32,
    /// Its workspaces.
    pub workspaces: Vec<WorkspaceState>,
    /// Sessions that are being ended, and those whose block is gone.
    pub ending: Vec<BlockId>,
}

/// What there is to see of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceState {
    /// Which.
    pub workspace: WorkspaceId,
    /// Its tabs, in order.
    pub tabs: Vec<TabState>,
}

/// What there is to see of a tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabState {
    /// Which.
    pub tab: TabId,
    /// Where its blocks are. It may still name some that were deleted.
    pub layout: Layout,
    /// Its blocks, in the order of the layout.
    pub blocks: Vec<BlockState>,
}

/// What there is to see of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockState {
    /// Which.
    pub block: BlockId,
    /// The process of its shell; none while no session runs in it.
    pub shell: Option<u32>,
    /// Whether a program runs in its foreground.
    pub busy: bool,
}

impl SrvState {
    pub(super) fn of(model: &Model, terminals: &BTreeMap<BlockId, Arc<Terminal>>) -> Self {
        let block = |block: BlockId| {
            let terminal = terminals.get(&block);
            let busy = terminal.is_some_and(|terminal| terminal.is_busy());
            BlockState { block, shell: terminal.map(|terminal| terminal.shell()), busy }
        };
        let tab = |tab: &TabId| TabState {
            tab: *tab,
            layout: model.tabs.get(tab).map(|tab| tab.layout.clone()).unwrap_or_default(),
            blocks: model.blocks_of(*tab).into_iter().map(block).collect(),
        };
        let workspaces = model
            .workspaces
            .iter()
            .map(|(workspace, tabs)| WorkspaceState { workspace: *workspace, tabs: tabs.iter().map(tab).collect() });
        let is_over =
            |block: &BlockId, session: Session| session == Session::Ending || !model.blocks.contains_key(block);
        let ending = model.sessions.iter().filter(|(block, session)| is_over(block, **session));
        Self {
            process: std::process::id(),
            workspaces: workspaces.collect(),
            ending: ending.map(|(block, _)| *block).collect(),
        }
    }

    /// The workspace of this number.
    pub fn workspace(&self, workspace: WorkspaceId) -> Option<&WorkspaceState> {
        self.workspaces.iter().find(|state| state.workspace == workspace)
    }

    /// All blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &BlockState> {
        self.workspaces.iter().flat_map(|workspace| &workspace.tabs).flat_map(|tab| &tab.blocks)
    }

    /// The block of this number.
    pub fn block(&self, block: BlockId) -> Option<&BlockState> {
        self.blocks().find(|state| state.block == block)
    }

    /// The processes of all shells.
    pub fn shells(&self) -> impl Iterator<Item = u32> {
        self.blocks().filter_map(|block| block.shell)
    }
}
