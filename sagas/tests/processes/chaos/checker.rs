//! Whether database, terminals and log agree. Reads only files and the process table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use saga_runtime::cli::LOG_FILE;
use saga_runtime::log::{Details, LogReader, Query, SqliteReader, Status};
use sagas::bus::{BlockId, TabId, WorkspaceId};
use sagas::mark;
use sagas::programs::srv;
use sagas::srv::model::{Model, Session};
use sagas::srv::store::{STORE_FILE, Store};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What there was before any saga.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The tabs, each with its workspace.
    pub(super) tabs: BTreeMap<TabId, WorkspaceId>,
    /// The blocks, each with its tab.
    pub(super) blocks: BTreeMap<BlockId, TabId>,
}

impl Before {
    pub(super) fn add(&mut self, workspace: WorkspaceId, tab: TabId, block: BlockId) {
        self.tabs.insert(tab, workspace);
        self.blocks.insert(block, tab);
    }
}

/// All that does not agree.
pub(super) fn flaws(directory: &Path, before: &Before) -> Vec<String> {
    let model = model(directory);
    let told = Told::of(directory);
    let mut flaws = model.flaws();
    flaws.extend(differing_sessions(directory));
    flaws.extend(told.unended.iter().cloned());
    flaws.extend(told.differences(before, &model));
    flaws
}

/// Blocks without a session, and sessions without a block.
pub(super) fn differing_sessions(directory: &Path) -> Vec<String> {
    let model = model(directory);
    let running = mark::all_marked(srv::NAME, directory).expect("/proc is there").into_iter();
    let running: BTreeSet<_> = running.map(|(_, of)| BlockId(of.parse().expect("a number"))).collect();
    let blocks: BTreeSet<_> = model.blocks.keys().copied().collect();
    let wanted = model.sessions.iter().filter(|(_, session)| **session == Session::Wanted);
    let wanted: BTreeSet<_> = wanted.map(|(block, _)| *block).collect();
    let mut flaws = Vec::new();
    flaws.extend(blocks.difference(&running).map(|block| format!("{block} has no process")));
    flaws.extend(running.difference(&blocks).map(|block| format!("processes of {block} run, which is gone")));
    flaws.extend(blocks.symmetric_difference(&wanted).map(|block| format!("{block} and its session differ")));
    flaws.extend(
        model.sessions.keys().filter(|block| !wanted.contains(block)).map(|block| format!("{block} is ending")),
    );
    flaws
}

fn model(directory: &Path) -> Model {
    let store = Store::open(&directory.join(STORE_FILE)).expect("the database of the srv");
    store.whole().expect("it can be read")
}

/// What the log tells that was done.
#[derive(Debug, Default)]
struct Told {
    unended: Vec<String>,
    /// The workspaces that tear-offs made and kept, with the tab or the block for which they are.
    torn_tabs: BTreeMap<TabId, WorkspaceId>,
    torn_blocks: BTreeMap<BlockId, WorkspaceId>,
    /// The tabs that tear-offs made, with their workspaces.
    made_tabs: BTreeMap<TabId, WorkspaceId>,
    deleted_workspaces: BTreeSet<WorkspaceId>,
    /// Those of which a deletion was begun.
    condemned_workspaces: BTreeSet<WorkspaceId>,
    deleted_tabs: BTreeSet<TabId>,
    deleted_blocks: BTreeSet<BlockId>,
}

impl Told {
    fn of(directory: &Path) -> Self {
        let mut log = SqliteReader::open(directory.join(LOG_FILE)).expect("the log");
        let page = log.find(&Query { limit: 1000, ..Query::default() }).expect("it can be read");
        let mut told = Self::default();
        for summary in page.sagas {
            let saga = log.saga(summary.id).expect("it can be read").expect("it was found");
            if !saga.summary.standing.status.is_end() {
                told.unended.push(format!("{:?}", saga.summary));
            }
            let records = log.records(summary.id, 1, 10_000).expect("they can be read");
            let records = records.iter().map(|record| serde_json::from_str(&record.data).expect("it is JSON"));
            told.hear(&saga, &records.collect::<Vec<_>>());
        }
        told
    }

