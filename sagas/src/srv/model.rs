//! What a srv has: workspaces, tabs, blocks, their layout, and whose sessions are wanted. Pure data, whole or the part of
//! it that a command needs. It knows no commands, rows or terminals.

use std::collections::BTreeMap;

use super::layout::Layout;
use crate::bus::{BlockId, Place, TabId, WorkspaceId};

/// What there is, or the part of it that was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// The numbers given last.
    pub last: Last,
    /// The workspaces, each with its tabs in order.
    pub workspaces: BTreeMap<WorkspaceId, Vec<TabId>>,
    /// The tabs.
    pub tabs: BTreeMap<TabId, Tab>,
    /// The blocks, each with the tab in which it is.
    pub blocks: BTreeMap<BlockId, TabId>,
    /// The sessions. One may outlive its block, until it is ended.
    pub sessions: BTreeMap<BlockId, Session>,
}

/// The numbers given last, so that none is given twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Last {
    /// To a workspace.
    pub workspace: u64,
    /// To a tab.
    pub tab: u64,
    /// To a block.
    pub block: u64,
}

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// The workspace in which it is.
    pub workspace: WorkspaceId,
    /// Where its blocks are. It may still name some that were deleted.
    pub layout: Layout,
}

/// What is to become of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// It runs; if it does not, it is started.
    Wanted,
    /// It is being ended.
    Ending,
}

impl Model {
    /// Makes a workspace without tabs.
    pub fn make_workspace(&mut self) -> WorkspaceId {
        self.last.workspace += 1;
        let workspace = WorkspaceId(self.last.workspace);
        self.workspaces.insert(workspace, Vec::new());
        workspace
    }

    /// Makes a tab without blocks, the last of its workspace; none without that workspace.
    pub fn make_tab(&mut self, workspace: WorkspaceId) -> Option<TabId> {
        let tabs = self.workspaces.get_mut(&workspace)?;
        self.last.tab += 1;
        let tab = TabId(self.last.tab);
        tabs.push(tab);
        self.tabs.insert(tab, Tab { workspace, layout: Layout::default() });
        Some(tab)
    }

    /// Makes a block whose session is wanted, in a last column of its own; none without that tab.
    pub fn make_block(&mut self, tab: TabId) -> Option<BlockId> {
        let layout = &mut self.tabs.get_mut(&tab)?.layout;
        self.last.block += 1;
        let block = BlockId(self.last.block);
        layout.put(block, None);
        self.blocks.insert(block, tab);
        self.sessions.insert(block, Session::Wanted);
        Some(block)
    }

    /// After how many tabs of this workspace a tab is; none if it is not there.
    pub fn position_of(&self, tab: TabId, workspace: WorkspaceId) -> Option<usize> {
        self.workspaces.get(&workspace)?.iter().position(|other| *other == tab)
    }

    /// Whether a block is in this tab.
    pub fn is_in(&self, block: BlockId, tab: TabId) -> bool {
        self.blocks.get(&block) == Some(&tab)
    }

    /// In which tab a block is, and where there.
    pub fn place_of(&self, block: BlockId) -> Option<(TabId, Place)> {
        let tab = *self.blocks.get(&block)?;
        Some((tab, self.tabs.get(&tab)?.layout.place_of(block)?))
    }

    /// The blocks of a tab, in the order of its layout.
    pub fn blocks_of(&self, tab: TabId) -> Vec<BlockId> {
        let layout = self.tabs.get(&tab).map(|tab| &tab.layout);
        layout.into_iter().flat_map(Layout::blocks).filter(|block| self.is_in(*block, tab)).collect()
    }

    /// Removes a tab with its blocks, which it gives.
    pub fn remove_tab(&mut self, tab: TabId) -> Vec<BlockId> {
        let blocks = self.blocks_of(tab);
        if let Some(Tab { workspace, .. }) = self.tabs.remove(&tab)
            && let Some(tabs) = self.workspaces.get_mut(&workspace)
        {
            tabs.retain(|other| *other != tab);
        }
        self.blocks.retain(|_, of| *of != tab);
        blocks
    }

    /// Removes a workspace with all in it, and gives its blocks.
    pub fn remove_workspace(&mut self, workspace: WorkspaceId) -> Vec<BlockId> {
        let tabs = self.workspaces.get(&workspace).cloned().unwrap_or_default();
        let blocks = tabs.into_iter().flat_map(|tab| self.remove_tab(tab)).collect();
        self.workspaces.remove(&workspace);
        blocks
    }

    /// What is wrong with it: nothing ever should be. Of the whole only.
    pub fn flaws(&self) -> Vec<String> {
        let mut flaws = Vec::new();
        for (workspace, tabs) in &self.workspaces {
            for tab in tabs {
                if self.tabs.get(tab).map(|tab| tab.workspace) != Some(*workspace) {
                    flaws.push(format!("{workspace} names {tab}, which is not in it"));
                }
            }
        }
        for (tab, Tab { workspace, layout }) in &self.tabs {
            let named = self.workspaces.get(workspace).into_iter().flatten().filter(|other| *other == tab).count();
            if named != 1 {
                flaws.push(format!("{tab} is named {named} times by {workspace}"));
            }
            if layout.columns().iter().any(Vec::is_empty) {
                flaws.push(format!("{tab} has an empty column"));
            }
        }
        for (block, tab) in &self.blocks {
            let places = self.tabs.get(tab).map_or(0, |tab| tab.layout.blocks().filter(|other| other == block).count());
            if places != 1 {
                flaws.push(format!("{block} has {places} places in {tab}"));
            }
        }
        flaws.extend(self.given_too_early());
        flaws
    }

    fn given_too_early(&self) -> Option<String> {
        let Last { workspace, tab, block } = self.last;
        let given = [
            self.workspaces.last_key_value().is_some_and(|(last, _)| last.0 > workspace),
            self.tabs.last_key_value().is_some_and(|(last, _)| last.0 > tab),
            self.blocks.last_key_value().is_some_and(|(last, _)| last.0 > block),
        ];
        given.contains(&true).then(|| format!("numbers beyond those given last are in use: {:?}", self.last))
    }
}
