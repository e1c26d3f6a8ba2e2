//! A pane is closed: first its sessions end, then its blocks go, then the gaps in the layout.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, BlockId, TabId, WorkspaceId};

saga! {
    /// Ends the sessions of the blocks, deletes them, and closes the gaps that they leave. If a session does not end,
    /// blocks and layout stay, and the sessions that did end are started afresh.
    pub saga ClosePane(
        /// What the pane shows.
        blocks: Vec<BlockId>,
        /// The tab in which they are.
        tab: TabId,
        /// The workspace of that tab.
        workspace: WorkspaceId,
    ) on AgentMux {
        concurrency queue per workspace;
        deadline 30s;

        /// End the sessions of the blocks.
        step end_sessions for block in blocks, all at once {
            send EndSession { block };
            within 20s;
            compensate StartSession { block };
        }

        /// Delete the blocks: all of them, or none. The layout still has their places.
        pivot step delete_blocks {
            send DeleteBlocks { tab, blocks };
        }

        /// Close the gaps in the layout.
        step close_gaps {
            send CloseGaps { tab };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scripts::{cause, failed, refused, rollback};
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const TAB: TabId = TabId(5);

    fn blocks() -> Vec<BlockId> {
        [7, 8, 9].map(BlockId).into()
    }

    fn end_session(block: u64) -> Command {
        Command::EndSession { block: BlockId(block) }
    }

    fn start_session(block: u64) -> Command {
        Command::StartSession { block: BlockId(block) }
    }

    fn delete_blocks() -> Command {
        Command::DeleteBlocks { tab: TAB, blocks: blocks() }
    }

    fn close_gaps() -> Command {
        Command::CloseGaps { tab: TAB }
    }

    fn started() -> SagaTest<ClosePane> {
        SagaTest::start(ClosePane { blocks: blocks(), tab: TAB, workspace: WorkspaceId(1) })
    }

    /// At its pivot: the sessions have ended, in another order than they were asked to.
    fn quiet() -> SagaTest<ClosePane> {
        let mut saga = started();
        for block in [8, 9, 7] {
            saga.handled_to(&end_session(block));
        }
        assert_eq!(saga.sent(), [delete_blocks()]);
        saga
    }

    /// Past its pivot: the blocks are gone.
    fn deleted() -> SagaTest<ClosePane> {
        let mut saga = quiet();
        saga.reply(Event::BlocksDeleted);
        assert_eq!(saga.sent(), [close_gaps()]);
        saga
    }

    #[test]
    fn sessions_end_at_once_then_the_blocks_go_then_the_gaps() {
        let mut saga = started();
        assert_eq!(saga.sent(), [7, 8, 9].map(end_session));
        for block in [9, 8, 7] {
            saga.handled_to(&end_session(block));
        }
        assert_eq!(saga.sent(), [delete_blocks()]);
        saga.reply(Event::BlocksDeleted);
        assert_eq!(saga.sent(), [close_gaps()]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn if_a_session_stays_blocks_and_layout_stay_too() {
        let mut saga = started();
        saga.handled_to(&end_session(8));
        saga.refuse_to(&end_session(7), Refusal::SessionStays);
        assert_eq!(saga.asked(), [end_session(9)]);
        saga.settle(Fate::Never);
        assert_eq!(rollback(&mut saga), [start_session(8)]);
        assert_eq!(refused(&saga), ("end_sessions", Some(Refusal::SessionStays)));
    }

    #[test]
    fn a_session_that_ended_too_late_is_started_afresh() {
        let mut saga = started();
        saga.handled_to(&end_session(7));
        saga.handled_to(&end_session(9));
        saga.advance(Duration::from_secs(20));
        assert_eq!(saga.asked(), [end_session(8)]);
        saga.handled_to(&end_session(8));
        assert_eq!(rollback(&mut saga), [8, 9, 7].map(start_session));
        assert_eq!(failed(&saga), ("end_sessions", CauseKind::TimedOut));
    }

    #[test]
    fn blocks_that_cannot_be_deleted_get_their_sessions_back() {
        let mut saga = quiet();
        saga.refuse(Refusal::NoSuchBlock);
        assert_eq!(rollback(&mut saga), [7, 9, 8].map(start_session));
        assert_eq!(refused(&saga), ("delete_blocks", Some(Refusal::NoSuchBlock)));
    }

    #[test]
    fn past_the_deadline_there_is_a_way_back_if_and_only_if_the_blocks_are_there() {
        let mut gone = quiet();
        gone.advance(Duration::from_secs(30));
        assert_eq!(gone.asked(), [delete_blocks()]);
        gone.settle(Fate::Done(vec![Event::BlocksDeleted]));
        assert_eq!(gone.sent(), [close_gaps()]);
        gone.handled();
        assert_eq!(gone.outcome(), Some(&Outcome::Completed(())));

        let mut there = quiet();
        there.advance(Duration::from_secs(30));
        there.settle(Fate::Never);
        assert_eq!(rollback(&mut there), [7, 9, 8].map(start_session));
        assert_eq!(failed(&there), ("delete_blocks", CauseKind::Deadline));
    }

    #[test]
    fn cancelled_before_the_blocks_are_gone_it_goes_back() {
        let mut saga = started();
        saga.handled_to(&end_session(7));
        assert_eq!(saga.cancel(), CancelReply::Requested);
        saga.settle(Fate::Never);
        saga.settle(Fate::Never);
        assert_eq!(rollback(&mut saga), [start_session(7)]);
        assert_eq!(failed(&saga), ("end_sessions", CauseKind::Cancelled));
    }

    #[test]
    fn once_the_blocks_are_gone_a_cancel_is_refused() {
        let mut saga = deleted();
        assert_eq!(saga.cancel(), CancelReply::PastPivot);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn the_gaps_are_closed_however_long_it_takes() {
        let mut saga = deleted();
        saga.advance(Duration::from_secs(600));
        assert!(saga.is_stuck(), "it is shown");
        assert_eq!(saga.sent(), [close_gaps()]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_restart_changes_nothing_on_either_way() {
        let mut saga = started();
        saga.handled_to(&end_session(8));
        saga.restart();
        assert_eq!(saga.sent(), [7, 9].map(end_session));
        saga.handled();
        saga.handled();
        saga.restart();
        assert_eq!(saga.sent(), [delete_blocks()]);
        saga.cancel();
        saga.restart();
        saga.settle(Fate::Never);
        saga.restart();
        assert_eq!(rollback(&mut saga), [9, 7, 8].map(start_session));
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }

    #[test]
    fn past_its_pivot_it_goes_on_after_a_restart() {
        let mut saga = deleted();
        saga.restart();
        assert_eq!(saga.sent(), [close_gaps()]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }
}
