//! A tab is torn off: it gets a workspace of its own.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, TabId, WorkspaceId};

saga! {
    /// Makes a workspace and moves the tab there. If it cannot be moved, the new workspace is deleted again.
    pub saga TearOffTab(
        /// What is torn off.
        tab: TabId,
        /// The workspace in which it is.
        source: WorkspaceId,
    ) -> WorkspaceId on AgentMux {
        concurrency queue per source;
        deadline 10s;

        /// Make the workspace that the tab shall have for itself.
        step create -> WorkspaceId {
            send CreateWorkspace;
            await WorkspaceCreated { workspace } => workspace;
            compensate DeleteWorkspace { workspace: create };
        }

        /// Move the tab there, and keep in mind where it was. The srv refuses the last tab of a workspace.
        step move_tab -> u32 {
            send MoveTab { tab, from: source, to: create, at: None, cascade: false };
            await TabMoved { was_at, .. } => was_at;
            compensate MoveTab { tab, from: create, to: source, at: Some(move_tab), cascade: true };
        }

        return create;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scripts::{cause, failed, refused, rollback};
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const TAB: TabId = TabId(5);
    const SOURCE: WorkspaceId = WorkspaceId(1);
    const NEW: WorkspaceId = WorkspaceId(2);

    fn move_there() -> Command {
        Command::MoveTab { tab: TAB, from: SOURCE, to: NEW, at: None, cascade: false }
    }

    fn moved() -> Event {
        Event::TabMoved { was_at: 3, left: 4 }
    }

    /// To where it was, even if it is the last tab of the new workspace, which it always is.
    fn move_back() -> Command {
        Command::MoveTab { tab: TAB, from: NEW, to: SOURCE, at: Some(3), cascade: true }
    }

    fn delete_new() -> Command {
        Command::DeleteWorkspace { workspace: NEW }
    }

    fn started() -> SagaTest<TearOffTab> {
        SagaTest::start(TearOffTab { tab: TAB, source: SOURCE })
    }

    /// At its second step: the workspace is there.
    fn created() -> SagaTest<TearOffTab> {
        let mut saga = started();
        saga.reply(Event::WorkspaceCreated { workspace: NEW });
        saga
    }

    #[test]
    fn the_tab_gets_a_workspace_of_its_own() {
        let mut saga = started();
        assert_eq!(saga.sent(), [Command::CreateWorkspace]);
        saga.reply(Event::WorkspaceCreated { workspace: NEW });
        assert_eq!(saga.sent(), [move_there()]);
        saga.reply(moved());
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(NEW)));
    }

    #[test]
    fn a_tab_that_cannot_be_moved_leaves_no_workspace_behind() {
        for refusal in [Refusal::LastTab, Refusal::NoSuchTab, Refusal::NoSuchWorkspace] {
            let mut saga = created();
            saga.refuse(refusal);
            assert_eq!(rollback(&mut saga), [delete_new()]);
            assert_eq!(refused(&saga), ("move_tab", Some(refusal)));
        }
    }

    #[test]
    fn a_tab_that_was_moved_too_late_goes_back_before_its_workspace_is_deleted() {
        let mut saga = created();
        saga.advance(Duration::from_secs(10));
        assert_eq!(saga.asked(), [move_there()]);
        saga.settle(Fate::Done(vec![moved()]));
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(failed(&saga), ("move_tab", CauseKind::Deadline));
    }

    #[test]
    fn a_tab_that_was_never_moved_need_not_go_back() {
        let mut saga = created();
        saga.advance(Duration::from_secs(10));
        saga.settle(Fate::Never);
        assert_eq!(rollback(&mut saga), [delete_new()]);
        assert_eq!(failed(&saga), ("move_tab", CauseKind::Deadline));
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = created();
        saga.advance(Duration::from_secs(10));
        saga.reply_to(&move_there(), moved());
        assert_eq!(rollback(&mut saga), [move_back(), delete_new()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn a_workspace_is_deleted_if_it_turns_out_to_have_been_made() {
        let made = Fate::Done(vec![Event::WorkspaceCreated { workspace: NEW }]);
        for (fate, undone) in [(made, vec![delete_new()]), (Fate::Never, vec![])] {
            let mut saga = started();
            assert_eq!(saga.cancel(), CancelReply::Requested);
            assert_eq!(saga.asked(), [Command::CreateWorkspace]);
            saga.settle(fate);
            assert_eq!(rollback(&mut saga), undone);
            assert_eq!(failed(&saga), ("create", CauseKind::Cancelled));
        }
    }

    #[test]
    fn a_restart_changes_nothing_on_the_way_there() {
        let mut saga = started();
        saga.restart();
        assert_eq!(saga.sent(), [Command::CreateWorkspace]);
        saga.reply(Event::WorkspaceCreated { workspace: NEW });
        saga.restart();
        assert_eq!(saga.sent(), [move_there()]);
        saga.reply(moved());
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(NEW)));
    }

    #[test]
    fn a_restart_changes_nothing_on_the_way_back() {
        let mut saga = created();
        saga.cancel();
        saga.restart();
        saga.settle(Fate::Done(vec![moved()]));
        saga.restart();
        assert_eq!((saga.sent(), saga.modes()), (vec![move_back()], vec![Mode::Compensation]));
        saga.reply(Event::TabMoved { was_at: 0, left: 0 });
        saga.restart();
        assert_eq!(rollback(&mut saga), [delete_new()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }

    #[test]
    fn a_workspace_that_cannot_be_deleted_is_shown_to_an_operator() {
        let mut saga = created();
        saga.refuse(Refusal::LastTab);
        saga.advance(Duration::from_secs(600));
        assert!(saga.is_stuck());
        saga.operator(Operator::Retry);
        assert_eq!(rollback(&mut saga), [delete_new()]);
        assert_eq!(refused(&saga), ("move_tab", Some(Refusal::LastTab)));
    }
}
