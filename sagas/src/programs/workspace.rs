//! Does with the workspaces of a running srv what their user would do.

use std::io::Write;

use saga_runtime::pipe::Endpoint;

use super::ProgramError;
use crate::bus::BlockId;
use crate::srv::control::{Reply, SRV_SOCKET, SrvClient, Wish};
use crate::srv::layout::Layout;
use crate::srv::state::{BlockState, SrvState};

/// Connects to the srv that runs in this directory.
///
/// # Errors
/// If none does.
pub async fn connect(endpoint: &Endpoint) -> Result<SrvClient, ProgramError> {
    Ok(SrvClient::connect(endpoint, SRV_SOCKET, "srv").await?)
}

/// Asks the srv, and prints what it answers.
///
/// # Errors
/// If no srv runs, or it says no.
pub async fn run(endpoint: &Endpoint, wish: &Wish, json: bool) -> Result<(), ProgramError> {
    let reply = connect(endpoint).await?.ask(wish).await?;
    let text = if json { serde_json::to_string(&reply)? + "\n" } else { shown(&reply) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn shown(reply: &Reply) -> String {
    match reply {
        Reply::State(state) => table(state),
        Reply::Workspace { workspace, tab, block } => format!("{workspace}, {tab}, {block}\n"),
        Reply::Tab { tab, block } => format!("{tab}, {block}\n"),
        Reply::Block { block } => format!("{block}\n"),
        Reply::Output(text) => format!("{text}\n"),
        Reply::Done => String::new(),
    }
}

/// A line for each block; of a tab or workspace without any, one with dashes.
fn table(state: &SrvState) -> String {
    let mut lines = vec![line(["WORKSPACE", "TAB", "BLOCK", "PLACE", "SHELL", "BUSY"])];
    for workspace in &state.workspaces {
        let number = workspace.workspace.0.to_string();
        if workspace.tabs.is_empty() {
            lines.push(line([&number, "-", "-", "-", "-", "-"]));
        }
        for tab in &workspace.tabs {
            let tab_number = tab.tab.0.to_string();
            if tab.blocks.is_empty() {
                lines.push(line([&number, &tab_number, "-", "-", "-", "-"]));
            }
            lines.extend(tab.blocks.iter().map(|block| {
                let shell = block.shell.map_or("none".to_owned(), |shell| shell.to_string());
                let place = place(&tab.layout, block.block);
                line([&number, &tab_number, &block.block.0.to_string(), &place, &shell, busy(block)])
            }));
        }
    }
    lines.extend(state.ending.iter().map(|block| format!("the session of {block} is ending")));
    lines.join("\n") + "\n"
}

fn line(cells: [&str; 6]) -> String {
    let [workspace, tab, block, place, shell, busy] = cells;
    format!("{workspace:<10} {tab:<6} {block:<6} {place:<18} {shell:<8} {busy}").trim_end().to_owned()
}

/// Columns and rows are counted from 1, as people do.
fn place(layout: &Layout, block: BlockId) -> String {
    layout.place_of(block).map_or("-".to_owned(), |place| format!("column {}, row {}", place.column + 1, place.row + 1))
}

fn busy(block: &BlockState) -> &'static str {
    match block {
        BlockState { shell: None, .. } => "-",
        BlockState { busy: true, .. } => "busy",
        BlockState { busy: false, .. } => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{TabId, WorkspaceId};
    use crate::srv::state::{TabState, WorkspaceState};

    #[test]
    fn a_table_has_a_line_for_each_block_and_for_what_has_none() {
        let mut layout = Layout::default();
        layout.put(BlockId(3), None);
        layout.put(BlockId(4), None);
        let blocks = vec![
            BlockState { block: BlockId(3), shell: Some(77), busy: true },
            BlockState { block: BlockId(4), shell: None, busy: false },
        ];
        let tabs = vec![
            TabState { tab: TabId(2), layout, blocks },
            TabState { tab: TabId(5), layout: Layout::default(), blocks: vec![] },
        ];
        let workspaces = vec![
            WorkspaceState { workspace: WorkspaceId(1), tabs },
            WorkspaceState { workspace: WorkspaceId(6), tabs: vec![] },
        ];
        let state = SrvState { process: 1, workspaces, ending: vec![BlockId(7)] };
        let expected = "\
WORKSPACE  TAB    BLOCK  PLACE              SHELL    BUSY
1          2      3      column 1, row 1    77       busy
1          2      4      column 2, row 1    none     -
1          5      -      -                  -        -
6          -      -      -                  -        -
the session of block 7 is ending
";
        assert_eq!(table(&state), expected);
    }
}
