//! The database held against the model, and files that are none of ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use saga_runtime::prelude::Mode;
use tempfile::TempDir;

use super::*;
use crate::bus::{SrvCommand, TabId, WorkspaceId};
use crate::srv::reducer;
use crate::srv::reducer::tests::scripts;

fn place() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join(STORE_FILE);
    (home, path)
}

fn refused_as<T>(result: Result<T, Failure<Refusal>>) -> Result<T, Refusal> {
    result.map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal,
        other => panic!("{other}"),
    })
}

#[test]
fn the_part_that_a_command_needs_decides_as_the_whole_does() {
    let (_home, path) = place();
    for seed in 0..12 {
        let _ = fs::remove_file(&path);
        let (mut rng, mut model) = (Rng::with_seed(seed), Model::default());
        let mut connection = open(&path).expect("a database");
        let transaction = connection.transaction().expect("a transaction");
        for step in 0..120 {
            let before = model.clone();
            scripts::user(&mut rng, &mut model);
            rows::save(&transaction, &before, &model).expect("what a user made is written");
            let (command, mode) = (scripts::command(&mut rng, &model), scripts::mode(&mut rng));
            let decided = reducer::decide(&mut model, &command, mode);
            let stored = act(&transaction, &Extent::of(&command), |part| reducer::decide(part, &command, mode));
            let at = format!("seed {seed}, step {step}: {command:?} in mode {mode:?}");
            assert_eq!(refused_as(stored), decided, "{at}");
            assert_eq!(load_all(&transaction).expect("it can be read"), model, "{at}");
        }
    }
}

/// How many instructions SQLite executes for each of these commands, in a database with so many workspaces.
fn instructions(workspaces: u64, commands: &[SrvCommand]) -> Vec<u64> {
    let (_home, path) = place();
    let mut connection = open(&path).expect("a database");
    let mut model = Model::default();
    for _ in 0..workspaces {
        let workspace = model.make_workspace();
        for _ in 0..2 {
            let tab = model.make_tab(workspace).expect("its workspace is there");
            model.make_block(tab);
        }
    }
    let transaction = connection.transaction().expect("a transaction");
    rows::save(&transaction, &Model::default(), &model).expect("it can be written");
    transaction.commit().expect("it can be written");
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let counting = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(counting)).expect("it can be hooked");
    let of = |command: &SrvCommand| {
        count.store(0, Ordering::Relaxed);
        let done = act(&connection, &Extent::of(command), |part| reducer::decide(part, command, Mode::Forward));
        done.unwrap_or_else(|failure| panic!("{command:?}: {failure}"));
        count.load(Ordering::Relaxed)
    };
    commands.iter().map(of).collect()
}

#[test]
fn what_a_command_costs_does_not_grow_with_what_else_there_is() {
    let (workspace, other) = (WorkspaceId(1), WorkspaceId(2));
    let (tab, block) = (TabId(1), BlockId(1));
    let commands = [
        SrvCommand::CreateWorkspace,
        SrvCommand::CreateTab { workspace },
        SrvCommand::ContentsOf { workspace },
        SrvCommand::PlaceOf { block },
        SrvCommand::MoveBlock { block, from: tab, to: TabId(3), at: None },
        SrvCommand::MoveTab { tab, from: workspace, to: other, at: Some(0), cascade: false },
        SrvCommand::EndSession { block },
        SrvCommand::StartSession { block },
        SrvCommand::DeleteBlock { tab: TabId(3), block },
        SrvCommand::DeleteBlocks { tab: TabId(3), blocks: vec![BlockId(3)] },
        SrvCommand::CloseGaps { tab: TabId(3) },
        SrvCommand::DeleteTab { workspace: other, tab: TabId(3), cascade: false },
        SrvCommand::DeleteTab { workspace: WorkspaceId(3), tab: TabId(5), cascade: true },
        SrvCommand::DeleteTab { workspace: WorkspaceId(3), tab: TabId(6), cascade: true },
        SrvCommand::DeleteWorkspace { workspace: WorkspaceId(3) },
    ];
    let few = instructions(4, &commands);
    let many = instructions(400, &commands);
    for ((command, few), many) in commands.iter().zip(few).zip(many) {
        assert!(many <= few + few / 4, "{command:?}: {few} instructions among few workspaces, {many} among many");
    }
}

