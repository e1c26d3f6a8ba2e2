//! The pool stays full: every hidden window that is shown to the user is followed by a fresh one.
//!
//! Two promotes at once give two sagas, each completed by its own window. A window that the host adds of its own accord
//! completes neither.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, Label};

saga! {
    /// Every window promoted out of the pool is replaced by a fresh one.
    pub saga PoolRespawnOnPromote(promoted_label: Label) -> Label on AgentMux {
        trigger PoolWindowPromoted { label: promoted_label };
        concurrency allow;
        deadline 5s;

        /// Ask the host for a new hidden window.
        step refill -> Label {
            send SpawnPoolWindow;
            await PoolWindowAdded { label } => label;
            compensate none because "the next promote refills the pool";
        }

        return refill;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bus::{Command, Event, Refusal};

    fn promoted() -> SagaTest<PoolRespawnOnPromote> {
        SagaTest::start(PoolRespawnOnPromote { promoted_label: "w1".into() })
    }

    #[test]
    fn a_promote_starts_it_and_nothing_else_does() {
        let label = Label::from("w1");
        let promoted = Event::PoolWindowPromoted { label: label.clone() };
        let saga = PoolRespawnOnPromote::triggered_by(&promoted).expect("a promote starts it");
        assert_eq!(saga.promoted_label, label);
        for other in [Event::PoolWindowAdded { label: label.clone() }, Event::WindowClosed { label, crashed: false }] {
            assert!(PoolRespawnOnPromote::triggered_by(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn its_own_window_completes_it() {
        let mut saga = promoted();
        assert_eq!(saga.sent(), [Command::SpawnPoolWindow]);
        saga.reply(Event::PoolWindowAdded { label: "w3".into() });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed("w3".into())));
    }

    #[test]
    fn windows_of_others_do_not() {
        let mut saga = promoted();
        saga.event(Event::PoolWindowAdded { label: "added by the host itself".into() });
        saga.foreign(Event::PoolWindowAdded { label: "another saga's".into() });
        assert_eq!(saga.outcome(), None);
        assert_eq!(saga.sent(), [Command::SpawnPoolWindow]);
        saga.reply(Event::PoolWindowAdded { label: "w3".into() });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed("w3".into())));
    }

    #[test]
    fn every_refusal_ends_it_with_that_cause() {
        for refusal in [Refusal::PoolFull, Refusal::Quitting, Refusal::OutOfMemory] {
            let mut saga = promoted();
            saga.refuse(refusal);
            let Some(Outcome::Compensated(cause)) = saga.outcome() else { panic!("{:?}", saga.outcome()) };
            assert_eq!((cause.step(), cause.refusal()), ("refill", Some(refusal)));
        }
    }

    #[test]
    fn it_waits_for_a_host_that_is_away_until_its_deadline() {
        let mut saga = promoted();
        saga.disconnect();
        saga.advance(Duration::from_millis(4999));
        assert_eq!(saga.outcome(), None);
        saga.advance(Duration::from_millis(1));
        let Some(Outcome::Compensated(cause)) = saga.outcome() else { panic!("{:?}", saga.outcome()) };
        assert_eq!(cause.kind(), CauseKind::Deadline);
    }

    #[test]
    fn it_goes_on_after_a_restart_and_a_reconnect() {
        let mut saga = promoted();
        saga.restart();
        saga.disconnect();
        saga.reconnect();
        assert_eq!(saga.sent(), [Command::SpawnPoolWindow]);
        saga.reply(Event::PoolWindowAdded { label: "w3".into() });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed("w3".into())));
    }
}
