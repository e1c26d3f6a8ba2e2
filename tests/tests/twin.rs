//! Each script of a test played twice: as it stands, and with the coordinator killed before and after each of its
//! lines. Nothing that can be seen may tell the two apart.
//!
//! While participants are away nothing is restarted: a new coordinator thinks nobody away for some seconds, which has
//! tests of its own.

#![allow(clippy::needless_pass_by_value, reason = "the signatures are those of `SagaTest`")]

use std::ops::Deref;
use std::time::Duration;

use saga_runtime::message::{CommandOf, EventOf, RefusalOf};
use saga_runtime::prelude::*;
use serde_json::{Value, json};

/// While time passes.
const RESTARTS_ON_THE_WAY: u32 = 9;

/// A saga under test, and the same one that a restart never leaves alone.
pub(crate) struct Twin<S: Saga> {
    plain: SagaTest<S>,
    restarted: SagaTest<S>,
    is_away: bool,
}

/// What can be seen of it is that of the plain one.
impl<S: Saga> Deref for Twin<S> {
    type Target = SagaTest<S>;

    fn deref(&self) -> &SagaTest<S> {
        &self.plain
    }
}

impl<S: Saga> Twin<S> {
    #[track_caller]
    pub(crate) fn start(input: S) -> Self {
        let mut twin =
            Self { plain: SagaTest::start(input.clone()), restarted: SagaTest::start(input), is_away: false };
        twin.both(|_| {});
        twin
    }

    /// One line of the script.
    #[track_caller]
    fn both<T: std::fmt::Debug + PartialEq>(&mut self, line: impl Fn(&mut SagaTest<S>) -> T) -> T {
        self.restart();
        let (answer, other) = (line(&mut self.plain), line(&mut self.restarted));
        assert_eq!(other, answer, "with a restart before it");
        self.compare("with a restart before it");
        self.restart();
        self.compare("with a restart after it");
        answer
    }

    #[track_caller]
    fn restart(&mut self) {
        if !self.is_away {
            self.restarted.restart();
        }
    }

    #[track_caller]
    fn compare(&self, when: &str) {
        let (plain, restarted) = (sight(&self.plain), sight(&self.restarted));
        assert_eq!(restarted, plain, "the saga looks different {when}");
    }

    #[track_caller]
    pub(crate) fn reply(&mut self, event: EventOf<S::Bus>) {
        self.both(|saga| saga.reply(event.clone()));
    }

    #[track_caller]
    pub(crate) fn reply_to(&mut self, command: &CommandOf<S::Bus>, event: EventOf<S::Bus>) {
        self.both(|saga| saga.reply_to(command, event.clone()));
    }

    #[track_caller]
    pub(crate) fn handled(&mut self) {
        self.both(SagaTest::handled);
    }

    #[track_caller]
    pub(crate) fn handled_to(&mut self, command: &CommandOf<S::Bus>) {
        self.both(|saga| saga.handled_to(command));
    }

    #[track_caller]
    pub(crate) fn refuse(&mut self, refusal: RefusalOf<S::Bus>) {
        self.both(|saga| saga.refuse(refusal.clone()));
    }

    #[track_caller]
    pub(crate) fn refuse_to(&mut self, command: &CommandOf<S::Bus>, refusal: RefusalOf<S::Bus>) {
        self.both(|saga| saga.refuse_to(command, refusal.clone()));
    }

    #[track_caller]
    pub(crate) fn refuse_attempt(&mut self, command: &CommandOf<S::Bus>, attempt: u32, refusal: RefusalOf<S::Bus>) {
        self.both(|saga| saga.refuse_attempt(command, attempt, refusal.clone()));
    }

    #[track_caller]
    pub(crate) fn event(&mut self, event: EventOf<S::Bus>) {
        self.both(|saga| saga.event(event.clone()));
    }

    #[track_caller]
    pub(crate) fn foreign(&mut self, event: EventOf<S::Bus>) {
        self.both(|saga| saga.foreign(event.clone()));
    }

    #[track_caller]
    pub(crate) fn advance(&mut self, duration: Duration) {
        self.both(|saga| saga.advance(duration));
    }

