//! A block is deleted, and its session ended if and only if the block is gone.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, BlockId, TabId, WorkspaceId};

saga! {
    /// Deletes the block and its place in the layout. Its session ends with it, also when the answer comes too late to
    /// count.
    pub saga DeleteBlock(
        /// What is deleted.
        block: BlockId,
        /// The tab in which it is.
        tab: TabId,
        /// The workspace of that tab.
        workspace: WorkspaceId,
    ) on AgentMux {
        concurrency queue per workspace;
        deadline 10s;

        /// Delete the block.
        step delete {
            send DeleteBlock { tab, block };
            compensate none because "what a deleted block held is lost, and another block would not be the same";
        }

        /// End the session of the block that is gone. It goes on if the block stays.
        finally step end_session when delete.is_some() {
            send EndSession { block };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scripts::{cause, failed, refused};
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const BLOCK: BlockId = BlockId(7);
    const TAB: TabId = TabId(5);

    fn delete() -> Command {
        Command::DeleteBlock { tab: TAB, block: BLOCK }
    }

    fn end_session() -> Command {
        Command::EndSession { block: BLOCK }
    }

    fn started() -> SagaTest<DeleteBlock> {
        SagaTest::start(DeleteBlock { block: BLOCK, tab: TAB, workspace: WorkspaceId(1) })
    }

    /// On its way out: the block is gone.
    fn deleted() -> SagaTest<DeleteBlock> {
        let mut saga = started();
        saga.reply(Event::BlockDeleted);
        saga
    }

    #[track_caller]
    fn assert_ends_session(saga: &mut SagaTest<DeleteBlock>) {
        assert_eq!((saga.sent(), saga.modes()), (vec![end_session()], vec![Mode::Finally]));
        saga.handled();
    }

    #[test]
    fn the_session_ends_when_the_block_is_gone() {
        let mut saga = started();
        assert_eq!((saga.sent(), saga.modes()), (vec![delete()], vec![Mode::Forward]));
        saga.reply(Event::BlockDeleted);
        assert_ends_session(&mut saga);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn the_session_of_a_block_that_stays_goes_on() {
        let mut saga = started();
        saga.refuse(Refusal::NoSuchBlock);
        assert_eq!(saga.sent(), []);
        assert_eq!(refused(&saga), ("delete", Some(Refusal::NoSuchBlock)));
    }

    #[test]
    fn after_the_deadline_the_session_ends_if_and_only_if_the_block_turns_out_to_be_gone() {
        for (fate, gone) in [(Fate::Done(vec![Event::BlockDeleted]), true), (Fate::Never, false)] {
            let mut saga = started();
            saga.advance(Duration::from_secs(10));
            assert_eq!((saga.asked(), saga.sent()), (vec![delete()], vec![]));
            saga.settle(fate);
            if gone {
                assert_ends_session(&mut saga);
            }
            assert_eq!(failed(&saga), ("delete", CauseKind::Deadline));
        }
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = started();
        saga.advance(Duration::from_secs(10));
        saga.reply_to(&delete(), Event::BlockDeleted);
        assert_ends_session(&mut saga);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn cancelled_it_ends_the_session_if_and_only_if_the_block_turns_out_to_be_gone() {
        for (fate, gone) in [(Fate::Done(vec![Event::BlockDeleted]), true), (Fate::Never, false)] {
            let mut saga = started();
            assert_eq!(saga.cancel(), CancelReply::Requested);
            saga.settle(fate);
            if gone {
                assert_ends_session(&mut saga);
            }
            assert_eq!(failed(&saga), ("delete", CauseKind::Cancelled));
        }
    }

    #[test]
    fn a_session_that_stays_is_tried_again_and_then_shown_to_an_operator() {
        let mut saga = deleted();
        saga.refuse(Refusal::SessionStays);
        saga.advance(Duration::from_secs(1));
        assert_eq!(saga.sent(), [end_session()]);
        saga.advance(Duration::from_secs(600));
        assert!(saga.is_stuck());
        saga.operator(Operator::Retry);
        assert_ends_session(&mut saga);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_session_that_stays_does_so_when_an_operator_ends_the_saga() {
        let mut saga = deleted();
        saga.advance(Duration::from_secs(600));
        saga.operator(Operator::End);
        assert_eq!(saga.sent(), []);
        assert!(matches!(saga.outcome(), Some(Outcome::Ended(_))), "{:?}", saga.outcome());
    }

    #[test]
    fn if_nobody_knows_whether_the_block_is_gone_an_operator_decides() {
        let mut saga = started();
        saga.cancel();
        saga.settle(Fate::Unknown);
        assert!(saga.is_stuck());
        saga.operator(Operator::Retry);
        assert_eq!((saga.asked(), saga.is_stuck()), (vec![delete()], false));
        saga.settle(Fate::Unknown);
        saga.operator(Operator::Skip);
        assert_eq!(saga.sent(), [], "it counts as not deleted");
        assert_eq!(failed(&saga), ("delete", CauseKind::Cancelled));
    }

    #[test]
    fn a_restart_changes_nothing_on_either_way() {
        let mut saga = started();
        saga.restart();
        assert_eq!(saga.sent(), [delete()]);
        saga.cancel();
        saga.restart();
        saga.settle(Fate::Done(vec![Event::BlockDeleted]));
        saga.restart();
        assert_ends_session(&mut saga);
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }
}
