//! A window that was closed leaves nothing behind: no process of its panes, and after the last one no pool either.
//!
//! A window that crashed starts none: its panes have ended already, and the user did not ask for fewer windows.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, Label};

saga! {
    /// What a closed window leaves behind is cleaned up. Gives whether the pool was drained with it.
    pub saga WindowCleanupCascade(closed_label: Label) -> bool on AgentMux {
        trigger WindowClosed { label: closed_label, crashed: false };
        concurrency allow;
        deadline 30s;

        /// Wait until nothing that ran in the window is left.
        step reap {
            send ReapPanes { label: closed_label };
            await PanesReaped => ();
            compensate none because "the next close retries";
        }

        /// Close the hidden windows too, if the user has no other window.
        step drain -> bool {
            send DrainPoolIfLast { label: closed_label };
            await {
                PoolDrained => true,
                PoolNotLast => false,
            }
            compensate none because "the next close retries";
        }

        return drain;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bus::{Command, Event, Refusal};

    fn reap() -> Command {
        Command::ReapPanes { label: "w1".into() }
    }

    fn drain() -> Command {
        Command::DrainPoolIfLast { label: "w1".into() }
    }

    fn closed() -> SagaTest<WindowCleanupCascade> {
        SagaTest::start(WindowCleanupCascade { closed_label: "w1".into() })
    }

    #[test]
    fn a_close_starts_it_and_a_crash_does_not() {
        let event = |crashed| Event::WindowClosed { label: "w1".into(), crashed };
        let saga = WindowCleanupCascade::triggered_by(&event(false)).expect("a close starts it");
        assert_eq!(saga.closed_label, "w1".into());
        assert!(WindowCleanupCascade::triggered_by(&event(true)).is_none());
    }

    #[test]
    fn it_reaps_first_and_says_whether_the_pool_was_drained() {
        for (reply, drained) in [(Event::PoolDrained, true), (Event::PoolNotLast, false)] {
            let mut saga = closed();
            assert_eq!(saga.sent(), [reap()]);
            saga.reply(Event::PanesReaped);
            assert_eq!(saga.sent(), [drain()]);
            saga.reply(reply);
            assert_eq!(saga.outcome(), Some(&Outcome::Completed(drained)));
        }
    }

    #[test]
    fn a_window_that_is_still_open_is_left_alone() {
        let mut saga = closed();
        saga.refuse(Refusal::StillOpen);
        let Some(Outcome::Compensated(cause)) = saga.outcome() else { panic!("{:?}", saga.outcome()) };
        assert_eq!((cause.step(), cause.refusal()), ("reap", Some(Refusal::StillOpen)));
        assert_eq!(saga.sent(), []);
    }

    #[test]
    fn it_goes_on_at_the_second_step_after_a_restart() {
        let mut saga = closed();
        saga.reply(Event::PanesReaped);
        saga.restart();
        assert_eq!(saga.sent(), [drain()]);
        saga.reply(Event::PoolNotLast);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(false)));
    }

    #[test]
    fn processes_that_do_not_end_do_not_hold_it_for_ever() {
        let mut saga = closed();
        saga.advance(Duration::from_secs(30));
        let Some(Outcome::Compensated(cause)) = saga.outcome() else { panic!("{:?}", saga.outcome()) };
        assert_eq!((cause.step(), cause.kind()), ("reap", CauseKind::Deadline));
    }
}
