//! Moves data between a participant's line, its [inbox](crate::inbox) and its handlers. It decides nothing: what runs,
//! and what is answered, is the inbox's to say. A handler that is not ready at once becomes a task.
//!
//! Its owner is the line, which gives it deliveries and takes reports. It knows no channel but that of its handlers.

use std::any::Any;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use crate::bus::{Delivery, Horizon, Payload, Report};
use crate::inbox::{Asked, Effect, Inbox, Limits};
use crate::message::{Answer, Bus, Command, CommandInfo, CommandOf, ExchangeKey, ParticipantCommand};
use crate::redaction::{Hushed, REDACTED, hushed};

use super::answering::{Answering, Done, Subject};
use super::serving::Drive;
use super::{BusOf, Context, EventsOf, Participant, ParticipantOptions, RefusalsOf};

/// A participant at work.
pub struct Driver<P: Participant> {
    participant: Arc<P>,
    options: ParticipantOptions,
    inbox: Inbox<Order<P::Command>, EventsOf<P>, RefusalsOf<P>>,
    handlers: JoinSet<()>,
    done_sender: mpsc::UnboundedSender<Done<BusOf<P>>>,
    done: mpsc::UnboundedReceiver<Done<BusOf<P>>>,
    reports: VecDeque<Report<BusOf<P>>>,
    /// When what runs is cut off.
    end: Option<Instant>,
}

/// A command that this participant can execute.
#[derive(Debug)]
pub(super) struct Order<C> {
    pub(super) command: C,
    pub(super) info: &'static CommandInfo,
    pub(super) saga: Cow<'static, str>,
    pub(super) step: Cow<'static, str>,
}

impl<P: Participant> Driver<P> {
    pub(super) fn new(participant: P, options: ParticipantOptions) -> Self {
        let (done_sender, done) = mpsc::unbounded_channel();
        Self {
            participant: Arc::new(participant),
            options,
            inbox: Inbox::new(P::MEMORY, Limits { at_once: options.at_once }),
            handlers: JoinSet::new(),
            done_sender,
            done,
            reports: VecDeque::new(),
            end: None,
        }
    }

    fn done(&mut self, done: Done<BusOf<P>>) {
        match done {
            Done::Answered(run, answer) => self.inbox.answered(run, answer),
            Done::Returned(run) => self.inbox.returned(run),
        }
        while self.handlers.try_join_next().is_some() {}
    }

    fn admit(&mut self, delivery: Delivery<BusOf<P>>, horizon: &Horizon) {
        match delivery {
            Delivery::Settle { key } => self.inbox.settle(key, horizon),
            Delivery::Command { key, attempt, saga, step, command } => match order::<P::Command>(command, saga, step) {
                Ok(order) => {
                    let query = order.info.query;
                    self.inbox.command(Asked { key, attempt, query, command: order }, horizon);
                }
                Err(complaint) => self.complain(key, attempt, complaint),
            },
        }
    }

    /// Answers what never was a command of this participant. Nothing of it is remembered: nothing was done.
    fn complain(&mut self, key: ExchangeKey, attempt: u32, complaint: String) {
        tracing::error!(%key, participant = P::Command::PARTICIPANT, "{complaint}");
        self.reports.push_back(Report::Answered { key, attempt, answer: Answer::Broken(complaint) });
    }

    fn act(&mut self) {
        loop {
            while let Ok(done) = self.done.try_recv() {
                self.done(done);
            }
            let Some(effect) = self.inbox.next_effect() else { return };
            match effect {
                Effect::Run { run, key, attempt, command } => {
                    let participant = P::Command::PARTICIPANT;
                    self.run(Subject { run, key, attempt, participant, command: command.info }, command);
                }
                Effect::Answer { key, attempt, answer } => {
                    self.reports.push_back(Report::Answered { key, attempt, answer });
                }
                Effect::Fate { key, fate } => self.reports.push_back(Report::Fate { key, fate }),
            }
        }
    }

    /// Runs the handler as far as it goes without waiting; the rest of it is a task.
    fn run(&mut self, subject: Subject, order: Order<P::Command>) {
        let span = order.span(&subject);
        let returned = Returned { subject, done: self.done_sender.clone() };
        let answering = Arc::new(Answering::new(subject, self.done_sender.clone()));
        let handler = handle(returned, answering, Arc::clone(&self.participant), order.command);
        let mut handler = Box::pin(handler.instrument(span));
        // Nobody need be woken for what became ready meanwhile: the task begins by asking again.
        if handler.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending() {
            self.handlers.spawn(handler);
        }
    }
}

impl<P: Participant> Drive<BusOf<P>> for Driver<P> {
    fn has_room(&self) -> bool {
        self.inbox.waiting() < self.options.waiting.max(1)
    }

