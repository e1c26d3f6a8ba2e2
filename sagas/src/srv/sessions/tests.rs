//! Sessions with real shells.

use std::path::PathBuf;
use std::time::Duration;

use saga_runtime::prelude::Mode;
use tempfile::TempDir;

use super::*;
use crate::bus::{SrvCommand, TabId};
use crate::srv::model::{Model, Session};
use crate::srv::reducer;
use crate::srv::store::{Extent, STORE_FILE};

const BLOCK: BlockId = BlockId(1);

/// Sessions of a database with blocks that want one.
struct Room {
    _home: TempDir,
    store: Arc<Store>,
    mark: Mark,
    sessions: Sessions,
}

impl Room {
    fn with(blocks: usize, shell: Shell) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&home.path().join(STORE_FILE)).expect("a database"));
        let make = |model: &mut Model| {
            let workspace = model.make_workspace();
            let tab = model.make_tab(workspace).ok_or(Refusal::NoSuchWorkspace)?;
            (0..blocks).try_for_each(|_| model.make_block(tab).map(drop).ok_or(Refusal::NoSuchTab))
        };
        store.transact(&Extent::default(), make).expect("it can be written");
        let mark = Mark::new("srv", home.path()).expect("it is there");
        let sessions = Sessions::new(Arc::clone(&store), shell, mark.clone());
        Self { _home: home, store, mark, sessions }
    }

    async fn started(blocks: usize) -> Self {
        let room = Self::with(blocks, Shell::default());
        room.sessions.start_wanted().await.expect("the database says where");
        room
    }

    fn decide(&self, command: &SrvCommand) {
        let decided = self.store.transact(&Extent::of(command), |model| reducer::decide(model, command, Mode::Forward));
        decided.expect("it is not refused");
    }

    fn wanted(&self, block: BlockId) -> Option<Session> {
        self.store.whole().expect("it can be read").sessions.get(&block).copied()
    }

    fn marked(&self) -> usize {
        self.mark.of_this_life().members().expect("/proc is there").len()
    }

    /// Types a line into the first block, and waits for what its output then holds.
    async fn type_in(&self, line: &str, shows: &str) {
        let terminal = self.sessions.terminal(BLOCK).expect("it runs");
        terminal.type_in(&format!("{line}\n")).expect("it takes input");
        let shown = tokio::time::timeout(Duration::from_secs(10), terminal.shows(shows)).await;
        assert_eq!(shown, Ok(true), "{}", terminal.output());
    }
}

#[tokio::test]
async fn each_wanted_session_has_a_shell_until_all_is_over() {
    let room = Room::started(3).await;
    assert_eq!(room.sessions.terminals().len(), 3);
    assert_eq!(room.marked(), 3);
    room.sessions.quit().await;
    assert_eq!(room.marked(), 0);
    assert_eq!(room.wanted(BLOCK), Some(Session::Wanted), "for the next life");
}

#[tokio::test]
async fn a_session_ends_with_all_that_hides() {
    let room = Room::started(2).await;
    room.type_in("sleep 1001 & sh -c 'trap \"\" HUP TERM; sleep 1002; :' & setsid sleep 1003 & echo $((6 * 7))", "42")
        .await;
    room.decide(&SrvCommand::EndSession { block: BLOCK });
    assert_eq!(room.sessions.end(BLOCK).await, Ok(()));
    assert_eq!(room.mark.of("1").members().expect("/proc is there"), []);
    assert_eq!(room.wanted(BLOCK), None);
    assert_eq!(room.marked(), 1, "the other block's");
    assert_eq!(room.sessions.end(BLOCK).await, Ok(()), "there is none");
    room.sessions.quit().await;
}

