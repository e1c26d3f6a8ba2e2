//! What the scripts of several sagas say: how one goes back, and why.

use saga_runtime::prelude::*;

use super::exploring;
use crate::bus::{AgentMux, Command, Refusal};

/// The oldest command that is out is handled, with the first of the replies that it may have.
#[track_caller]
pub(super) fn handle<S: Saga<Bus = AgentMux>>(saga: &mut SagaTest<S>) {
    let command = saga.sent().into_iter().next().expect("a command is out");
    match exploring::answers(&command).into_iter().next() {
        Some(event) => saga.reply(event),
        None => saga.handled(),
    }
}

/// The commands with which it goes back, in their order, each of them handled: one at a time, in compensation mode.
#[track_caller]
pub(super) fn rollback<S: Saga<Bus = AgentMux>>(saga: &mut SagaTest<S>) -> Vec<Command> {
    let mut commands = Vec::new();
    while saga.modes().contains(&Mode::Compensation) {
        assert_eq!(saga.modes(), [Mode::Compensation], "one after another: {:?}", saga.sent());
        commands.extend(saga.sent());
        handle(saga);
    }
    commands
}

/// Why it was compensated.
#[track_caller]
pub(super) fn cause<S: Saga>(saga: &SagaTest<S>) -> &Cause {
    match saga.outcome() {
        Some(Outcome::Compensated(cause)) => cause,
        Some(Outcome::Completed(_)) => panic!("it went all the way"),
        Some(Outcome::Ended(by)) => panic!("it was ended by {by:?}"),
        None => panic!("it has not ended; out are {:?}, asked is after {:?}", saga.sent(), saga.asked()),
    }
}

/// At which step it was refused, and how.
#[track_caller]
pub(super) fn refused<S: Saga<Bus = AgentMux>>(saga: &SagaTest<S>) -> (&str, Option<Refusal>) {
    (cause(saga).step(), cause(saga).refusal())
}

/// At which step it failed, and in which way.
#[track_caller]
pub(super) fn failed<S: Saga<Bus = AgentMux>>(saga: &SagaTest<S>) -> (&str, CauseKind) {
    (cause(saga).step(), cause(saga).kind())
}
