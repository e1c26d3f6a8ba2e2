//! A tab is deleted with its blocks, and their sessions ended if and only if it is gone.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, BlockId, TabId, WorkspaceId};

saga! {
    /// Deletes the tab with its blocks, but not the last tab of a workspace. The sessions of the blocks end with them,
    /// also when the answer comes too late to count.
    pub saga DeleteTab(
        /// The workspace that loses it.
        workspace: WorkspaceId,
        /// What is deleted.
        tab: TabId,
    ) on AgentMux {
        concurrency queue per workspace;
        deadline 10s;

        /// Delete the tab, and learn which blocks went with it. The srv refuses the last tab of a workspace.
        step delete -> Vec<BlockId> {
            send DeleteTab { workspace, tab, cascade: false };
            await TabDeleted { blocks } => blocks;
            compensate none because "what the blocks of a deleted tab held is lost, and another tab would not be the same";
        }

        /// End the sessions of the blocks that are gone; none if the tab stays.
        finally step end_sessions for block in delete.unwrap_or_default(), all at once {
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

    const WORKSPACE: WorkspaceId = WorkspaceId(1);
    const TAB: TabId = TabId(5);

    fn delete() -> Command {
        Command::DeleteTab { workspace: WORKSPACE, tab: TAB, cascade: false }
    }

    /// The tab had three blocks.
    fn deleted() -> Event {
        Event::TabDeleted { blocks: [7, 8, 9].map(BlockId).into() }
    }

    fn end_session(block: u64) -> Command {
        Command::EndSession { block: BlockId(block) }
    }

    fn started() -> SagaTest<DeleteTab> {
        SagaTest::start(DeleteTab { workspace: WORKSPACE, tab: TAB })
    }

    /// The sessions of all three end at once, in any order.
    #[track_caller]
    fn assert_ends_sessions(saga: &mut SagaTest<DeleteTab>) {
        assert_eq!(saga.sent(), [7, 8, 9].map(end_session));
        assert_eq!(saga.modes(), [Mode::Finally; 3]);
        for block in [8, 7, 9] {
            assert_eq!(saga.outcome(), None);
            saga.handled_to(&end_session(block));
        }
    }

    #[test]
    fn the_sessions_end_when_the_tab_is_gone() {
        let mut saga = started();
        assert_eq!((saga.sent(), saga.modes()), (vec![delete()], vec![Mode::Forward]));
        saga.reply(deleted());
        assert_ends_sessions(&mut saga);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_tab_without_blocks_has_no_sessions_to_end() {
        let mut saga = started();
        saga.reply(Event::TabDeleted { blocks: vec![] });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn the_sessions_of_a_tab_that_stays_go_on() {
        for refusal in [Refusal::LastTab, Refusal::NoSuchTab] {
            let mut saga = started();
            saga.refuse(refusal);
            assert_eq!(saga.sent(), []);
            assert_eq!(refused(&saga), ("delete", Some(refusal)));
        }
    }

    #[test]
    fn after_the_deadline_the_sessions_end_if_and_only_if_the_tab_turns_out_to_be_gone() {
        for (fate, gone) in [(Fate::Done(vec![deleted()]), true), (Fate::Never, false)] {
            let mut saga = started();
            saga.advance(Duration::from_secs(10));
            assert_eq!((saga.asked(), saga.sent()), (vec![delete()], vec![]));
            saga.settle(fate);
            if gone {
                assert_ends_sessions(&mut saga);
            }
            assert_eq!(failed(&saga), ("delete", CauseKind::Deadline));
        }
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = started();
        saga.advance(Duration::from_secs(10));
        saga.reply_to(&delete(), deleted());
        assert_ends_sessions(&mut saga);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn once_the_tab_is_gone_a_cancel_does_not_save_its_sessions() {
        let mut saga = started();
        saga.reply(deleted());
        saga.cancel();
        assert_ends_sessions(&mut saga);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn one_session_that_stays_does_not_hold_up_the_others() {
        let mut saga = started();
        saga.reply(deleted());
        saga.refuse_to(&end_session(8), Refusal::SessionStays);
        saga.handled_to(&end_session(7));
        saga.handled_to(&end_session(9));
        assert_eq!(saga.outcome(), None);
        saga.advance(Duration::from_secs(1));
        assert_eq!(saga.sent(), [end_session(8)]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_restart_changes_nothing_on_the_way_out() {
        let mut saga = started();
        saga.restart();
        saga.reply(deleted());
        saga.handled_to(&end_session(8));
        saga.restart();
        assert_eq!(saga.sent(), [7, 9].map(end_session));
        saga.handled();
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }
}
