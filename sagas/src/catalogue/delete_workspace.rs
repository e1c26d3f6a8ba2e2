//! A workspace is deleted with all that is in it.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bus::{AgentMux, BlockId, TabId, WorkspaceId};

/// What is in a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contents {
    /// Its tabs, in order.
    pub tabs: Vec<TabId>,
    /// The blocks in them.
    pub blocks: Vec<BlockId>,
}

saga! {
    /// Ends the sessions in the workspace, deletes its tabs one after another, and then the workspace. If it fails on the
    /// way, the blocks that are still there get fresh sessions.
    pub saga DeleteWorkspace(
        /// What is deleted.
        workspace: WorkspaceId,
    ) on AgentMux {
        concurrency queue per workspace;
        deadline 1m;

        /// Ask what is in it.
        step contents -> Contents {
            query ContentsOf { workspace };
            await WorkspaceContents { tabs, blocks } => Contents { tabs, blocks };
        }

        /// End the sessions of its blocks.
        step end_sessions for block in contents.blocks, all at once {
            send EndSession { block };
            within 20s;
            compensate StartSession { block };
        }

        /// Delete its tabs, the last one too.
        step delete_tabs for tab in contents.tabs {
            send DeleteTab { workspace, tab, cascade: true };
            compensate none because "what the blocks of a deleted tab held is lost, and another tab would not be the same";
        }

        /// Delete the workspace, which is empty now.
        step delete {
            send DeleteWorkspace { workspace };
            compensate none because "what was in it is gone, and another workspace would not be the same";
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scripts::{cause, failed, refused, rollback};
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const WORKSPACE: WorkspaceId = WorkspaceId(1);

    fn end_session(block: u64) -> Command {
        Command::EndSession { block: BlockId(block) }
    }

    fn start_session(block: u64) -> Command {
        Command::StartSession { block: BlockId(block) }
    }

    fn delete_tab(tab: u64) -> Command {
        Command::DeleteTab { workspace: WORKSPACE, tab: TabId(tab), cascade: true }
    }

    fn tab_deleted() -> Event {
        Event::TabDeleted { blocks: vec![] }
    }

    fn delete() -> Command {
        Command::DeleteWorkspace { workspace: WORKSPACE }
    }

    fn started() -> SagaTest<DeleteWorkspace> {
        SagaTest::start(DeleteWorkspace { workspace: WORKSPACE })
    }

    /// At its second step: there are two tabs, and three blocks in them.
    fn known() -> SagaTest<DeleteWorkspace> {
        let mut saga = started();
        let (tabs, blocks) = ([4, 5].map(TabId).into(), [7, 8, 9].map(BlockId).into());
        saga.reply(Event::WorkspaceContents { tabs, blocks });
        saga
    }

    /// At its third step: the sessions have ended, in another order than they were asked to.
    fn quiet() -> SagaTest<DeleteWorkspace> {
        let mut saga = known();
        for block in [8, 9, 7] {
            saga.handled_to(&end_session(block));
        }
        saga
    }

    /// At its last step: the tabs are gone.
    fn emptied() -> SagaTest<DeleteWorkspace> {
        let mut saga = quiet();
        saga.reply(tab_deleted());
        saga.reply(tab_deleted());
        saga
    }

    #[test]
    fn sessions_end_at_once_then_tabs_go_one_after_another_then_the_workspace() {
        let mut saga = started();
        assert_eq!(saga.sent(), [Command::ContentsOf { workspace: WORKSPACE }]);
        let (tabs, blocks) = ([4, 5].map(TabId).into(), [7, 8, 9].map(BlockId).into());
        saga.reply(Event::WorkspaceContents { tabs, blocks });
        assert_eq!(saga.sent(), [7, 8, 9].map(end_session));
        for block in [9, 7, 8] {
            saga.handled_to(&end_session(block));
        }
        for tab in [4, 5] {
            assert_eq!(saga.sent(), [delete_tab(tab)]);
            saga.reply(tab_deleted());
        }
        assert_eq!((saga.sent(), saga.modes()), (vec![delete()], vec![Mode::Forward]));
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn an_empty_workspace_is_just_deleted() {
        let mut saga = started();
        saga.reply(Event::WorkspaceContents { tabs: vec![], blocks: vec![] });
        assert_eq!(saga.sent(), [delete()]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn without_a_workspace_nothing_is_done() {
        let mut saga = started();
        saga.refuse(Refusal::NoSuchWorkspace);
        assert_eq!(saga.sent(), []);
        assert_eq!(refused(&saga), ("contents", Some(Refusal::NoSuchWorkspace)));
    }

    #[test]
    fn a_session_that_stays_saves_the_workspace_and_the_others_are_started_afresh() {
        let mut saga = known();
        saga.handled_to(&end_session(9));
        saga.refuse_to(&end_session(7), Refusal::SessionStays);
        assert_eq!(saga.asked(), [end_session(8)]);
        saga.settle(Fate::Done(vec![]));
        assert_eq!(rollback(&mut saga), [start_session(8), start_session(9)]);
        assert_eq!(refused(&saga), ("end_sessions", Some(Refusal::SessionStays)));
    }

    #[test]
    fn a_session_that_takes_too_long_fails_it_and_is_started_afresh_if_it_did_end() {
        let mut saga = known();
        saga.handled_to(&end_session(8));
        saga.handled_to(&end_session(9));
        saga.advance(Duration::from_secs(20));
        assert_eq!(saga.asked(), [end_session(7)]);
        saga.settle(Fate::Done(vec![]));
        assert_eq!(rollback(&mut saga), [7, 9, 8].map(start_session));
        assert_eq!(failed(&saga), ("end_sessions", CauseKind::TimedOut));
    }

    #[test]
    fn a_tab_that_stays_gets_its_sessions_back_the_last_to_end_first() {
        for refusal in [Refusal::NoSuchTab, Refusal::LastTab] {
            let mut saga = quiet();
            saga.reply(tab_deleted());
            saga.refuse(refusal);
            assert_eq!(rollback(&mut saga), [7, 9, 8].map(start_session));
            assert_eq!(refused(&saga), ("delete_tabs", Some(refusal)));
        }
    }

    #[test]
    fn a_workspace_that_cannot_be_deleted_fails_it() {
        for refusal in [Refusal::NoSuchWorkspace, Refusal::NotEmpty] {
            let mut saga = emptied();
            saga.refuse(refusal);
            assert_eq!(rollback(&mut saga), [7, 9, 8].map(start_session));
            assert_eq!(refused(&saga), ("delete", Some(refusal)));
        }
    }

    #[test]
    fn what_became_of_a_delete_is_not_asked_for_it_cannot_be_undone() {
        for mut saga in [quiet(), emptied()] {
            saga.advance(Duration::from_secs(60));
            assert_eq!(saga.asked(), []);
            assert_eq!(rollback(&mut saga), [7, 9, 8].map(start_session));
            assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
        }
    }

    #[test]
    fn cancelled_while_sessions_end_it_starts_those_that_did() {
        let mut saga = known();
        saga.handled_to(&end_session(7));
        assert_eq!(saga.cancel(), CancelReply::Requested);
        assert_eq!(saga.asked(), [8, 9].map(end_session));
        saga.settle(Fate::Never);
        saga.handled_to(&end_session(9));
        assert_eq!(rollback(&mut saga), [9, 7].map(start_session));
        assert_eq!(failed(&saga), ("end_sessions", CauseKind::Cancelled));
    }

    #[test]
    fn a_restart_changes_nothing_on_either_way() {
        let mut saga = known();
        saga.handled_to(&end_session(8));
        saga.restart();
        assert_eq!(saga.sent(), [7, 9].map(end_session));
        saga.handled();
        saga.handled();
        saga.restart();
        assert_eq!(saga.sent(), [delete_tab(4)]);
        saga.reply(tab_deleted());
        saga.restart();
        assert_eq!(saga.sent(), [delete_tab(5)]);
        saga.cancel();
        saga.restart();
        assert_eq!(rollback(&mut saga), [9, 7, 8].map(start_session));
        assert_eq!(failed(&saga), ("delete_tabs", CauseKind::Cancelled));
    }
}
