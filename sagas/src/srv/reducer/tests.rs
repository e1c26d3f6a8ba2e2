//! Each guard and each rollback, and scripts of commands made from seeds.

pub(crate) mod scripts;

use super::*;
use crate::srv::model::Model;

const FORWARD: Mode = Mode::Forward;
const ROLLBACK: Mode = Mode::Compensation;

/// Workspace 1 with tabs 1 (blocks 1 and 2) and 2 (block 3), workspace 2 with tab 3.
fn some() -> Model {
    let mut model = Model::default();
    let [one, two] = [model.make_workspace(), model.make_workspace()];
    let tabs = [one, one, two].map(|workspace| model.make_tab(workspace).expect("it is there"));
    for tab in [tabs[0], tabs[0], tabs[1]] {
        model.make_block(tab).expect("it is there");
    }
    model
}

const W1: WorkspaceId = WorkspaceId(1);
const W2: WorkspaceId = WorkspaceId(2);
const NO_W: WorkspaceId = WorkspaceId(9);
const T1: TabId = TabId(1);
const T2: TabId = TabId(2);
const T3: TabId = TabId(3);
const NO_T: TabId = TabId(9);
const B1: BlockId = BlockId(1);
const B2: BlockId = BlockId(2);
const B3: BlockId = BlockId(3);
const NO_B: BlockId = BlockId(9);

fn event(model: &mut Model, command: &SrvCommand, mode: Mode) -> Event {
    decide(model, command, mode).expect("it is not refused").event.expect("it tells something")
}

fn delete_tab(workspace: WorkspaceId, tab: TabId, cascade: bool) -> SrvCommand {
    SrvCommand::DeleteTab { workspace, tab, cascade }
}

fn move_tab(tab: TabId, from: WorkspaceId, to: WorkspaceId) -> SrvCommand {
    SrvCommand::MoveTab { tab, from, to, at: None, cascade: false }
}

fn move_block(block: BlockId, from: TabId, to: TabId) -> SrvCommand {
    SrvCommand::MoveBlock { block, from, to, at: None }
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    for (command, expected) in [
        (SrvCommand::DeleteWorkspace { workspace: NO_W }, Refusal::NoSuchWorkspace),
        (SrvCommand::DeleteWorkspace { workspace: W1 }, Refusal::NotEmpty),
        (SrvCommand::ContentsOf { workspace: NO_W }, Refusal::NoSuchWorkspace),
        (SrvCommand::CreateTab { workspace: NO_W }, Refusal::NoSuchWorkspace),
        (delete_tab(W1, NO_T, true), Refusal::NoSuchTab),
        (delete_tab(W2, T1, true), Refusal::NoSuchTab),
        (delete_tab(W2, T3, false), Refusal::LastTab),
        (move_tab(NO_T, W1, W2), Refusal::NoSuchTab),
        (move_tab(T1, W2, W1), Refusal::NoSuchTab),
        (move_tab(T1, W1, NO_W), Refusal::NoSuchWorkspace),
        (move_tab(T3, W2, W1), Refusal::LastTab),
        (SrvCommand::DeleteBlock { tab: T1, block: NO_B }, Refusal::NoSuchBlock),
        (SrvCommand::DeleteBlock { tab: T2, block: B1 }, Refusal::NoSuchBlock),
        (SrvCommand::DeleteBlocks { tab: T1, blocks: vec![B1, B3] }, Refusal::NoSuchBlock),
        (move_block(NO_B, T1, T2), Refusal::NoSuchBlock),
        (move_block(B3, T1, T2), Refusal::NoSuchBlock),
        (move_block(B1, T1, NO_T), Refusal::NoSuchTab),
        (SrvCommand::PlaceOf { block: NO_B }, Refusal::NoSuchBlock),
        (SrvCommand::StartSession { block: NO_B }, Refusal::NoSuchBlock),
    ] {
        let mut model = some();
        assert_eq!(decide(&mut model, &command, FORWARD), Err(expected), "{command:?}");
        assert_eq!(model, some(), "{command:?}");
    }
}

#[test]
fn a_rollback_passes_the_guards() {
    for command in [
        SrvCommand::DeleteWorkspace { workspace: NO_W },
        SrvCommand::DeleteWorkspace { workspace: W1 },
        delete_tab(W1, NO_T, false),
        delete_tab(W2, T3, false),
        move_tab(T3, W2, W1),
        move_tab(NO_T, W1, W2),
        SrvCommand::DeleteBlock { tab: T1, block: NO_B },
        SrvCommand::DeleteBlocks { tab: T1, blocks: vec![B1, NO_B] },
        move_block(NO_B, T1, T2),
        SrvCommand::StartSession { block: NO_B },
    ] {
        let mut model = some();
        decide(&mut model, &command, ROLLBACK).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        assert_eq!(model.flaws(), [""; 0], "{command:?}");
    }
}

#[test]
fn what_cannot_be_put_back_anywhere_is_refused_in_a_rollback_too() {
    let mut model = some();
    assert_eq!(decide(&mut model, &move_tab(T1, W1, NO_W), ROLLBACK), Err(Refusal::NoSuchWorkspace));
    assert_eq!(decide(&mut model, &move_block(B1, T1, NO_T), ROLLBACK), Err(Refusal::NoSuchTab));
    assert_eq!(model, some());
}

