//! A script of a test, played twice: once straight, and once with a restart before and after each of its actions. Both
//! must send the same commands, ask the same fates and end the same way.
//!
//! It knows no saga. Nothing is restarted while participants are away: a new coordinator thinks nobody away at first.

#![allow(clippy::needless_pass_by_value, reason = "the signatures are those of `SagaTest`")]

use std::fmt::Debug;
use std::ops::Deref;
use std::time::Duration;

use saga_runtime::message::{CommandOf, EventOf, RefusalOf};
use saga_runtime::prelude::*;

/// Of what is retried by itself.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// At each of so many tenths of a time that passes.
const RESTARTS_ON_THE_WAY: u32 = 7;

/// What can end a saga from outside, and the kind of the cause that it then has.
pub(super) type Interruption<S> = (fn(&mut Play<S>), CauseKind);

/// A saga under test; what can be seen of it is that of the straight one.
pub(super) struct Play<S: Saga> {
    straight: SagaTest<S>,
    restarted: SagaTest<S>,
    is_away: bool,
}

impl<S: Saga> Deref for Play<S> {
    type Target = SagaTest<S>;

    fn deref(&self) -> &SagaTest<S> {
        &self.straight
    }
}

impl<S: Saga> Play<S> {
    #[track_caller]
    pub(super) fn start(input: S) -> Self {
        let mut play =
            Self { straight: SagaTest::start(input.clone()), restarted: SagaTest::start(input), is_away: false };
        play.act(|_| {});
        play
    }

    #[track_caller]
    fn act<T: Debug + PartialEq>(&mut self, action: impl Fn(&mut SagaTest<S>) -> T) -> T {
        self.restart();
        let (straight, restarted) = (action(&mut self.straight), action(&mut self.restarted));
        assert_eq!(restarted, straight, "after a restart");
        self.compare("a restart before it");
        self.restart();
        self.compare("a restart after it");
        straight
    }

    fn restart(&mut self) {
        if !self.is_away {
            self.restarted.restart();
        }
    }

    #[track_caller]
    fn compare(&self, when: &str) {
        let seen = |saga: &SagaTest<S>| (saga.sent(), saga.modes(), saga.asked(), saga.children(), saga.unwinding());
        assert_eq!(seen(&self.restarted), seen(&self.straight), "other commands with {when}");
        let stands = |saga: &SagaTest<S>| (saga.is_compensating(), saga.is_stuck());
        assert_eq!(stands(&self.restarted), stands(&self.straight), "it stands elsewhere with {when}");
        let ended = |saga: &SagaTest<S>| serde_json::to_value(saga.outcome()).expect("an outcome can be written");
        assert_eq!(ended(&self.restarted), ended(&self.straight), "another outcome with {when}");
    }

    #[track_caller]
    pub(super) fn reply(&mut self, event: EventOf<S::Bus>) {
        self.act(|saga| saga.reply(event.clone()));
    }

    #[track_caller]
    pub(super) fn reply_to(&mut self, command: &CommandOf<S::Bus>, event: EventOf<S::Bus>) {
        self.act(|saga| saga.reply_to(command, event.clone()));
    }

    #[track_caller]
    pub(super) fn handled(&mut self) {
        self.act(SagaTest::handled);
    }

    #[track_caller]
    pub(super) fn handled_to(&mut self, command: &CommandOf<S::Bus>) {
        self.act(|saga| saga.handled_to(command));
    }

    #[track_caller]
    pub(super) fn refuse(&mut self, refusal: RefusalOf<S::Bus>) {
        self.act(|saga| saga.refuse(refusal.clone()));
    }

    #[track_caller]
    pub(super) fn refuse_to(&mut self, command: &CommandOf<S::Bus>, refusal: RefusalOf<S::Bus>) {
        self.act(|saga| saga.refuse_to(command, refusal.clone()));
    }

    #[track_caller]
    pub(super) fn refuse_attempt(&mut self, command: &CommandOf<S::Bus>, attempt: u32, refusal: RefusalOf<S::Bus>) {
        self.act(|saga| saga.refuse_attempt(command, attempt, refusal.clone()));
    }

    #[track_caller]
    pub(super) fn event(&mut self, event: EventOf<S::Bus>) {
        self.act(|saga| saga.event(event.clone()));
    }