    fn next_report(&mut self) -> Option<Report<BusOf<P>>> {
        self.reports.pop_front()
    }

    async fn hear(&mut self) {
        if let Some(done) = self.done.recv().await {
            self.done(done);
            self.act();
        }
    }

    fn take(&mut self, delivery: Delivery<BusOf<P>>, horizon: &Horizon) {
        self.admit(delivery, horizon);
        self.act();
    }

    fn stop(&mut self) {
        self.inbox.stop();
        self.end = Some(Instant::now() + self.options.grace);
    }

    /// Waits for deferred answers too.
    async fn hear_last(&mut self) -> bool {
        if self.inbox.is_idle() {
            return false;
        }
        let end = self.end.unwrap_or_else(Instant::now);
        let heard = tokio::time::timeout_at(end, self.hear()).await.is_ok();
        if !heard {
            let participant = P::Command::PARTICIPANT;
            tracing::warn!(participant, "commands still ran after {:?}; they are cut off", self.options.grace);
        }
        heard
    }

    fn failure(&self) -> Option<&str> {
        None
    }
}

impl<C> Order<C> {
    /// In which its handler runs.
    pub(super) fn span(&self, subject: &Subject) -> tracing::Span {
        tracing::debug_span!(
            "handle",
            participant = subject.participant,
            command = subject.command.name,
            key = %subject.key,
            attempt = subject.attempt,
            saga = &*self.saga,
            step = &*self.step,
        )
    }
}

/// Runs the handler. `_returned` comes first, to be dropped last: a command that is left without an answer has one
/// before the next may run.
async fn handle<P: Participant>(
    _returned: Returned<BusOf<P>>,
    answering: Arc<Answering<BusOf<P>>>,
    participant: Arc<P>,
    command: P::Command,
) {
    let (context, is_secretive) = (Context::new(Arc::clone(&answering)), answering.is_secretive());
    let handled = contained(async { participant.handle(command, &context).await }, is_secretive).await;
    let is_done = matches!(handled, Ok(Ok(())));
    let afterwards = context.into_afterwards();
    answering.returned(handled);
    if is_done {
        afterwards.run();
    }
}

/// Says that the handler is gone, whatever ended it.
struct Returned<B: Bus> {
    subject: Subject,
    done: mpsc::UnboundedSender<Done<B>>,
}

impl<B: Bus> Drop for Returned<B> {
    fn drop(&mut self) {
        let _ = self.done.send(Done::Returned(self.subject.run));
    }
}

/// The command as this participant's own, or why it is not. The reason shows no values, which may be secret.
pub(super) fn order<C: ParticipantCommand>(
    command: Payload<CommandOf<C::Bus>>,
    saga: Cow<'static, str>,
    step: Cow<'static, str>,
) -> Result<Order<C>, String> {
    narrowed(typed::<C>(command, &saga, &step)?, saga, step)
}

/// The command as one of the bus.
pub(super) fn typed<C: ParticipantCommand>(
    command: Payload<CommandOf<C::Bus>>,
    saga: &str,
    step: &str,
) -> Result<CommandOf<C::Bus>, String> {
    command.into_typed().map_err(|error| {
        format!(
            "step `{step}` of saga `{saga}` sent `{}` what it cannot read ({:?} error at column {}); run the same \
             version of coordinator and participant",
            C::PARTICIPANT,
            error.classify(),
            error.column(),
        )
    })
}

/// A command of the bus as this participant's own.
pub(super) fn narrowed<C: ParticipantCommand>(
    command: CommandOf<C::Bus>,
    saga: Cow<'static, str>,
    step: Cow<'static, str>,
) -> Result<Order<C>, String> {
    let participant = C::PARTICIPANT;
    let info = command.info();
    let command = C::narrow(command).map_err(|_| {
        format!(
            "step `{step}` of saga `{saga}` sent `{}` to `{participant}`, but it is for `{}`; check how the line is \
             connected",
            info.name, info.to,
        )
    })?;
    Ok(Order { command, info, saga, step })
}

/// The output of the future, or the message with which it panicked.
async fn contained<F: Future>(future: F, is_secretive: bool) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|context| match caught(is_secretive, || future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(said) => Poll::Ready(Err(said)),
    })
    .await
}

/// What the code of a handler gives, or what its panic said; not if that may repeat a value that is not shown.
pub(super) fn caught<T>(is_secretive: bool, code: impl FnOnce() -> T) -> Result<T, String> {
    let code = AssertUnwindSafe(code);
    if !is_secretive {
        return catch_unwind(code).map_err(|panic| message(&*panic));
    }
    let said = "its command or a reply to it keeps values that are not shown; standard error has the place";
    hushed(Hushed::Handler, || catch_unwind(code)).map_err(|_| format!("{REDACTED}, since {said}"))
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
