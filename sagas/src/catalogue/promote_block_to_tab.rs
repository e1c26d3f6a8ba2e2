//! A block is promoted: it gets a tab of its own in the workspace in which it is.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, BlockId, Place, TabId, WorkspaceId};

saga! {
    /// Makes a tab and moves the block there. If it cannot be moved, the new tab is deleted again.
    pub saga PromoteBlockToTab(
        /// What is promoted.
        block: BlockId,
        /// The tab in which it is.
        source_tab: TabId,
        /// The workspace of that tab, and of the new one.
        workspace: WorkspaceId,
    ) -> TabId on AgentMux {
        concurrency queue per workspace;
        deadline 10s;

        /// Make the tab that the block shall have for itself. A rollback deletes it even if it is the last by then.
        step create_tab -> TabId {
            send CreateTab { workspace };
            await TabCreated { tab } => tab;
            compensate DeleteTab { workspace, tab: create_tab, cascade: false };
        }

        /// Move the block there with its session, and keep in mind where it was.
        step move_block -> Place {
            send MoveBlock { block, from: source_tab, to: create_tab, at: None };
            await BlockMoved { was_at } => was_at;
            compensate MoveBlock { block, from: create_tab, to: source_tab, at: Some(move_block) };
        }

        return create_tab;
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
    const NEW: TabId = TabId(6);
    const WORKSPACE: WorkspaceId = WorkspaceId(1);
    const PLACE: Place = Place { column: 0, row: 1, alone: false };

    fn create() -> Command {
        Command::CreateTab { workspace: WORKSPACE }
    }

    fn move_there() -> Command {
        Command::MoveBlock { block: BLOCK, from: SOURCE, to: NEW, at: None }
    }

    fn move_back() -> Command {
        Command::MoveBlock { block: BLOCK, from: NEW, to: SOURCE, at: Some(PLACE) }
    }

    /// Without `cascade`: the mode alone lets it pass the guard of the last tab.
    fn delete_new() -> Command {
        Command::DeleteTab { workspace: WORKSPACE, tab: NEW, cascade: false }
    }

    fn started() -> SagaTest<PromoteBlockToTab> {
        SagaTest::start(PromoteBlockToTab { block: BLOCK, source_tab: SOURCE, workspace: WORKSPACE })
    }

    /// At its second step: the tab is there.
    fn created() -> SagaTest<PromoteBlockToTab> {
        let mut saga = started();
        saga.reply(Event::TabCreated { tab: NEW });
        saga
    }

    #[test]
    fn the_block_gets_a_tab_of_its_own() {
        let mut saga = started();
        assert_eq!(saga.sent(), [create()]);
        saga.reply(Event::TabCreated { tab: NEW });
        assert_eq!(saga.sent(), [move_there()]);
        saga.reply(Event::BlockMoved { was_at: PLACE });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(NEW)));
    }

    #[test]
    fn without_a_workspace_nothing_is_done() {
        let mut saga = started();
        saga.refuse(Refusal::NoSuchWorkspace);
        assert_eq!(saga.sent(), []);
        assert_eq!(refused(&saga), ("create_tab", Some(Refusal::NoSuchWorkspace)));
    }

    #[test]
    fn the_new_tab_is_deleted_in_compensation_mode_when_the_block_cannot_be_moved() {
        for refusal in [Refusal::NoSuchBlock, Refusal::NoSuchTab] {
            let mut saga = created();
            saga.refuse(refusal);
            assert_eq!((saga.sent(), saga.modes()), (vec![delete_new()], vec![Mode::Compensation]));
            saga.reply(Event::TabDeleted { blocks: vec![] });
            assert_eq!(refused(&saga), ("move_block", Some(refusal)));
        }
    }

    #[test]
    fn a_block_that_was_moved_too_late_goes_back_to_its_place_first() {
        let mut saga = created();
        saga.advance(Duration::from_secs(10));
        assert_eq!(saga.asked(), [move_there()]);
        saga.settle(Fate::Done(vec![Event::BlockMoved { was_at: PLACE }]));
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(failed(&saga), ("move_block", CauseKind::Deadline));
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = created();
        saga.advance(Duration::from_secs(10));
        saga.reply_to(&move_there(), Event::BlockMoved { was_at: PLACE });
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn a_tab_is_deleted_if_it_turns_out_to_have_been_made() {
        let made = Fate::Done(vec![Event::TabCreated { tab: NEW }]);
        for (fate, undone) in [(made, vec![delete_new()]), (Fate::Never, vec![])] {
            let mut saga = started();
            saga.cancel();
            assert_eq!(saga.asked(), [create()]);
            saga.settle(fate);
            assert_eq!(rollback(&mut saga), undone);
            assert_eq!(failed(&saga), ("create_tab", CauseKind::Cancelled));
        }
    }

    #[test]
    fn a_restart_changes_nothing_on_either_way() {
        let mut saga = created();
        saga.restart();
        assert_eq!(saga.sent(), [move_there()]);
        saga.cancel();
        saga.restart();
        saga.settle(Fate::Done(vec![Event::BlockMoved { was_at: PLACE }]));
        saga.restart();
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }
}
