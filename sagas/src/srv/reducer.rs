//! What a command changes, what is told of it, and when it is refused. Pure: it knows no rows, terminals or processes.
//!
//! Guards hold but in a rollback: what undoes a step must not be stopped by a rule for users, and what is gone already
//! counts as done. Only what has nowhere to go back to is refused there too, for an operator to look at.

use saga_runtime::prelude::Mode;

use super::model::{Model, Session, Tab};
use crate::bus::{BlockId, Event, Place, Refusal, SrvCommand, TabId, WorkspaceId};

/// What follows from a command that is not refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// What is told of it.
    pub event: Option<Event>,
    /// What is to be done with sessions before it is answered.
    pub then: Option<Then>,
}

/// What is to be done with sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// A shell is to be at its prompt in this block.
    Start(BlockId),
    /// Nothing is to be left of this session; if something stays, the command is refused.
    End(BlockId),
    /// Nothing is to be left of these; what stays stops no rollback.
    EndAll(Vec<BlockId>),
}

/// Decides about one command, and changes what there is; if it is refused, nothing.
///
/// # Errors
/// The refusals that the command declares.
pub fn decide(model: &mut Model, command: &SrvCommand, mode: Mode) -> Result<Decision, Refusal> {
    let guarded = mode != Mode::Compensation;
    let event = match *command {
        SrvCommand::CreateWorkspace => Event::WorkspaceCreated { workspace: model.make_workspace() },
        SrvCommand::DeleteWorkspace { workspace } => return delete_workspace(model, workspace, guarded),
        SrvCommand::ContentsOf { workspace } => contents_of(model, workspace)?,
        SrvCommand::CreateTab { workspace } => {
            let tab = model.make_tab(workspace).ok_or(Refusal::NoSuchWorkspace)?;
            Event::TabCreated { tab }
        }
        SrvCommand::DeleteTab { workspace, tab, cascade } => {
            return delete_tab(model, workspace, tab, cascade, guarded);
        }
        SrvCommand::MoveTab { tab, from, to, at, cascade } => {
            let way = Way { from, to, at };
            move_tab(model, tab, &way, cascade, guarded)?
        }
        SrvCommand::DeleteBlock { tab, block } => {
            delete_block(model, tab, block, guarded)?;
            Event::BlockDeleted
        }
        SrvCommand::DeleteBlocks { tab, ref blocks } => {
            delete_blocks(model, tab, blocks, guarded)?;
            Event::BlocksDeleted
        }
        SrvCommand::CloseGaps { tab } => {
            close_gaps(model, tab);
            return Ok(Decision::default());
        }
        SrvCommand::MoveBlock { block, from, to, at } => {
            let way = Way { from, to, at };
            Event::BlockMoved { was_at: move_block(model, block, &way, guarded)? }
        }
        SrvCommand::PlaceOf { block } => {
            let (tab, place) = model.place_of(block).ok_or(Refusal::NoSuchBlock)?;
            Event::BlockPlace { tab, place }
        }
        SrvCommand::StartSession { block } => return start_session(model, block, guarded),
        SrvCommand::EndSession { block } => return Ok(end_session(model, block)),
    };
    Ok(Decision { event: Some(event), then: None })
}

/// From where to where.
struct Way<Container, At> {
    from: Container,
    to: Container,
    at: Option<At>,
}

fn delete_workspace(model: &mut Model, workspace: WorkspaceId, guarded: bool) -> Result<Decision, Refusal> {
    if guarded {
        let tabs = model.workspaces.get(&workspace).ok_or(Refusal::NoSuchWorkspace)?;
        if !tabs.is_empty() {
            return Err(Refusal::NotEmpty);
        }
    }
    let blocks = model.remove_workspace(workspace);
    Ok(Decision { event: None, then: end_all(model, &blocks) })
}

fn contents_of(model: &Model, workspace: WorkspaceId) -> Result<Event, Refusal> {
    let tabs = model.workspaces.get(&workspace).cloned().ok_or(Refusal::NoSuchWorkspace)?;
    let blocks = tabs.iter().flat_map(|tab| model.blocks_of(*tab)).collect();
    Ok(Event::WorkspaceContents { tabs, blocks })
}

fn delete_tab(
    model: &mut Model,
    workspace: WorkspaceId,
    tab: TabId,
    cascade: bool,
    guarded: bool,
) -> Result<Decision, Refusal> {
    if model.position_of(tab, workspace).is_none() {
        let gone = Event::TabDeleted { blocks: Vec::new() };
        return if guarded { Err(Refusal::NoSuchTab) } else { Ok(Decision { event: Some(gone), then: None }) };
    }
    if guarded && !cascade && is_last(model, workspace) {
        return Err(Refusal::LastTab);
    }
    let blocks = model.remove_tab(tab);
    let then = if guarded { None } else { end_all(model, &blocks) };
    Ok(Decision { event: Some(Event::TabDeleted { blocks }), then })
}

