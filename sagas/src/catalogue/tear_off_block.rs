//! A block is torn off: it gets a tab of its own, in a workspace of its own.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, BlockId, Place, TabId, WorkspaceId};

saga! {
    /// Makes a workspace with one tab, and moves the block there. If it cannot be moved, deleting the new workspace
    /// undoes both.
    pub saga TearOffBlock(
        /// What is torn off.
        block: BlockId,
        /// The tab in which it is.
        source_tab: TabId,
        /// The workspace of that tab.
        workspace: WorkspaceId,
    ) -> WorkspaceId on AgentMux {
        concurrency queue per workspace;
        deadline 10s;

        /// Make the workspace that the block shall have for itself.
        step create_workspace -> WorkspaceId {
            send CreateWorkspace;
            await WorkspaceCreated { workspace } => workspace;
            compensate DeleteWorkspace { workspace: create_workspace };
        }

        /// Make its tab. In a rollback it goes with its workspace.
        step create_tab -> TabId {
            send CreateTab { workspace: create_workspace };
            await TabCreated { tab } => tab;
            compensate with create_workspace;
        }

        /// Move the block there with its session, and keep in mind where it was.
        step move_block -> Place {
            send MoveBlock { block, from: source_tab, to: create_tab, at: None };
            await BlockMoved { was_at } => was_at;
            compensate MoveBlock { block, from: create_tab, to: source_tab, at: Some(move_block) };
        }

        return create_workspace;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scripts::{cause, failed, refused, rollback};
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const BLOCK: BlockId = BlockId(7);
    const SOURCE: TabId = TabId(5);
    const NEW_TAB: TabId = TabId(6);
    const NEW: WorkspaceId = WorkspaceId(2);
    const PLACE: Place = Place { column: 1, row: 2, alone: false };

    fn create_tab() -> Command {
        Command::CreateTab { workspace: NEW }
    }

    fn move_there() -> Command {
        Command::MoveBlock { block: BLOCK, from: SOURCE, to: NEW_TAB, at: None }
    }

    fn move_back() -> Command {
        Command::MoveBlock { block: BLOCK, from: NEW_TAB, to: SOURCE, at: Some(PLACE) }
    }

    fn delete_new() -> Command {
        Command::DeleteWorkspace { workspace: NEW }
    }

    fn started() -> SagaTest<TearOffBlock> {
        SagaTest::start(TearOffBlock { block: BLOCK, source_tab: SOURCE, workspace: WorkspaceId(1) })
    }

    /// At its second step: the workspace is there.
    fn created() -> SagaTest<TearOffBlock> {
        let mut saga = started();
        saga.reply(Event::WorkspaceCreated { workspace: NEW });
        saga
    }

    /// At its last step: the tab is there too.
    fn furnished() -> SagaTest<TearOffBlock> {
        let mut saga = created();
        saga.reply(Event::TabCreated { tab: NEW_TAB });
        saga
    }

    #[test]
    fn the_block_gets_a_tab_in_a_workspace_of_its_own() {
        let mut saga = started();
        assert_eq!(saga.sent(), [Command::CreateWorkspace]);
        saga.reply(Event::WorkspaceCreated { workspace: NEW });
        assert_eq!(saga.sent(), [create_tab()]);
        saga.reply(Event::TabCreated { tab: NEW_TAB });
        assert_eq!(saga.sent(), [move_there()]);
        saga.reply(Event::BlockMoved { was_at: PLACE });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(NEW)));
    }

    #[test]
    fn one_delete_undoes_both_when_the_block_cannot_be_moved() {
        for refusal in [Refusal::NoSuchBlock, Refusal::NoSuchTab] {
            let mut saga = furnished();
            saga.refuse(refusal);
            assert_eq!(rollback(&mut saga), [delete_new()]);
            assert_eq!(refused(&saga), ("move_block", Some(refusal)));
        }
    }

    #[test]
    fn a_workspace_without_a_tab_is_deleted_too() {
        let mut saga = created();
        saga.refuse(Refusal::NoSuchWorkspace);
        assert_eq!(rollback(&mut saga), [delete_new()]);
        assert_eq!(refused(&saga), ("create_tab", Some(Refusal::NoSuchWorkspace)));
    }

    #[test]
    fn a_block_that_was_moved_too_late_goes_back_to_its_place_first() {
        let mut saga = furnished();
        saga.advance(Duration::from_secs(10));
        assert_eq!(saga.asked(), [move_there()]);
        saga.settle(Fate::Done(vec![Event::BlockMoved { was_at: PLACE }]));
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(failed(&saga), ("move_block", CauseKind::Deadline));
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = furnished();
        saga.advance(Duration::from_secs(10));
        saga.reply_to(&move_there(), Event::BlockMoved { was_at: PLACE });
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn a_tab_in_doubt_adds_nothing_to_what_is_undone() {
        for fate in [Fate::Done(vec![Event::TabCreated { tab: NEW_TAB }]), Fate::Never] {
            let mut saga = created();
            saga.cancel();
            assert_eq!(saga.asked(), [create_tab()]);
            saga.settle(fate);
            assert_eq!(rollback(&mut saga), [delete_new()]);
            assert_eq!(failed(&saga), ("create_tab", CauseKind::Cancelled));
        }
    }

    #[test]
    fn a_workspace_that_was_never_made_is_not_deleted() {
        let mut saga = started();
        saga.cancel();
        saga.settle(Fate::Never);
        assert_eq!(saga.sent(), []);
        assert_eq!(failed(&saga), ("create_workspace", CauseKind::Cancelled));
    }

    #[test]
    fn a_restart_changes_nothing_on_either_way() {
        let mut saga = furnished();
        saga.restart();
        assert_eq!(saga.sent(), [move_there()]);
        saga.cancel();
        saga.restart();
        saga.settle(Fate::Done(vec![Event::BlockMoved { was_at: PLACE }]));
        saga.restart();
        assert_eq!((saga.sent(), saga.modes()), (vec![move_back()], vec![Mode::Compensation]));
        saga.reply(Event::BlockMoved { was_at: Place { column: 0, row: 0, alone: true } });
        saga.restart();
        assert_eq!(rollback(&mut saga), [delete_new()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }
}
