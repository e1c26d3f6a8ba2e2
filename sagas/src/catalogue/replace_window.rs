//! A window is replaced by a new one, or stays: if it cannot be closed, the new one is closed again.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, Label};

saga! {
    /// Opens a new window, then closes the old one. If that is refused, the new one is closed again.
    pub saga ReplaceWindow(old: Label) -> Label on AgentMux {
        concurrency allow;
        deadline 10s;

        /// Open the new window.
        step open -> Label {
            send SpawnWindow;
            await WindowOpened { label } => label;
            compensate CloseWindow { label: open };
        }

        /// Close the old one. The host refuses while a program runs in its foreground.
        step close {
            send CloseWindow { label: old };
            compensate none because "a closed terminal cannot be reopened";
        }

        return open;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bus::{Command, Event, Refusal};

    fn close(label: &str) -> Command {
        Command::CloseWindow { label: label.into() }
    }

    /// At its second step: `new` is open.
    fn opened() -> SagaTest<ReplaceWindow> {
        let mut saga = SagaTest::start(ReplaceWindow { old: "old".into() });
        assert_eq!(saga.sent(), [Command::SpawnWindow]);
        saga.reply(Event::WindowOpened { label: "new".into() });
        saga
    }

    #[track_caller]
    fn cause(saga: &SagaTest<ReplaceWindow>) -> &Cause {
        match saga.outcome() {
            Some(Outcome::Compensated(cause)) => cause,
            other => panic!("it was not compensated: {other:?}"),
        }
    }

    #[test]
    fn the_old_one_is_closed_when_the_new_one_is_open() {
        let mut saga = opened();
        assert_eq!(saga.sent(), [close("old")]);
        saga.handled();
        assert_eq!(saga.outcome(), Some(&Outcome::Completed("new".into())));
    }

    #[test]
    fn without_a_new_one_the_old_one_stays() {
        for refusal in [Refusal::OutOfMemory, Refusal::Quitting] {
            let mut saga = SagaTest::start(ReplaceWindow { old: "old".into() });
            saga.refuse(refusal);
            assert_eq!(saga.sent(), []);
            assert_eq!((cause(&saga).step(), cause(&saga).refusal()), ("open", Some(refusal)));
        }
    }

    #[test]
    fn the_new_one_is_closed_again_when_the_old_one_cannot_be() {
        for refusal in [Refusal::Busy, Refusal::NoSuchWindow] {
            let mut saga = opened();
            saga.refuse(refusal);
            assert!(saga.is_compensating());
            assert_eq!((saga.sent(), saga.modes()), (vec![close("new")], vec![Mode::Compensation]));
            saga.handled();
            assert_eq!((cause(&saga).step(), cause(&saga).refusal()), ("close", Some(refusal)));
        }
    }

    #[test]
    fn it_compensates_after_a_restart_too() {
        let mut saga = opened();
        saga.refuse(Refusal::Busy);
        saga.restart();
        assert_eq!((saga.sent(), saga.modes()), (vec![close("new")], vec![Mode::Compensation]));
        saga.handled();
        assert_eq!(cause(&saga).refusal(), Some(Refusal::Busy));
    }

    #[test]
    fn a_new_one_that_comes_after_the_deadline_is_closed_again() {
        let mut saga = SagaTest::start(ReplaceWindow { old: "old".into() });
        saga.advance(Duration::from_secs(10));
        assert_eq!(saga.asked(), [Command::SpawnWindow]);
        saga.settle(Fate::Done(vec![Event::WindowOpened { label: "late".into() }]));
        assert_eq!(saga.sent(), [close("late")]);
        saga.handled();
        assert_eq!(cause(&saga).kind(), CauseKind::Deadline);
    }

    #[test]
    fn what_was_never_opened_is_not_closed() {
        let mut saga = SagaTest::start(ReplaceWindow { old: "old".into() });
        saga.cancel();
        assert_eq!(saga.asked(), [Command::SpawnWindow]);
        saga.settle(Fate::Never);
        assert_eq!(saga.sent(), []);
        assert_eq!(cause(&saga).kind(), CauseKind::Cancelled);
    }

    #[test]
    fn a_new_one_that_cannot_be_closed_is_stuck_until_an_operator_acts() {
        let mut saga = opened();
        saga.refuse(Refusal::Busy);
        for _ in 0..11 {
            saga.advance(Duration::from_secs(60));
        }
        assert!(saga.is_stuck());
        saga.operator(Operator::Retry);
        saga.handled();
        assert_eq!(cause(&saga).refusal(), Some(Refusal::Busy));
    }
}
