//! A command is typed into a terminal session, and somebody waits until it has finished.
//!
//! Whoever waits no longer than that leaves the command alone: it goes on, and the session's event log tells of its end.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bus::{AgentMux, Session, Timeout};

/// How much longer than its command a run may take in all.
const MARGIN: Duration = Duration::from_secs(5);

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It has finished.
    Completed {
        /// The number of its `run_complete` in the session's event log.
        sequence: u64,
        /// Its exit status.
        status: u8,
    },
    /// It has not finished in time. It goes on, and its end will be in the session's event log.
    TimedOut,
    /// The session ended first.
    Exited,
}

saga! {
    /// Types a command into a session and waits until it has finished, but not longer than the timeout.
    pub saga WaitedRun(session: Session, command: String, timeout: Timeout) -> RunOutcome on AgentMux {
        concurrency allow;
        deadline { timeout.duration() + MARGIN };

        /// Type the command, and wait for its end.
        step run -> RunOutcome {
            send RunCommand { session, command };
            within { timeout.duration() };
            await {
                RunCompleted { sequence, status } => RunOutcome::Completed { sequence, status },
                SessionExited => RunOutcome::Exited,
                timeout => RunOutcome::TimedOut,
            }
            compensate none because "what a command did is not known, and goes on when nobody waits for it";
        }

        return run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Command, Event, Refusal};

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn session() -> Session {
        Session { window: "w1".into(), pane: 1 }
    }

    fn started() -> SagaTest<WaitedRun> {
        SagaTest::start(WaitedRun { session: session(), command: "make".into(), timeout: Timeout::of(TIMEOUT) })
    }

    #[track_caller]
    fn cause(saga: &SagaTest<WaitedRun>) -> &Cause {
        match saga.outcome() {
            Some(Outcome::Compensated(cause)) => cause,
            other => panic!("it was not compensated: {other:?}"),
        }
    }

    #[test]
    fn the_end_of_the_command_completes_it() {
        let mut saga = started();
        assert_eq!(saga.sent(), [Command::RunCommand { session: session(), command: "make".into() }]);
        saga.reply(Event::RunCompleted { sequence: 7, status: 2 });
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(RunOutcome::Completed { sequence: 7, status: 2 })));
    }

    #[test]
    fn the_end_of_the_session_completes_it_too() {
        let mut saga = started();
        saga.reply(Event::SessionExited);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(RunOutcome::Exited)));
    }

    #[test]
    fn the_end_of_another_run_does_not() {
        let mut saga = started();
        saga.foreign(Event::RunCompleted { sequence: 7, status: 0 });
        saga.foreign(Event::SessionExited);
        assert_eq!(saga.outcome(), None);
    }

    #[test]
    fn it_waits_no_longer_than_the_timeout() {
        let mut saga = started();
        saga.advance(TIMEOUT - Duration::from_millis(1));
        assert_eq!(saga.outcome(), None);
        saga.advance(Duration::from_millis(1));
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(RunOutcome::TimedOut)));
        assert!(saga.asked().is_empty(), "nothing would follow from the fate of the command");
    }

    #[test]
    fn a_restart_does_not_prolong_it() {
        let mut saga = started();
        saga.advance(TIMEOUT / 2);
        saga.restart();
        saga.advance(TIMEOUT / 2);
        assert_eq!(saga.outcome(), Some(&Outcome::Completed(RunOutcome::TimedOut)));
    }

    #[test]
    fn every_refusal_ends_it_with_that_cause() {
        for refusal in [Refusal::NoSuchSession, Refusal::Busy, Refusal::TooManyRuns, Refusal::OutOfMemory] {
            let mut saga = started();
            saga.refuse(refusal);
            assert_eq!((cause(&saga).step(), cause(&saga).refusal()), ("run", Some(refusal)));
        }
    }

    #[test]
    fn it_ends_when_the_host_stays_away() {
        let mut saga = started();
        saga.disconnect();
        saga.advance(TIMEOUT + MARGIN);
        assert!(saga.outcome().is_some());
    }
}
