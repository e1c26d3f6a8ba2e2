//! What there is, to and from rows. Only what a command needs is read, and only what it changed is written, so that its
//! cost does not grow with what else there is.

use saga_runtime::rusqlite::types::Type;
use saga_runtime::rusqlite::{self, CachedStatement, Connection, OptionalExtension, Params, Row};

use crate::bus::{BlockId, SrvCommand, TabId, WorkspaceId};
use crate::srv::layout::Layout;
use crate::srv::model::{Last, Model, Session, Tab};

// A session has no foreign key: it may outlive its block until it is ended. Neither has a layout, which may name blocks
// that were deleted.
pub(super) const TABLES: &str = "
    CREATE TABLE last_number (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        workspace INTEGER NOT NULL, tab INTEGER NOT NULL, block INTEGER NOT NULL
    ) STRICT;
    INSERT INTO last_number VALUES (1, 0, 0, 0);
    CREATE TABLE workspace (id INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE tab (
        id INTEGER PRIMARY KEY, workspace INTEGER NOT NULL REFERENCES workspace,
        position INTEGER NOT NULL, layout TEXT NOT NULL
    ) STRICT;
    CREATE INDEX tab_by_workspace ON tab (workspace, position);
    CREATE TABLE block (id INTEGER PRIMARY KEY, tab INTEGER NOT NULL REFERENCES tab) STRICT;
    CREATE INDEX block_by_tab ON block (tab);
    CREATE TABLE session (
        block INTEGER PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('wanted', 'ending'))
    ) STRICT;
";

/// Which part of what there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    /// These, with the numbers of their tabs.
    workspaces: Vec<WorkspaceId>,
    /// And with all that is in those.
    with_contents: bool,
    /// These, with their blocks and sessions.
    tabs: Vec<TabId>,
    /// These, with their layout only.
    layouts: Vec<TabId>,
    /// These, with their sessions.
    blocks: Vec<BlockId>,
    /// And with the layouts of the tabs in which they are.
    with_layouts: bool,
}

impl Extent {
    /// What a command needs.
    pub fn of(command: &SrvCommand) -> Self {
        match *command {
            SrvCommand::CreateWorkspace => Self::default(),
            SrvCommand::DeleteWorkspace { workspace } | SrvCommand::ContentsOf { workspace } => {
                Self { workspaces: vec![workspace], with_contents: true, ..Self::default() }
            }
            SrvCommand::CreateTab { workspace } => Self::workspace(workspace),
            SrvCommand::DeleteTab { workspace, tab, .. } => {
                Self { workspaces: vec![workspace], tabs: vec![tab], ..Self::default() }
            }
            SrvCommand::MoveTab { tab, from, to, .. } => {
                Self { workspaces: vec![from, to], tabs: vec![tab], ..Self::default() }
            }
            SrvCommand::DeleteBlock { tab, block } => Self { layouts: vec![tab], ..Self::block(block) },
            SrvCommand::DeleteBlocks { ref blocks, .. } => Self { blocks: blocks.clone(), ..Self::default() },
            SrvCommand::CloseGaps { tab } => Self::tab(tab),
            SrvCommand::MoveBlock { block, from, to, .. } => Self { layouts: vec![from, to], ..Self::block(block) },
            SrvCommand::PlaceOf { block } => Self { with_layouts: true, ..Self::block(block) },
            SrvCommand::StartSession { block } | SrvCommand::EndSession { block } => Self::block(block),
        }
    }

    /// A workspace, with the numbers of its tabs.
    pub fn workspace(workspace: WorkspaceId) -> Self {
        Self { workspaces: vec![workspace], ..Self::default() }
    }

    /// A tab, with its blocks and their sessions.
    pub fn tab(tab: TabId) -> Self {
        Self { tabs: vec![tab], ..Self::default() }
    }

    /// A block, with its session.
    pub fn block(block: BlockId) -> Self {
        Self { blocks: vec![block], ..Self::default() }
    }
}

/// The part of what there is.
pub(super) fn load(connection: &Connection, extent: &Extent) -> rusqlite::Result<Model> {
    let mut loading = Loading { connection, model: Model { last: last(connection)?, ..Model::default() } };
    for workspace in &extent.workspaces {
        loading.workspace(*workspace, extent.with_contents)?;
    }
    for tab in &extent.tabs {
        loading.tab(*tab)?;
    }
    for tab in &extent.layouts {
        loading.layout(*tab)?;
    }
    for block in &extent.blocks {
        loading.block(*block, extent.with_layouts)?;
    }
    Ok(loading.model)
}

