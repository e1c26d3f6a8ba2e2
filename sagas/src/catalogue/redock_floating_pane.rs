//! A block that floats in a tab of its own is docked in another one.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bus::{AgentMux, BlockId, Place, TabId, WorkspaceId};

/// From where a block is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Out of this tab.
    pub tab: TabId,
    /// There in its layout.
    pub place: Place,
}

saga! {
    /// Asks where the block is, and moves it from there to the tab.
    pub saga RedockFloatingPane(
        /// What is docked.
        block: BlockId,
        /// The tab in which it is docked.
        target_tab: TabId,
        /// The workspace of both.
        workspace: WorkspaceId,
    ) on AgentMux {
        concurrency queue per workspace;
        deadline 10s;

        /// Ask where the block floats: there it goes back to in a rollback.
        step origin -> Origin {
            query PlaceOf { block };
            await BlockPlace { tab, place } => Origin { tab, place };
        }

        /// Move the block with its session.
        step dock {
            send MoveBlock { block, from: origin.tab, to: target_tab, at: None };
            compensate MoveBlock { block, from: target_tab, to: origin.tab, at: Some(origin.place) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scripts::{cause, failed, refused, rollback};
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const BLOCK: BlockId = BlockId(7);
    const FLOATING: TabId = TabId(5);
    const TARGET: TabId = TabId(6);
    const PLACE: Place = Place { column: 2, row: 0, alone: true };

    fn dock() -> Command {
        Command::MoveBlock { block: BLOCK, from: FLOATING, to: TARGET, at: None }
    }

    fn docked() -> Event {
        Event::BlockMoved { was_at: PLACE }
    }

    fn float_again() -> Command {
        Command::MoveBlock { block: BLOCK, from: TARGET, to: FLOATING, at: Some(PLACE) }
    }

    fn started() -> SagaTest<RedockFloatingPane> {
        SagaTest::start(RedockFloatingPane { block: BLOCK, target_tab: TARGET, workspace: WorkspaceId(1) })
    }

    /// At its second step: it is known where the block is.
    fn found() -> SagaTest<RedockFloatingPane> {
        let mut saga = started();
        saga.reply(Event::BlockPlace { tab: FLOATING, place: PLACE });
        saga
    }

    #[test]
    fn the_block_is_moved_from_where_it_is() {
        let mut saga = started();
        assert_eq!(saga.sent(), [Command::PlaceOf { block: BLOCK }]);
        saga.reply(Event::BlockPlace { tab: FLOATING, place: PLACE });
        assert_eq!(saga.sent(), [dock()]);
        saga.reply(docked());
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
    }

    #[test]
    fn a_block_that_is_nowhere_is_not_moved() {
        let mut saga = started();
        saga.refuse(Refusal::NoSuchBlock);
        assert_eq!(saga.sent(), []);
        assert_eq!(refused(&saga), ("origin", Some(Refusal::NoSuchBlock)));
    }

    #[test]
    fn a_block_that_cannot_be_moved_stays_where_it_is() {
        for refusal in [Refusal::NoSuchBlock, Refusal::NoSuchTab] {
            let mut saga = found();
            saga.refuse(refusal);
            assert_eq!(saga.sent(), []);
            assert_eq!(refused(&saga), ("dock", Some(refusal)));
        }
    }

    #[test]
    fn a_question_leaves_nothing_in_doubt() {
        let mut saga = started();
        saga.cancel();
        assert_eq!((saga.asked(), saga.sent()), (vec![], vec![]));
        assert_eq!(failed(&saga), ("origin", CauseKind::Cancelled));
    }

    #[test]
    fn a_block_that_was_docked_too_late_floats_again_where_it_was() {
        for (fate, undone) in [(Fate::Done(vec![docked()]), vec![float_again()]), (Fate::Never, vec![])] {
            let mut saga = found();
            saga.advance(Duration::from_secs(10));
            assert_eq!(saga.asked(), [dock()]);
            saga.settle(fate);
            assert_eq!(rollback(&mut saga), undone);
            assert_eq!(failed(&saga), ("dock", CauseKind::Deadline));
        }
    }

    #[test]
    fn an_answer_after_the_deadline_says_as_much_as_the_fate() {
        let mut saga = found();
        saga.advance(Duration::from_secs(10));
        saga.reply_to(&dock(), docked());
        assert_eq!(rollback(&mut saga), [float_again()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn the_place_where_it_was_survives_a_restart() {
        let mut saga = started();
        saga.restart();
        saga.reply(Event::BlockPlace { tab: FLOATING, place: PLACE });
        saga.restart();
        assert_eq!(saga.sent(), [dock()]);
        saga.cancel();
        saga.settle(Fate::Done(vec![docked()]));
        saga.restart();
        assert_eq!(rollback(&mut saga), [float_again()]);
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }
}