    #[track_caller]
    pub(super) fn foreign(&mut self, event: EventOf<S::Bus>) {
        self.act(|saga| saga.foreign(event.clone()));
    }

    #[track_caller]
    pub(super) fn child<C: Saga<Bus = S::Bus>>(&mut self, outcome: Outcome<C::Output>)
    where
        C::Output: Clone,
    {
        self.act(|saga| saga.child::<C>(outcome.clone()));
    }

    /// Time passes; more than one timer may fire, so it is restarted on the way too.
    #[track_caller]
    pub(super) fn advance(&mut self, duration: Duration) {
        self.straight.advance(duration);
        let part = Duration::from_millis(duration.as_secs() * 100);
        for _ in 0..RESTARTS_ON_THE_WAY {
            self.restart();
            self.restarted.advance(part);
        }
        self.restart();
        self.restarted.advance(duration - part * RESTARTS_ON_THE_WAY);
        self.compare("restarts while time passed");
        self.restart();
        self.compare("a restart after time passed");
    }

    #[track_caller]
    pub(super) fn disconnect(&mut self) {
        self.is_away = true;
        self.act(SagaTest::disconnect);
    }

    #[track_caller]
    pub(super) fn reconnect(&mut self) {
        self.act(SagaTest::reconnect);
        self.is_away = false;
    }

    #[track_caller]
    pub(super) fn cancel(&mut self) -> CancelReply {
        self.act(SagaTest::cancel)
    }

    #[track_caller]
    pub(super) fn settle(&mut self, fate: Fate<EventOf<S::Bus>>) {
        self.act(|saga| saga.settle(fate.clone()));
    }

    #[track_caller]
    pub(super) fn operator(&mut self, action: Operator) {
        self.act(|saga| saga.operator(action));
    }

    /// These are out, all on the way forward, and nothing else is.
    #[track_caller]
    pub(super) fn has_out(&self, commands: &[CommandOf<S::Bus>]) {
        assert_eq!((self.sent().as_slice(), self.asked().as_slice()), (commands, &[][..]));
        assert_eq!(self.modes(), vec![Mode::Forward; commands.len()]);
    }

    /// Nothing is out; the fates of these are asked.
    #[track_caller]
    pub(super) fn asks(&self, commands: &[CommandOf<S::Bus>]) {
        assert_eq!((self.sent().as_slice(), self.asked().as_slice()), (&[][..], commands));
        assert!(self.outcome().is_none());
    }

    /// These undo it, in this order, each handled before the next is sent.
    #[track_caller]
    pub(super) fn is_undone_by(&mut self, compensations: &[CommandOf<S::Bus>]) {
        for compensation in compensations {
            assert!(self.outcome().is_none() && self.asked().is_empty());
            assert_eq!((self.sent(), self.modes()), (vec![compensation.clone()], vec![Mode::Compensation]));
            self.handled();
        }
    }

    /// The one command that is out is refused until its attempts are spent.
    #[track_caller]
    pub(super) fn refuse_until_stuck(&mut self, refusal: &RefusalOf<S::Bus>) {
        let out = self.sent();
        for _ in 0..10 {
            self.refuse(refusal.clone());
            self.advance(LONGEST_BACKOFF);
            assert_eq!((self.is_stuck(), self.sent()), (false, out.clone()));
        }
        self.refuse(refusal.clone());
        assert!(self.is_stuck() && self.sent().is_empty());
    }

    /// Why it was compensated.
    #[track_caller]
    pub(super) fn cause(&self) -> Cause {
        assert!(self.sent().is_empty() && self.asked().is_empty() && !self.is_stuck());
        match self.outcome() {
            Some(Outcome::Compensated(cause)) => cause.clone(),
            other => panic!("it was not compensated: {}", other.map_or("it goes on", |_| "it ended otherwise")),
        }
    }

    /// The kind of the cause, its step and its message.
    #[track_caller]
    pub(super) fn why(&self) -> (CauseKind, String, String) {
        let cause = self.cause();
        (cause.kind(), cause.step().to_owned(), cause.message().to_owned())
    }

    /// Whether an operator ended it.
    pub(super) fn was_ended(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Ended(_)))
    }
}
