//! A tab that was torn off goes back, and the workspace that it leaves goes when nothing is left in it.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bus::{AgentMux, TabId, WorkspaceId};

/// From where a tab went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Departure {
    /// After how many of the tabs there it was.
    pub was_at: u32,
    /// How many tabs are left there.
    pub left: u32,
}

saga! {
    /// Moves the tab back. The workspace that it leaves is deleted if it is empty now; if that fails, an empty workspace
    /// stays, which harms nobody.
    pub saga RestoreTornOffTab(
        /// What goes back.
        tab: TabId,
        /// The workspace in which it is, and which it may leave empty.
        source: WorkspaceId,
        /// The workspace to which it goes.
        target: WorkspaceId,
    ) on AgentMux {
        concurrency queue per source, target;
        deadline 15s;

        /// Move the tab, be it the last one, and keep in mind where it was.
        step move_tab -> Departure {
            send MoveTab { tab, from: source, to: target, at: None, cascade: true };
            await TabMoved { was_at, left } => Departure { was_at, left };
            compensate MoveTab { tab, from: target, to: source, at: Some(move_tab.was_at), cascade: true };
        }

        /// Delete the workspace that is empty now. Once it is gone the tab has nowhere to go back to; that it stays is
        /// as good.
        pivot step delete_source when move_tab.left == 0 {
            send DeleteWorkspace { workspace: source };
            await {
                handled => (),
                refused _ => (),
                timeout => (),
            }
            within 5s;
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
    const SOURCE: WorkspaceId = WorkspaceId(2);
    const TARGET: WorkspaceId = WorkspaceId(1);

    fn move_there() -> Command {
        Command::MoveTab { tab: TAB, from: SOURCE, to: TARGET, at: None, cascade: true }
    }

    fn moved(left: u32) -> Event {
        Event::TabMoved { was_at: 1, left }
    }

    fn move_back() -> Command {
        Command::MoveTab { tab: TAB, from: TARGET, to: SOURCE, at: Some(1), cascade: true }
    }

    fn delete_source() -> Command {
        Command::DeleteWorkspace { workspace: SOURCE }
    }

    fn started() -> SagaTest<RestoreTornOffTab> {
        SagaTest::start(RestoreTornOffTab { tab: TAB, source: SOURCE, target: TARGET })
    }

    /// At its second step: the tab was the last one.
    fn emptied() -> SagaTest<RestoreTornOffTab> {
        let mut saga = started();
        saga.reply(moved(0));
        assert_eq!(saga.sent(), [delete_source()]);
        saga
    }

    #[test]
    fn the_tab_goes_back_and_the_empty_workspace_is_deleted() {
        let mut saga = started();
        assert_eq!(saga.sent(), [move_there()]);
        saga.reply(moved(0));
        assert_eq!((saga.sent(), saga.modes()), (vec![delete_source()], vec![Mode::Forward]));
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_workspace_with_other_tabs_stays() {
        let mut saga = started();
        saga.reply(moved(2));
        assert_eq!(saga.sent(), []);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_tab_that_cannot_be_moved_stays_where_it_is() {
        for refusal in [Refusal::NoSuchTab, Refusal::NoSuchWorkspace, Refusal::LastTab] {
            let mut saga = started();
            saga.refuse(refusal);
            assert_eq!(saga.sent(), []);
            assert_eq!(refused(&saga), ("move_tab", Some(refusal)));
        }
    }

    #[test]
    fn it_is_as_good_when_the_empty_workspace_stays() {
        for refusal in [Refusal::NoSuchWorkspace, Refusal::NotEmpty] {
            let mut saga = emptied();
            saga.refuse(refusal);
            assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
        }
    }

    #[test]
    fn it_does_not_wait_long_for_a_workspace_to_be_deleted() {
        for away in [false, true] {
            let mut saga = emptied();
            if away {
                saga.disconnect();
            }
            saga.advance(Duration::from_millis(4999));
            assert_eq!(saga.outcome(), None);
            saga.advance(Duration::from_millis(1));
            assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
        }
    }

    #[test]
    fn a_tab_that_was_moved_too_late_goes_back() {
        for (fate, undone) in [(Fate::Done(vec![moved(0)]), vec![move_back()]), (Fate::Never, vec![])] {
            let mut saga = started();
            saga.advance(Duration::from_secs(15));
            assert_eq!(saga.asked(), [move_there()]);
            saga.settle(fate);
            assert_eq!(rollback(&mut saga), undone);
            assert_eq!(failed(&saga), ("move_tab", CauseKind::Deadline));
        }
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = started();
        saga.advance(Duration::from_secs(15));
        saga.reply_to(&move_there(), moved(0));
        assert_eq!(rollback(&mut saga), [move_back()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn cancelled_while_the_workspace_is_deleted_it_goes_back_only_to_a_workspace_that_is_there() {
        let mut gone = emptied();
        assert_eq!(gone.cancel(), CancelReply::Requested);
        gone.settle(Fate::Done(vec![]));
        assert_eq!((gone.sent(), gone.outcome()), (vec![], Some(&Outcome::Completed(()))));

        let mut there = emptied();
        there.cancel();
        there.settle(Fate::Never);
        assert_eq!(rollback(&mut there), [move_back()]);
        assert_eq!(failed(&there), ("delete_source", CauseKind::Cancelled));
    }

    #[test]
    fn a_restart_changes_nothing_on_either_way() {
        let mut saga = started();
        saga.restart();
        assert_eq!(saga.sent(), [move_there()]);
        saga.reply(moved(0));
        saga.restart();
        assert_eq!(saga.sent(), [delete_source()]);
        saga.cancel();
        saga.restart();
        saga.settle(Fate::Never);
        saga.restart();
        assert_eq!((saga.sent(), saga.modes()), (vec![move_back()], vec![Mode::Compensation]));
        saga.reply(moved(3));
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }
}