/// All there is.
///
/// # Errors
/// What the database says.
pub fn load_all(connection: &Connection) -> rusqlite::Result<Model> {
    let mut loading = Loading { connection, model: Model { last: last(connection)?, ..Model::default() } };
    for workspace in all(connection, "SELECT id FROM workspace", [], |row| id(row, 0).map(WorkspaceId))? {
        loading.workspace(workspace, true)?;
    }
    loading
        .model
        .sessions
        .extend(all(connection, "SELECT block, state FROM session", [], |row| Ok((block(row, 0)?, session(row, 1)?)))?);
    Ok(loading.model)
}

struct Loading<'a> {
    connection: &'a Connection,
    model: Model,
}

impl Loading<'_> {
    fn workspace(&mut self, workspace: WorkspaceId, with_contents: bool) -> rusqlite::Result<()> {
        let exists = cached(self.connection, "SELECT 1 FROM workspace WHERE id = ?1")?.exists([number(workspace.0)])?;
        if !exists {
            return Ok(());
        }
        let tabs = "SELECT id FROM tab WHERE workspace = ?1 ORDER BY position";
        let tabs = all(self.connection, tabs, [number(workspace.0)], |row| id(row, 0).map(TabId))?;
        if with_contents {
            for tab in &tabs {
                self.tab(*tab)?;
            }
        }
        self.model.workspaces.insert(workspace, tabs);
        Ok(())
    }

    fn layout(&mut self, tab: TabId) -> rusqlite::Result<()> {
        let found = cached(self.connection, "SELECT workspace, layout FROM tab WHERE id = ?1")?
            .query_row([number(tab.0)], |row| Ok(Tab { workspace: WorkspaceId(id(row, 0)?), layout: layout(row, 1)? }))
            .optional()?;
        self.model.tabs.extend(found.map(|found| (tab, found)));
        Ok(())
    }

    fn tab(&mut self, tab: TabId) -> rusqlite::Result<()> {
        self.layout(tab)?;
        let blocks = "SELECT id, state FROM block LEFT JOIN session ON block = id WHERE tab = ?1";
        let blocks = all(self.connection, blocks, [number(tab.0)], |row| Ok((block(row, 0)?, maybe_session(row, 1)?)))?;
        for (block, session) in blocks {
            self.model.blocks.insert(block, tab);
            self.model.sessions.extend(session.map(|session| (block, session)));
        }
        Ok(())
    }

    fn block(&mut self, block: BlockId, with_layout: bool) -> rusqlite::Result<()> {
        let tab = cached(self.connection, "SELECT tab FROM block WHERE id = ?1")?
            .query_row([number(block.0)], |row| id(row, 0).map(TabId))
            .optional()?;
        let found = cached(self.connection, "SELECT state FROM session WHERE block = ?1")?
            .query_row([number(block.0)], |row| session(row, 0))
            .optional()?;
        self.model.blocks.extend(tab.map(|tab| (block, tab)));
        self.model.sessions.extend(found.map(|session| (block, session)));
        match tab {
            Some(tab) if with_layout => self.layout(tab),
            _ => Ok(()),
        }
    }
}

