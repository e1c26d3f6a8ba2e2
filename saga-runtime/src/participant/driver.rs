//! Moves data between a participant's line, its [inbox](crate::inbox) and its handlers, which run as tasks. It decides
//! nothing: what runs, and what is answered, is the inbox's to say.

use std::any::Any;
use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::bus::{Delivery, Horizon, Payload, Report};
use crate::inbox::{Asked, Effect, Inbox, Limits};
use crate::message::{Answer, Bus, Command, CommandInfo, ExchangeKey, ParticipantCommand};

use super::answering::{Answering, Done, Subject};
use super::{BusOf, CommandsOf, Context, EventsOf, Participant, ParticipantOptions, RefusalsOf};

/// Serves until `deliveries` ends or nobody takes `reports` any more; then lets what runs end, up to
/// [`ParticipantOptions::grace`].
///
/// A delivery that is taken from the channel is in the inbox, or will be before anything else happens.
pub(super) async fn drive<P: Participant>(
    participant: P,
    options: ParticipantOptions,
    deliveries: mpsc::Receiver<(Delivery<BusOf<P>>, Horizon)>,
    reports: mpsc::Sender<Report<BusOf<P>>>,
) {
    let mut driver = Driver::new(participant, options, reports);
    driver.serve(deliveries).await;
    driver.stop().await;
}

struct Driver<P: Participant> {
    participant: Arc<P>,
    options: ParticipantOptions,
    inbox: Inbox<Order<P>, EventsOf<P>, RefusalsOf<P>>,
    handlers: JoinSet<()>,
    done_sender: mpsc::UnboundedSender<Done<BusOf<P>>>,
    done: mpsc::UnboundedReceiver<Done<BusOf<P>>>,
    reports: mpsc::Sender<Report<BusOf<P>>>,
}

/// A command that this participant can execute.
struct Order<P: Participant> {
    command: P::Command,
    info: &'static CommandInfo,
    saga: Cow<'static, str>,
    step: Cow<'static, str>,
}

impl<P: Participant> Driver<P> {
    fn new(participant: P, options: ParticipantOptions, reports: mpsc::Sender<Report<BusOf<P>>>) -> Self {
        let (done_sender, done) = mpsc::unbounded_channel();
        Self {
            participant: Arc::new(participant),
            options,
            inbox: Inbox::new(P::MEMORY, Limits { at_once: options.at_once }),
            handlers: JoinSet::new(),
            done_sender,
            done,
            reports,
        }
    }

    async fn serve(&mut self, mut deliveries: mpsc::Receiver<(Delivery<BusOf<P>>, Horizon)>) {
        loop {
            let has_room = self.inbox.waiting() < self.options.waiting.max(1);
            tokio::select! {
                biased;
                Some(done) = self.done.recv() => self.hear(done),
                () = self.reports.closed() => return,
                delivery = deliveries.recv(), if has_room => match delivery {
                    Some((delivery, horizon)) => self.take(delivery, &horizon).await,
                    None => return,
                },
            }
            self.act().await;
        }
    }

    /// Starts nothing more, and waits for what runs, deferred answers included.
    async fn stop(&mut self) {
        self.inbox.stop();
        let ended = tokio::time::timeout(self.options.grace, async {
            while !self.inbox.is_idle() {
                let Some(done) = self.done.recv().await else { return };
                self.hear(done);
                self.act().await;
            }
        });
        if ended.await.is_err() {
            let participant = P::Command::PARTICIPANT;
            tracing::warn!(participant, "commands still ran after {:?}; they are cut off", self.options.grace);
        }
    }

    fn hear(&mut self, done: Done<BusOf<P>>) {
        match done {
            Done::Answered(run, answer) => self.inbox.answered(run, answer),
            Done::Returned(run) => self.inbox.returned(run),
        }
        while self.handlers.try_join_next().is_some() {}
    }

    async fn take(&mut self, delivery: Delivery<BusOf<P>>, horizon: &Horizon) {
        match delivery {
            Delivery::Settle { key } => self.inbox.settle(key, horizon),
            Delivery::Command { key, attempt, saga, step, command } => match order(command, saga, step) {
                Ok(order) => {
                    let query = order.info.query;
                    self.inbox.command(Asked { key, attempt, query, command: order }, horizon);
                }
                Err(complaint) => self.complain(key, attempt, complaint).await,
            },
        }
    }

    /// Answers what never was a command of this participant. Nothing of it is remembered: nothing was done.
    async fn complain(&self, key: ExchangeKey, attempt: u32, complaint: String) {
        tracing::error!(%key, participant = P::Command::PARTICIPANT, "{complaint}");
        self.report(Report::Answered { key, attempt, answer: Answer::Broken(complaint) }).await;
    }

    async fn act(&mut self) {
        while let Some(effect) = self.inbox.next_effect() {
            match effect {
                Effect::Run { run, key, attempt, command } => {
                    let participant = P::Command::PARTICIPANT;
                    self.run(Subject { run, key, attempt, participant, command: command.info }, command);
                }
                Effect::Answer { key, attempt, answer } => {
                    self.report(Report::Answered { key, attempt, answer }).await;
                }
                Effect::Fate { key, fate } => self.report(Report::Fate { key, fate }).await,
            }
        }
    }

    fn run(&mut self, subject: Subject, order: Order<P>) {
        let span = tracing::debug_span!(
            "handle",
            participant = subject.participant,
            command = subject.command.name,
            key = %subject.key,
            attempt = subject.attempt,
            saga = &*order.saga,
            step = &*order.step,
        );
        let returned = Returned { subject, done: self.done_sender.clone() };
        let answering = Arc::new(Answering::new(subject, self.done_sender.clone()));
        let handler = handle(returned, answering, Arc::clone(&self.participant), order.command);
        self.handlers.spawn(handler.instrument(span));
    }

    /// Nobody who takes it is a reason to stop, and [`Self::serve`] sees it.
    async fn report(&self, report: Report<BusOf<P>>) {
        let _ = self.reports.send(report).await;
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
    let context = Context::new(Arc::clone(&answering));
    let handled = contained(async { participant.handle(command, &context).await }).await;
    answering.returned(handled);
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
fn order<P: Participant>(
    command: Payload<CommandsOf<P>>,
    saga: Cow<'static, str>,
    step: Cow<'static, str>,
) -> Result<Order<P>, String> {
    let participant = P::Command::PARTICIPANT;
    let command = command.into_typed().map_err(|error| {
        format!(
            "step `{step}` of saga `{saga}` sent `{participant}` what it cannot read ({:?} error at column {}); run \
             the same version of coordinator and participant",
            error.classify(),
            error.column(),
        )
    })?;
    let info = command.info();
    let command = P::Command::narrow(command).map_err(|_| {
        format!(
            "step `{step}` of saga `{saga}` sent `{}` to `{participant}`, but it is for `{}`; check how the line is \
             connected",
            info.name, info.to,
        )
    })?;
    Ok(Order { command, info, saga, step })
}

/// The output of the future, or the message with which it panicked.
async fn contained<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(message(&*panic))),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
