//! What a handler sees of the command that it executes, beside the command itself. It knows neither inbox nor line.

use std::fmt;
use std::sync::Arc;

use crate::message::{Answer, Bus, EventOf, ExchangeKey, Mode, RefusalOf, SagaId};

use super::answering::Answering;

/// The envelope of a command, and the way to tell events of it.
pub struct Context<B: Bus>(Arc<Answering<B>>);

impl<B: Bus> Context<B> {
    pub(super) fn new(answering: Arc<Answering<B>>) -> Self {
        Self(answering)
    }

    /// Tells this event, as one that answers this very command. It leaves with the answer, if that is *handled*.
    pub fn emit(&self, event: EventOf<B>) {
        self.0.emit(event);
    }

    /// Defers the answer: the command is handled or refused when the reporter says so, and not when the handler
    /// returns `Ok`. It may be taken to another task, and outlive the handler.
    pub fn reporter(&self) -> Reporter<B> {
        self.0.defer();
        Reporter(Arc::clone(&self.0))
    }

    /// The idempotency key: the same for every attempt, and for no other command.
    pub fn key(&self) -> ExchangeKey {
        self.0.key()
    }

    /// Why the command is sent. Guards must not block [`Mode::Compensation`].
    pub fn mode(&self) -> Mode {
        self.key().at.mode
    }

    /// The saga that sent it.
    pub fn saga(&self) -> SagaId {
        self.key().saga
    }

    /// The attempt, from 1, for which the handler runs.
    pub fn attempt(&self) -> u32 {
        self.0.attempt()
    }
}

impl<B: Bus> fmt::Debug for Context<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("key", &self.key()).field("attempt", &self.attempt()).finish_non_exhaustive()
    }
}

/// A deferred answer. Dropped without one, the command is broken off: what was done is not known.
#[must_use = "a command whose reporter is dropped is broken off"]
pub struct Reporter<B: Bus>(Arc<Answering<B>>);

impl<B: Bus> Reporter<B> {
    /// Tells this event, as [`Context::emit`] does.
    pub fn emit(&self, event: EventOf<B>) {
        self.0.emit(event);
    }

    /// The command was done.
    pub fn handled(self) {
        self.0.handled();
    }

    /// The command was not done; what was emitted is discarded.
    pub fn refused(self, refusal: RefusalOf<B>) {
        self.0.answer(Answer::Refused(refusal));
    }
}

impl<B: Bus> fmt::Debug for Reporter<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("key", &self.0.key()).finish_non_exhaustive()
    }
}