/// Writes the difference, in the order that the foreign keys ask for.
pub(super) fn save(connection: &Connection, before: &Model, after: &Model) -> rusqlite::Result<()> {
    let run = |statement: &str, values: &[i64]| -> rusqlite::Result<()> {
        cached(connection, statement)?.execute(rusqlite::params_from_iter(values)).map(drop)
    };
    if before.last != after.last {
        let Last { workspace, tab, block } = after.last;
        let values = [workspace, tab, block].map(number);
        run("UPDATE last_number SET workspace = ?1, tab = ?2, block = ?3", &values)?;
    }
    for workspace in after.workspaces.keys().filter(|workspace| !before.workspaces.contains_key(workspace)) {
        run("INSERT INTO workspace VALUES (?1)", &[number(workspace.0)])?;
    }
    save_tabs(connection, before, after)?;
    for (block, tab) in after.blocks.iter().filter(|(block, tab)| before.blocks.get(block) != Some(tab)) {
        let put = "INSERT INTO block (id, tab) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET tab = ?2";
        run(put, &[number(block.0), number(tab.0)])?;
    }
    save_sessions(connection, before, after)?;
    for block in before.blocks.keys().filter(|block| !after.blocks.contains_key(block)) {
        run("DELETE FROM block WHERE id = ?1", &[number(block.0)])?;
    }
    for tab in before.tabs.keys().filter(|tab| !after.tabs.contains_key(tab)) {
        run("DELETE FROM tab WHERE id = ?1", &[number(tab.0)])?;
    }
    for workspace in before.workspaces.keys().filter(|workspace| !after.workspaces.contains_key(workspace)) {
        run("DELETE FROM workspace WHERE id = ?1", &[number(workspace.0)])?;
    }
    Ok(())
}

/// Tabs that are new, have another layout, or are elsewhere.
fn save_tabs(connection: &Connection, before: &Model, after: &Model) -> rusqlite::Result<()> {
    for (tab, Tab { workspace, layout }) in &after.tabs {
        if before.tabs.get(tab).map(|tab| &tab.layout) != Some(layout) {
            let put = "INSERT INTO tab (id, workspace, position, layout) VALUES (?1, ?2, 0, ?3)
                       ON CONFLICT DO UPDATE SET layout = ?3";
            let layout = serde_json::to_string(layout).map_err(unwritable)?;
            cached(connection, put)?.execute(rusqlite::params![number(tab.0), number(workspace.0), layout])?;
        }
    }
    for (workspace, tabs) in &after.workspaces {
        let were = before.workspaces.get(workspace).map(Vec::as_slice).unwrap_or_default();
        for (position, tab) in tabs.iter().enumerate().filter(|(position, tab)| were.get(*position) != Some(tab)) {
            let put = "UPDATE tab SET workspace = ?2, position = ?3 WHERE id = ?1";
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            cached(connection, put)?.execute([number(tab.0), number(workspace.0), position])?;
        }
    }
    Ok(())
}

fn save_sessions(connection: &Connection, before: &Model, after: &Model) -> rusqlite::Result<()> {
    for (block, session) in after.sessions.iter().filter(|(block, is)| before.sessions.get(block) != Some(is)) {
        let state = match session {
            Session::Wanted => "wanted",
            Session::Ending => "ending",
        };
        let put = "INSERT INTO session (block, state) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET state = ?2";
        cached(connection, put)?.execute(rusqlite::params![number(block.0), state])?;
    }
    for block in before.sessions.keys().filter(|block| !after.sessions.contains_key(block)) {
        cached(connection, "DELETE FROM session WHERE block = ?1")?.execute([number(block.0)])?;
    }
    Ok(())
}

fn cached<'a>(connection: &'a Connection, statement: &str) -> rusqlite::Result<CachedStatement<'a>> {
    connection.prepare_cached(statement)
}

fn all<T>(
    connection: &Connection,
    query: &str,
    of: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    cached(connection, query)?.query_map(of, read)?.collect()
}

fn last(connection: &Connection) -> rusqlite::Result<Last> {
    cached(connection, "SELECT workspace, tab, block FROM last_number")?
        .query_row([], |row| Ok(Last { workspace: id(row, 0)?, tab: id(row, 1)?, block: id(row, 2)? }))
}

pub(super) fn block(row: &Row<'_>, column: usize) -> rusqlite::Result<BlockId> {
    id(row, column).map(BlockId)
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

/// A number as SQLite has them: read back, it is the same.
fn number(id: u64) -> i64 {
    id.cast_signed()
}

fn layout(row: &Row<'_>, column: usize) -> rusqlite::Result<Layout> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn session(row: &Row<'_>, column: usize) -> rusqlite::Result<Session> {
    match maybe_session(row, column)? {
        Some(session) => Ok(session),
        None => Err(rusqlite::Error::InvalidColumnType(column, "state".to_owned(), Type::Null)),
    }
}

/// The tables allow no third state.
fn maybe_session(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Session>> {
    let state: Option<String> = row.get(column)?;
    Ok(state.map(|state| if state == "wanted" { Session::Wanted } else { Session::Ending }))
}

fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