    #[track_caller]
    pub(crate) fn disconnect(&mut self) {
        self.is_away = true;
        self.both(SagaTest::disconnect);
    }

    #[track_caller]
    pub(crate) fn reconnect(&mut self) {
        self.both(SagaTest::reconnect);
        self.is_away = false;
    }

    #[track_caller]
    pub(crate) fn cancel(&mut self) -> CancelReply {
        self.both(SagaTest::cancel)
    }

    #[track_caller]
    pub(crate) fn settle(&mut self, fate: Fate<EventOf<S::Bus>>) {
        self.both(|saga| saga.settle(fate.clone()));
    }

    /// Whether what the operator does makes sense.
    #[track_caller]
    pub(crate) fn operator(&mut self, action: Operator) -> bool {
        self.both(|saga| saga.try_operator(action).is_ok())
    }

    /// The oldest child has ended.
    #[track_caller]
    pub(crate) fn child<C: Saga<Bus = S::Bus>>(&mut self, outcome: Outcome<C::Output>)
    where
        C::Output: Clone,
    {
        self.both(|saga| saga.child::<C>(outcome.clone()));
    }

    /// Time passes; more than one timer may fire, so it is restarted on the way too.
    #[track_caller]
    pub(crate) fn pass(&mut self, duration: Duration) {
        self.plain.advance(duration);
        let part = duration / (RESTARTS_ON_THE_WAY + 1);
        for _ in 0..RESTARTS_ON_THE_WAY {
            self.restart();
            self.restarted.advance(part);
        }
        self.restart();
        self.restarted.advance(duration - part * RESTARTS_ON_THE_WAY);
        self.compare("with restarts on the way");
    }

    /// Why it was compensated.
    #[track_caller]
    pub(crate) fn cause(&self) -> Cause {
        match self.outcome() {
            Some(Outcome::Compensated(cause)) => cause.clone(),
            Some(Outcome::Completed(_)) => panic!("it completed"),
            Some(Outcome::Ended(by)) => panic!("it was ended by {by:?}"),
            None => panic!("it has not ended; out are: {:?}; asked are: {:?}", self.sent(), self.asked()),
        }
    }

    /// The kind of the cause, its step and its message.
    #[track_caller]
    pub(crate) fn why(&self) -> (CauseKind, String, String) {
        let cause = self.cause();
        (cause.kind(), cause.step().to_owned(), cause.message().to_owned())
    }

    /// The reason of the last time that it was stuck.
    #[track_caller]
    pub(crate) fn reason(&self) -> String {
        let reason = |notice: &Notice| match notice {
            Notice::SagaStuck { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        self.notices().iter().rev().find_map(reason).expect("it was told that the saga is stuck")
    }

    /// Whether an operator ended it.
    pub(crate) fn was_ended(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Ended(_)))
    }

    /// How often each attempt of whatever was sent, by step.
    pub(crate) fn attempts(&self, of: &str, in_mode: Mode) -> Vec<u32> {
        let attempt = |notice| match notice {
            Notice::StepStarted { step, mode, attempt, .. } if step == of && mode == in_mode => Some(attempt),
            _ => None,
        };
        self.notices().into_iter().filter_map(attempt).collect()
    }
}

/// All that can be seen of a saga, but for the times at which things happened: they hang on jitter.
fn sight<S: Saga>(saga: &SagaTest<S>) -> Value {
    let notices: Vec<_> = saga.notices().into_iter().map(timeless).collect();
    json!({
        "sent": saga.sent(),
        "modes": saga.modes(),
        "asked": saga.asked(),
        "state": serde_json::to_value(saga.state()).expect("a state can be written"),
        "compensating": saga.is_compensating(),
        "stuck": saga.is_stuck(),
        "outcome": serde_json::to_value(saga.outcome()).expect("an outcome can be written"),
        "notices": notices,
    })
}

fn timeless(notice: Notice) -> Value {
    let mut notice = serde_json::to_value(notice).expect("a notice can be written");
    if let Some(fields) = notice.as_object_mut() {
        fields.remove("time");
        fields.remove("until");
    }
    notice
}