fn is_last(model: &Model, workspace: WorkspaceId) -> bool {
    model.workspaces.get(&workspace).is_some_and(|tabs| tabs.len() == 1)
}

fn move_tab(
    model: &mut Model,
    tab: TabId,
    way: &Way<WorkspaceId, u32>,
    cascade: bool,
    guarded: bool,
) -> Result<Event, Refusal> {
    let Way { from, to, at } = *way;
    let Some(was_at) = model.position_of(tab, from) else {
        let left = count(model.workspaces.get(&from).map_or(0, Vec::len));
        return if guarded { Err(Refusal::NoSuchTab) } else { Ok(Event::TabMoved { was_at: 0, left }) };
    };
    if !model.workspaces.contains_key(&to) {
        return Err(Refusal::NoSuchWorkspace);
    }
    if guarded && !cascade && from != to && is_last(model, from) {
        return Err(Refusal::LastTab);
    }
    let mut left = 0;
    if let Some(tabs) = model.workspaces.get_mut(&from) {
        tabs.remove(was_at);
        left = tabs.len();
    }
    if let Some(tabs) = model.workspaces.get_mut(&to) {
        let at = at.map_or(tabs.len(), |at| (at as usize).min(tabs.len()));
        tabs.insert(at, tab);
    }
    if let Some(tab) = model.tabs.get_mut(&tab) {
        tab.workspace = to;
    }
    Ok(Event::TabMoved { was_at: count(was_at), left: count(left) })
}

fn delete_block(model: &mut Model, tab: TabId, block: BlockId, guarded: bool) -> Result<(), Refusal> {
    if !model.is_in(block, tab) {
        return if guarded { Err(Refusal::NoSuchBlock) } else { Ok(()) };
    }
    model.blocks.remove(&block);
    if let Some(tab) = model.tabs.get_mut(&tab) {
        tab.layout.take_out(block);
    }
    Ok(())
}

fn delete_blocks(model: &mut Model, tab: TabId, blocks: &[BlockId], guarded: bool) -> Result<(), Refusal> {
    if guarded && !blocks.iter().all(|block| model.is_in(*block, tab)) {
        return Err(Refusal::NoSuchBlock);
    }
    model.blocks.retain(|block, of| *of != tab || !blocks.contains(block));
    Ok(())
}

fn close_gaps(model: &mut Model, tab: TabId) {
    let Model { tabs, blocks, .. } = model;
    if let Some(Tab { layout, .. }) = tabs.get_mut(&tab) {
        layout.retain(|block| blocks.get(&block) == Some(&tab));
    }
}

fn move_block(model: &mut Model, block: BlockId, way: &Way<TabId, Place>, guarded: bool) -> Result<Place, Refusal> {
    let Way { from, to, at } = *way;
    if !model.is_in(block, from) {
        let anywhere = Place { column: 0, row: 0, alone: true };
        return if guarded { Err(Refusal::NoSuchBlock) } else { Ok(anywhere) };
    }
    if !model.tabs.contains_key(&to) {
        return Err(Refusal::NoSuchTab);
    }
    let was_at = model.tabs.get_mut(&from).and_then(|tab| tab.layout.take_out(block)).ok_or(Refusal::NoSuchBlock)?;
    if let Some(tab) = model.tabs.get_mut(&to) {
        tab.layout.put(block, at);
    }
    model.blocks.insert(block, to);
    Ok(was_at)
}

fn start_session(model: &mut Model, block: BlockId, guarded: bool) -> Result<Decision, Refusal> {
    if !model.blocks.contains_key(&block) {
        return if guarded { Err(Refusal::NoSuchBlock) } else { Ok(Decision::default()) };
    }
    model.sessions.insert(block, Session::Wanted);
    Ok(Decision { event: None, then: Some(Then::Start(block)) })
}

fn end_session(model: &mut Model, block: BlockId) -> Decision {
    let then = model.sessions.get_mut(&block).map(|session| {
        *session = Session::Ending;
        Then::End(block)
    });
    Decision { event: None, then }
}

/// The sessions of blocks that a rollback takes with it.
fn end_all(model: &mut Model, blocks: &[BlockId]) -> Option<Then> {
    let has_session = |block: &BlockId| model.sessions.contains_key(block);
    let ending: Vec<_> = blocks.iter().copied().filter(has_session).collect();
    for block in &ending {
        model.sessions.insert(*block, Session::Ending);
    }
    (!ending.is_empty()).then_some(Then::EndAll(ending))
}

/// More than four thousand million of anything do not fit into memory.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