#[test]
fn a_rollback_takes_what_is_elsewhere_by_now_for_gone() {
    let mut model = some();
    let deleted = event(&mut model, &delete_tab(W2, T1, false), ROLLBACK);
    assert_eq!(deleted, Event::TabDeleted { blocks: vec![] });
    assert_eq!(model, some(), "it is somebody's in the other workspace");
}

#[test]
fn a_rollback_deletes_all_in_it_and_ends_their_sessions() {
    let mut model = some();
    let end_one = SrvCommand::EndSession { block: B2 };
    assert_eq!(decide(&mut model, &end_one, FORWARD).expect("never refused").then, Some(Then::End(B2)));
    model.sessions.remove(&B2);
    let decided = decide(&mut model, &SrvCommand::DeleteWorkspace { workspace: W1 }, ROLLBACK).expect("no guard");
    assert_eq!(decided.then, Some(Then::EndAll(vec![B1, B3])), "those that there are");
    assert_eq!(model.workspaces.keys().collect::<Vec<_>>(), [&W2]);
    assert!(model.blocks.is_empty());
    assert!(model.sessions.values().all(|session| *session == Session::Ending));

    let mut model = some();
    let decided = decide(&mut model, &delete_tab(W1, T2, false), ROLLBACK).expect("no guard");
    assert_eq!(decided.event, Some(Event::TabDeleted { blocks: vec![B3] }));
    assert_eq!(decided.then, Some(Then::EndAll(vec![B3])));
}

#[test]
fn a_deleted_tab_leaves_its_sessions_to_whoever_asked() {
    let mut model = some();
    let decided = decide(&mut model, &delete_tab(W1, T1, false), FORWARD).expect("another tab is there");
    assert_eq!(decided, Decision { event: Some(Event::TabDeleted { blocks: vec![B1, B2] }), then: None });
    assert_eq!(model.sessions.get(&B1), Some(&Session::Wanted));
    let end = SrvCommand::EndSession { block: B1 };
    assert_eq!(decide(&mut model, &end, Mode::Finally).expect("never refused").then, Some(Then::End(B1)));
}

#[test]
fn the_last_tab_goes_when_the_workspace_does() {
    let mut model = some();
    assert_eq!(event(&mut model, &delete_tab(W2, T3, true), FORWARD), Event::TabDeleted { blocks: vec![] });
    assert_eq!(decide(&mut model, &SrvCommand::DeleteWorkspace { workspace: W2 }, FORWARD), Ok(Decision::default()));
}

#[test]
fn a_tab_moves_to_where_it_is_said_and_says_where_it_was() {
    let mut model = some();
    let there = SrvCommand::MoveTab { tab: T2, from: W1, to: W2, at: Some(0), cascade: false };
    assert_eq!(event(&mut model, &there, FORWARD), Event::TabMoved { was_at: 1, left: 1 });
    assert_eq!(model.workspaces[&W2], [T2, T3]);
    let cascade = SrvCommand::MoveTab { tab: T1, from: W1, to: W2, at: Some(77), cascade: true };
    assert_eq!(event(&mut model, &cascade, FORWARD), Event::TabMoved { was_at: 0, left: 0 });
    assert_eq!(model.workspaces[&W2], [T2, T3, T1]);
    let within = SrvCommand::MoveTab { tab: T1, from: W2, to: W2, at: Some(0), cascade: false };
    assert_eq!(event(&mut model, &within, FORWARD), Event::TabMoved { was_at: 2, left: 2 });
    assert_eq!(model.workspaces[&W2], [T1, T2, T3]);
    assert_eq!(model.flaws(), [""; 0]);
}

#[test]
fn gaps_stay_until_they_are_closed() {
    let mut model = some();
    let was = model.tabs[&T1].layout.clone();
    let blocks = vec![B1];
    assert_eq!(event(&mut model, &SrvCommand::DeleteBlocks { tab: T1, blocks }, FORWARD), Event::BlocksDeleted);
    assert_eq!(model.tabs[&T1].layout, was);
    assert_eq!(model.blocks_of(T1), [B2]);
    decide(&mut model, &SrvCommand::CloseGaps { tab: T1 }, FORWARD).expect("never refused");
    assert_eq!(model.tabs[&T1].layout.blocks().collect::<Vec<_>>(), [B2]);
    decide(&mut model, &SrvCommand::CloseGaps { tab: NO_T }, FORWARD).expect("it has none");
}

#[test]
fn a_session_is_ended_once_and_started_again() {
    let mut model = some();
    let end = SrvCommand::EndSession { block: B1 };
    assert_eq!(decide(&mut model, &end, FORWARD).expect("never refused").then, Some(Then::End(B1)));
    assert_eq!(model.sessions[&B1], Session::Ending);
    assert_eq!(decide(&mut model, &end, FORWARD).expect("never refused").then, Some(Then::End(B1)), "it still runs");
    model.sessions.remove(&B1);
    assert_eq!(decide(&mut model, &end, FORWARD), Ok(Decision::default()));
    let start = SrvCommand::StartSession { block: B1 };
    assert_eq!(decide(&mut model, &start, ROLLBACK).expect("it is there").then, Some(Then::Start(B1)));
    assert_eq!(model, some());
}