#[tokio::test]
async fn a_shell_that_ends_by_itself_is_followed_by_another() {
    let room = Room::started(1).await;
    for how in ["exit", "kill -9 $$"] {
        let before = room.sessions.terminal(BLOCK).expect("it runs");
        before.type_in(&format!("{how}\n")).expect("it takes input");
        let is_fresh = || room.sessions.terminal(BLOCK).is_some_and(|terminal| terminal.shell() != before.shell());
        let until = tokio::time::Instant::now() + Duration::from_secs(10);
        while !is_fresh() {
            assert!(tokio::time::Instant::now() < until, "{how}: no fresh shell");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    room.type_in("echo $((6 * 7))", "42").await;
    room.sessions.quit().await;
    assert_eq!(room.marked(), 0);
}

#[tokio::test]
async fn a_shell_of_a_block_that_is_gone_is_not_followed_by_another() {
    let room = Room::started(1).await;
    let terminal = room.sessions.terminal(BLOCK).expect("it runs");
    room.decide(&SrvCommand::DeleteBlock { tab: TabId(1), block: BLOCK });
    assert!(room.sessions.terminal(BLOCK).is_some(), "it is for whoever deleted the block to end it");
    terminal.kill_shell();
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    while !room.sessions.seats().is_empty() {
        assert!(tokio::time::Instant::now() < until, "its seat is given up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(room.marked(), 0);
    room.decide(&SrvCommand::EndSession { block: BLOCK });
    assert_eq!(room.sessions.end(BLOCK).await, Ok(()));
    assert_eq!(room.wanted(BLOCK), None);
}

#[tokio::test]
async fn what_is_asked_of_one_block_is_done_in_order() {
    let room = Room::started(1).await;
    room.decide(&SrvCommand::EndSession { block: BLOCK });
    let ended = room.sessions.end(BLOCK);
    let started = room.sessions.start(BLOCK);
    let ended_again = room.sessions.end(BLOCK);
    let (ended, started, ended_again) = tokio::join!(ended, started, ended_again);
    assert_eq!((ended, started, ended_again), (Ok(()), Ok(()), Ok(())));
    assert_eq!(room.marked(), 0);
    assert!(room.sessions.terminals().is_empty());
}

#[tokio::test]
async fn a_session_that_stays_is_refused_and_its_block_gets_a_fresh_shell() {
    let room = Room::with(2, Shell::default());
    let stays = |_: &Mark, _: BlockId| false;
    let sessions = Sessions::ending(Arc::clone(&room.store), Shell::default(), room.mark.clone(), stays);
    sessions.start_wanted().await.expect("the database says where");
    let before = sessions.terminal(BLOCK).expect("it runs").shell();
    room.decide(&SrvCommand::EndSession { block: BLOCK });
    assert_eq!(sessions.end(BLOCK).await, Err(Refusal::SessionStays));
    assert_eq!(room.wanted(BLOCK), Some(Session::Wanted));
    assert_ne!(sessions.terminal(BLOCK).expect("a fresh one").shell(), before);

    let gone = BlockId(2);
    room.decide(&SrvCommand::DeleteBlock { tab: TabId(1), block: gone });
    room.decide(&SrvCommand::EndSession { block: gone });
    assert_eq!(sessions.end(gone).await, Err(Refusal::SessionStays));
    assert_eq!(room.wanted(gone), Some(Session::Ending), "no block wants it, and it may be ended again");
    assert!(sessions.terminal(gone).is_none());
    sessions.quit().await;
}

#[tokio::test]
async fn a_session_that_does_not_start_is_refused_and_not_wanted() {
    let room = Room::with(1, Shell { program: PathBuf::from("/bin/false"), ..Shell::default() });
    assert_eq!(room.sessions.start(BLOCK).await, Err(Refusal::OutOfMemory));
    assert_eq!(room.wanted(BLOCK), None);
}

#[tokio::test]
async fn a_wanted_one_is_tried_again_until_it_starts_or_is_ended() {
    let home = tempfile::tempdir().expect("a directory");
    let program = home.path().join("shell");
    let room = Room::with(2, Shell { program: program.clone(), ..Shell::default() });
    room.sessions.start_wanted().await.expect("the database says where");
    assert!(room.sessions.terminals().is_empty());
    room.decide(&SrvCommand::EndSession { block: BlockId(2) });
    assert_eq!(room.sessions.end(BlockId(2)).await, Ok(()));
    std::os::unix::fs::symlink("/bin/sh", &program).expect("it is ours");
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    while room.sessions.terminal(BLOCK).is_none() {
        assert!(tokio::time::Instant::now() < until, "no shell comes up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(room.sessions.terminals().len(), 1);
    room.sessions.quit().await;
}