#[test]
fn what_is_stored_is_there_for_the_next_one() {
    let (_home, path) = place();
    let store = Store::open(&path).expect("a database");
    let workspace = store.transact(&Extent::default(), |model| Ok(model.make_workspace())).expect("it can be written");
    let tab = store.transact(&Extent::workspace(workspace), |model| Ok(model.make_tab(workspace))).expect("written");
    let refused = store.transact(&Extent::default(), |model| {
        model.make_workspace();
        Err::<(), _>(Refusal::NotEmpty)
    });
    assert!(matches!(refused, Err(Failure::Refused(Refusal::NotEmpty))));
    drop(store);
    let whole = Store::open(&path).expect("its database").whole().expect("it can be read");
    assert_eq!(whole.workspaces.into_iter().collect::<Vec<_>>(), [(workspace, tab.into_iter().collect())]);
    assert_eq!(whole.last.workspace, 1, "what was refused was given nothing");
}

#[test]
fn a_life_begins_with_the_sessions_that_are_wanted() {
    let (_home, path) = place();
    let store = Store::open(&path).expect("a database");
    let make = |model: &mut Model| {
        let workspace = model.make_workspace();
        let tab = model.make_tab(workspace).ok_or(Refusal::NoSuchWorkspace)?;
        (0..4).map(|_| model.make_block(tab).ok_or(Refusal::NoSuchTab)).collect::<Result<Vec<_>, _>>()
    };
    let blocks = store.transact(&Extent::default(), make).expect("written");
    let change = |command: SrvCommand| {
        let decided = store.transact(&Extent::of(&command), |model| reducer::decide(model, &command, Mode::Forward));
        decided.expect("it is not refused");
    };
    change(SrvCommand::EndSession { block: blocks[0] });
    change(SrvCommand::DeleteBlock { tab: TabId(1), block: blocks[1] });
    change(SrvCommand::EndSession { block: blocks[2] });
    store.session_stays(blocks[2]).expect("written");
    assert_eq!(store.begin_life().expect("it can be read"), [blocks[2], blocks[3]]);
    let sessions = store.whole().expect("it can be read").sessions;
    assert_eq!(sessions.into_iter().collect::<Vec<_>>(), [(blocks[2], Session::Wanted), (blocks[3], Session::Wanted)]);
}

#[test]
fn what_became_of_a_session_is_written_only_where_it_still_holds() {
    let (_home, path) = place();
    let store = Store::open(&path).expect("a database");
    let block = BlockId(1);
    let is = || store.whole().expect("it can be read").sessions.get(&block).copied();
    let put = |session| {
        let put = store.transact(&Extent::block(block), |model| Ok(model.sessions.insert(block, session)));
        put.expect("written");
    };
    put(Session::Wanted);
    store.session_ended(block).expect("written");
    assert_eq!(is(), Some(Session::Wanted), "somebody wants it again");
    store.session_not_started(block).expect("written");
    assert_eq!(is(), None);
    put(Session::Ending);
    store.session_not_started(block).expect("written");
    assert_eq!(is(), Some(Session::Ending));
    store.session_ended(block).expect("written");
    assert_eq!(is(), None);
}

#[test]
fn the_file_is_for_its_user_alone() {
    let (_home, path) = place();
    open(&path).expect("a database");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, Permissions::from_mode(0o620)).expect("it is ours");
    let why = open(&path).expect_err("others may write").to_string();
    assert!(why.contains("chmod 600"), "{why}");
}

#[test]
fn what_is_something_else_is_refused_and_left_as_it_is() {
    let (home, path) = place();
    let letter = "a letter, and no database; ".repeat(100);
    fs::write(&path, &letter).expect("it is ours");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    assert!(matches!(open(&path), Err(StoreError::Foreign { .. })));
    assert_eq!(fs::read_to_string(&path).expect("it is there"), letter);

    let others = home.path().join("others.db");
    Connection::open(&others).and_then(|other| other.execute_batch("CREATE TABLE t (a)")).expect("a database");
    fs::set_permissions(&others, Permissions::from_mode(0o600)).expect("it is ours");
    assert!(matches!(open(&others), Err(StoreError::Foreign { .. })));

    let link = home.path().join("link.db");
    symlink(&others, &link).expect("it is ours");
    assert!(matches!(open(&link), Err(StoreError::Foreign { .. })));

    let newer = home.path().join("newer.db");
    open(&newer).expect("a database").pragma_update(None, "user_version", 9).expect("written");
    let why = open(&newer).expect_err("it is newer").to_string();
    assert!(why.contains("schema 9") && why.contains("knows 1"), "{why}");
}