    fn hear(&mut self, saga: &Details, records: &[Value]) {
        let input: Value = serde_json::from_str(&saga.input).expect("it is JSON");
        let completed = saga.summary.standing.status == Status::Completed;
        let outcome: Value = serde_json::from_str(saga.outcome.as_deref().unwrap_or("null")).expect("it is JSON");
        match saga.summary.name.as_str() {
            "tear_off_tab" if completed => {
                self.torn_tabs.insert(read(&input["tab"]), read(&outcome["completed"]));
            }
            "tear_off_block" if completed => {
                let workspace = read(&outcome["completed"]);
                self.torn_blocks.insert(read(&input["block"]), workspace);
                let made = events(records, "TabCreated").map(|event| (read(&event["tab"]), workspace));
                self.made_tabs.extend(made);
            }
            "close_pane" if done(records, "delete_blocks").next().is_some() => {
                self.deleted_blocks.extend(read::<Vec<BlockId>>(&input["blocks"]));
            }
            "delete_block" if done(records, "delete").next().is_some() => {
                self.deleted_blocks.insert(read(&input["block"]));
            }
            "delete_tab" if done(records, "delete").next().is_some() => {
                self.deleted_tabs.insert(read(&input["tab"]));
            }
            "delete_workspace" => {
                let workspace = read(&input["workspace"]);
                self.condemned_workspaces.insert(workspace);
                self.deleted_workspaces.extend(done(records, "delete").map(|_| workspace));
                let tabs = events(records, "WorkspaceContents").last().map(|event| read::<Vec<TabId>>(&event["tabs"]));
                let tabs = tabs.unwrap_or_default();
                self.deleted_tabs.extend(done(records, "delete_tabs").map(|item| tabs[item]));
            }
            _ => {}
        }
        let of_tabs = events(records, "TabDeleted").flat_map(|event| read::<Vec<BlockId>>(&event["blocks"]));
        self.deleted_blocks.extend(of_tabs);
    }

    /// Between what the log tells and what there is.
    fn differences(&self, before: &Before, model: &Model) -> Vec<String> {
        let mut flaws = Vec::new();
        let workspaces: BTreeSet<_> =
            before.tabs.values().chain(self.torn_tabs.values()).chain(self.torn_blocks.values()).copied().collect();
        compare(&mut flaws, workspaces.difference(&self.deleted_workspaces), model.workspaces.keys());
        let tabs: BTreeSet<_> = before.tabs.keys().chain(self.made_tabs.keys()).copied().collect();
        compare(&mut flaws, tabs.difference(&self.deleted_tabs), model.tabs.keys());
        let blocks: BTreeSet<_> = before.blocks.keys().copied().collect();
        compare(&mut flaws, blocks.difference(&self.deleted_blocks), model.blocks.keys());
        for (tab, state) in &model.tabs {
            let home = self.torn_tabs.get(tab).or(self.made_tabs.get(tab)).or(before.tabs.get(tab));
            if home != Some(&state.workspace) {
                flaws.push(format!("{tab} is in {}, and the log tells {home:?}", state.workspace));
            }
        }
        for (block, tab) in &model.blocks {
            let there = match self.torn_blocks.get(block) {
                Some(workspace) => model.tabs.get(tab).is_some_and(|tab| tab.workspace == *workspace),
                None => before.blocks.get(block) == Some(tab),
            };
            if !there {
                flaws.push(format!("{block} is in {tab}, and the log does not tell so"));
            }
        }
        for (workspace, tabs) in &model.workspaces {
            if tabs.is_empty() && !self.condemned_workspaces.contains(workspace) {
                flaws.push(format!("{workspace} has no tab"));
            }
        }
        flaws
    }
}

fn compare<'a, T: Ord + std::fmt::Display + 'a>(
    flaws: &mut Vec<String>,
    told: impl Iterator<Item = &'a T>,
    there: impl Iterator<Item = &'a T>,
) {
    let (told, there): (BTreeSet<_>, BTreeSet<_>) = (told.collect(), there.collect());
    flaws.extend(told.difference(&there).map(|lost| format!("{lost} is not there, and the log does not tell why")));
    flaws.extend(there.difference(&told).map(|kept| format!("{kept} is there, and the log tells that it is not")));
}

/// The items of a step that took effect going forward.
fn done<'a>(records: &'a [Value], step: &'a str) -> impl Iterator<Item = usize> + 'a {
    let changes = records.iter().flat_map(|record| record["then"].as_array().into_iter().flatten());
    let done = changes.filter_map(|change| change.get("done")).filter(move |done| done["step"] == step);
    let forward = done.filter(|done| done.get("mode").is_none_or(|mode| mode == "forward"));
    forward.map(|done| done.get("item").and_then(Value::as_u64).unwrap_or_default() as usize)
}

/// The events of this name with which commands were answered.
fn events<'a>(records: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    let answers = records.iter().flat_map(|record| {
        let happened = &record["happened"];
        [&happened["answered"]["answer"]["handled"], &happened["fate"]["fate"]["done"]]
    });
    answers.filter_map(Value::as_array).flatten().filter_map(move |event| event.get(name))
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}
