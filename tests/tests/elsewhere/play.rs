//! What the scripts of these sagas have in common. Each is played twice, as every script of the language is.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use saga_runtime::message::{CommandOf, RefusalOf};
use saga_runtime::prelude::*;

use crate::twin::Twin;

/// Of what is retried by itself.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What can end a saga from outside, and the kind of the cause that it then has.
pub(super) type Interruption<S> = (fn(&mut Play<S>), CauseKind);

/// A saga under test, with and without restarts.
pub(super) struct Play<S: Saga>(Twin<S>);

impl<S: Saga> Deref for Play<S> {
    type Target = Twin<S>;

    fn deref(&self) -> &Twin<S> {
        &self.0
    }
}

impl<S: Saga> DerefMut for Play<S> {
    fn deref_mut(&mut self) -> &mut Twin<S> {
        &mut self.0
    }
}

impl<S: Saga> Play<S> {
    #[track_caller]
    pub(super) fn start(input: S) -> Self {
        Self(Twin::start(input))
    }

    /// Time passes, with restarts on the way.
    #[track_caller]
    pub(super) fn advance(&mut self, duration: Duration) {
        self.0.pass(duration);
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
}
