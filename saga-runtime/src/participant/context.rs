//! What a handler sees of the command that it executes, beside the command itself. It knows neither inbox nor line.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::message::{Answer, Bus, EventOf, ExchangeKey, Mode, RefusalOf, SagaId};

use super::afterwards::Afterwards;
use super::answering::Answering;

/// The envelope of a command, and the way to tell events of it.
pub struct Context<B: Bus> {
    answering: Arc<Answering<B>>,
    afterwards: Mutex<Afterwards>,
}

impl<B: Bus> Context<B> {
    pub(super) fn new(answering: Arc<Answering<B>>) -> Self {
        let afterwards = Mutex::new(Afterwards::new(answering.is_secretive()));
        Self { answering, afterwards }
    }

    /// What is to be done once the handler's work is there to stay.
    pub(super) fn into_afterwards(self) -> Afterwards {
        self.afterwards.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells this event, as one that answers this very command. It leaves with the answer, if that is *handled*.
    pub fn emit(&self, event: EventOf<B>) {
        self.answering.emit(event);
    }

    /// Does this once what the handler has written is committed, in the order asked for; not if that is undone, because
    /// the handler refuses, panics or breaks its contract, or because the commit fails (the handler is then run again). Of
    /// a [`Participant`](super::Participant), which has no transaction, it is done when the handler has returned `Ok`.
    ///
    /// So a transaction can have an effect outside of its database: start a process, tell a task. It should be short,
    /// for all other answers wait for it; let it hand over to a task.
    ///
    /// A crash between the commit and this leaves it undone. What must happen nevertheless belongs to a command with a
    /// deferred answer: take a [`Context::reporter`] along, and ask for the same again in
    /// [`resume`](super::TransactionalParticipant::resume), which the next life runs if the answer never came.
    ///
    /// ```
    /// # use saga_runtime::prelude::*;
    /// # fn handler<B: Bus>(cx: &Context<B>, doorbell: std::sync::mpsc::Sender<Reporter<B>>) {
    /// let reporter = cx.reporter();
    /// cx.when_committed(move || {
    ///     // Nobody there: the reporter is dropped, and the command has broken off.
    ///     let _ = doorbell.send(reporter);
    /// });
    /// # }
    /// ```
    pub fn when_committed(&self, action: impl FnOnce() + Send + 'static) {
        self.afterwards.lock().unwrap_or_else(PoisonError::into_inner).push(action);
    }

    /// Defers the answer: the command is handled or refused when the reporter says so, and not when the handler
    /// returns `Ok`. It may be taken to another task, and outlive the handler.
    pub fn reporter(&self) -> Reporter<B> {
        self.answering.defer();
        Reporter(Arc::clone(&self.answering))
    }

    /// The idempotency key: the same for every attempt, and for no other command.
    pub fn key(&self) -> ExchangeKey {
        self.answering.key()
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
        self.answering.attempt()
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
