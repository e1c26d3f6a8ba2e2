//! One command that is being answered: gathers what its handler emits, and answers once. Context and reporters share
//! it; when the last of them is gone without an answer, that is an answer too.
//!
//! Where the answer must not count before something else is durable, it is *held*: it counts when it is released, and
//! never if it is voided.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::inbox::RunId;
use crate::message::{Answer, Bus, CommandInfo, Event, EventOf, ExchangeKey, RefusalOf};
use crate::redaction;

use super::contract;

/// What a handler did.
#[derive(Debug)]
pub(super) enum Done<B: Bus> {
    /// The command has its answer.
    Answered(RunId, Answer<EventOf<B>, RefusalOf<B>>),
    /// The handler has returned.
    Returned(RunId),
}

/// Which command, asked of whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) run: RunId,
    pub(super) key: ExchangeKey,
    pub(super) attempt: u32,
    pub(super) participant: &'static str,
    pub(super) command: &'static CommandInfo,
}

/// A command without an answer yet.
#[derive(Debug)]
pub(super) struct Answering<B: Bus> {
    subject: Subject,
    deferred: AtomicBool,
    /// None once it is answered.
    emitted: Mutex<Option<Vec<EventOf<B>>>>,
    outlet: Mutex<Outlet<B>>,
    done: UnboundedSender<Done<B>>,
}

/// What becomes of the answer.
#[derive(Debug)]
enum Outlet<B: Bus> {
    Open,
    Held(Option<Answer<EventOf<B>, RefusalOf<B>>>),
    Void,
}

impl<B: Bus> Answering<B> {
    pub(super) fn new(subject: Subject, done: UnboundedSender<Done<B>>) -> Self {
        Self::with(subject, Vec::new(), Outlet::Open, done)
    }

    /// One whose answer is held, and which begins with these events.
    pub(super) fn held(subject: Subject, emitted: Vec<EventOf<B>>, done: UnboundedSender<Done<B>>) -> Self {
        Self::with(subject, emitted, Outlet::Held(None), done)
    }

    fn with(subject: Subject, emitted: Vec<EventOf<B>>, outlet: Outlet<B>, done: UnboundedSender<Done<B>>) -> Self {
        let (emitted, outlet) = (Mutex::new(Some(emitted)), Mutex::new(outlet));
        Self { subject, deferred: AtomicBool::new(false), emitted, outlet, done }
    }

    /// The answer that is held, if there is one by now. Then no other follows.
    pub(super) fn take(&self) -> Option<Answer<EventOf<B>, RefusalOf<B>>> {
        let mut outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        let Outlet::Held(held) = &mut *outlet else { return None };
        let answer = held.take()?;
        *outlet = Outlet::Void;
        Some(answer)
    }

    /// From now on the answer counts, also one that is held.
    pub(super) fn release(&self) {
        let mut outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        if let Outlet::Held(held) = std::mem::replace(&mut *outlet, Outlet::Open)
            && let Some(answer) = held
        {
            let _ = self.done.send(Done::Answered(self.subject.run, answer));
        }
    }

    /// No answer counts any more.
    pub(super) fn void(&self) {
        *self.outlet.lock().unwrap_or_else(PoisonError::into_inner) = Outlet::Void;
    }

    /// What was emitted so far, if there is no answer.
    pub(super) fn emitted(&self) -> Vec<EventOf<B>> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Whether what its handler says in a panic is not shown.
    pub(super) fn is_secretive(&self) -> bool {
        redaction::is_secretive::<B>(self.subject.command)
    }

    pub(super) fn key(&self) -> ExchangeKey {
        self.subject.key
    }

    pub(super) fn attempt(&self) -> u32 {
        self.subject.attempt
    }

    pub(super) fn emit(&self, event: EventOf<B>) {
        let mut emitted = self.emitted.lock().unwrap_or_else(PoisonError::into_inner);
        match emitted.as_mut() {
            Some(events) => events.push(event),
            None => tracing::warn!(
                key = %self.subject.key,
                event = event.info().name,
                "`{}` emitted an event after its answer; nobody hears it",
                self.subject.participant
            ),
        }
    }

    /// From now on a reporter answers, and not the handler's `Ok`.
    pub(super) fn defer(&self) {
        self.deferred.store(true, Ordering::Release);
    }

    /// The handler has returned this, or panicked with this message.
    pub(super) fn returned(&self, result: Result<Result<(), RefusalOf<B>>, String>) {
        match result {
            Ok(Ok(())) if self.deferred.load(Ordering::Acquire) => {}
            Ok(Ok(())) => self.handled(),
            Ok(Err(refusal)) => self.answer(Answer::Refused(refusal)),
            Err(panic) => self.broken(format!("the handler of `{}` panicked: {panic}", self.subject.command.name)),
        }
    }

    /// Answers *handled* with what was emitted, or *broken* if that is not what was declared.
    pub(super) fn handled(&self) {
        let Some(events) = self.close() else { return };
        let Subject { participant, command, .. } = self.subject;
        let emitted: Vec<_> = events.iter().map(Event::info).collect();
        let breach = contract::breach(participant, command, &emitted);
        self.send(breach.map_or(Answer::Handled(events), Answer::Broken));
    }

    /// Answers, unless there was an answer before; what was emitted is discarded.
    pub(super) fn answer(&self, answer: Answer<EventOf<B>, RefusalOf<B>>) {
        if self.close().is_some() {
            self.send(answer);
        }
    }

    /// Answers *broken*, and says so where it is seen.
    pub(super) fn broken(&self, complaint: String) {
        tracing::error!(key = %self.subject.key, participant = self.subject.participant, "{complaint}");
        self.answer(Answer::Broken(complaint));
    }

    /// Nobody is left who could answer.
    pub(super) fn dropped(&self) {
        if self.close().is_some() {
            let Subject { participant, command, .. } = self.subject;
            self.send(Answer::Broken(format!(
                "`{participant}` dropped `{}` without an answer; let its reporter say handled or refused",
                command.name
            )));
        }
    }

    fn close(&self) -> Option<Vec<EventOf<B>>> {
        self.emitted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A driver that is gone has stopped, and what it did not wait for is cut off.
    fn send(&self, answer: Answer<EventOf<B>, RefusalOf<B>>) {
        let mut outlet = self.outlet.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *outlet {
            Outlet::Open => {
                let _ = self.done.send(Done::Answered(self.subject.run, answer));
            }
            Outlet::Held(held) => *held = Some(answer),
            Outlet::Void => {}
        }
    }
}

impl<B: Bus> Drop for Answering<B> {
    fn drop(&mut self) {
        self.dropped();
    }
}
