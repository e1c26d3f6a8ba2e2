//! Moves data between a participant's line, its inbox and its database. What is told to the inbox as done has been
//! committed; what follows from what the inbox barred leaves when that has been committed.
//!
//! One commit is under way at a time, on a thread of the runtime's pool for what blocks. What comes meanwhile shares the
//! next one. A commit that fails is tried again, with fewer commands, and then with one at a time, so that a command with
//! which the database cannot cope holds up no other for long.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::TransactionalParticipant;
use super::batch::{Batch, Concluded, Ending, Job, Setback, commit};
use super::database::Database;
use super::rows::{Exchange, Recalled};
use crate::bus::{Delivery, Horizon, Report};
use crate::codec;
use crate::inbox::{Asked, Effect, Inbox, Limits, RunId};
use crate::message::{Answer, CommandOf, EventOf, ExchangeKey, Fate, LogId, Memory, ParticipantCommand, RefusalOf};
use crate::participant::ParticipantOptions;
use crate::participant::answering::{Done, Subject};
use crate::participant::driver::{Order, narrowed, typed};
use crate::participant::serving::Drive;

type BusOf<P> = <<P as TransactionalParticipant>::Command as ParticipantCommand>::Bus;
type EventsOf<P> = EventOf<BusOf<P>>;
type RefusalsOf<P> = RefusalOf<BusOf<P>>;
type CommandsOf<P> = CommandOf<BusOf<P>>;

/// The first wait after a commit that failed; each is twice as long.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A command, for the inbox: to be run, and to be kept if its answer is left for later.
type Item<P> = (Order<<P as TransactionalParticipant>::Command>, CommandsOf<P>);

/// A transactional participant at work.
pub struct TransactionalDriver<P: TransactionalParticipant> {
    participant: Arc<P>,
    options: ParticipantOptions,
    inbox: Inbox<Item<P>, EventsOf<P>, RefusalsOf<P>>,
    done_sender: mpsc::UnboundedSender<Done<BusOf<P>>>,
    done: mpsc::UnboundedReceiver<Done<BusOf<P>>>,
    reports: VecDeque<Report<BusOf<P>>>,
    /// For the next commit.
    next: Batch<P::Command>,
    desk: Desk<P>,
    /// The logs whose horizons are stored: without, nothing of their keys could be told from what has expired.
    stored_logs: Vec<LogId>,
    /// How many commands share a commit at most.
    at_once: usize,
    wait: Duration,
    failure: Option<String>,
    /// When what is under way is cut off.
    end: Option<Instant>,
}

/// Where the database is.
enum Desk<P: TransactionalParticipant> {
    Free(Database),
    /// Not before then.
    Waiting(Database, Instant),
    Busy(JoinHandle<Committed<P>>),
    /// It is gone, with whoever had it.
    Closed,
}

/// A commit that has ended, one way or another.
struct Committed<P: TransactionalParticipant> {
    database: Database,
    batch: Batch<P::Command>,
    result: Result<Vec<Concluded<BusOf<P>>>, Setback>,
}

impl<P: TransactionalParticipant> TransactionalDriver<P> {
    /// Goes on with what an earlier life left.
    pub(super) fn new(
        participant: Arc<P>,
        database: Database,
        recalled: Recalled<EventsOf<P>>,
        options: ParticipantOptions,
    ) -> Self {
        let (done_sender, done) = mpsc::unbounded_channel();
        let at_once = options.at_once.max(1);
        let mut driver = Self {
            participant,
            options,
            inbox: Inbox::new(Memory::Transactional, Limits { at_once }),
            done_sender,
            done,
            reports: VecDeque::new(),
            next: Batch::default(),
            desk: Desk::Free(database),
            stored_logs: recalled.horizons.iter().map(|(log, _)| *log).collect(),
            at_once,
            wait: SHORTEST_WAIT,
            failure: None,
            end: None,
        };
        driver.inbox.recall(recalled.horizons, recalled.forgot_one);
        recalled.exchanges.into_iter().for_each(|exchange| driver.remember(exchange));
        driver
    }

    fn remember(&mut self, exchange: Exchange<EventsOf<P>>) {
        let Exchange { key, attempt, unclear, kept, deferred } = exchange;
        let run = self.inbox.remember(key, attempt, unclear, kept);
        let (Some(run), Some((command, emitted))) = (run, deferred) else { return };
        match readable::<P>(&command) {
            Ok(item) => self.queue(run, key, attempt, item, Some(emitted)),
            Err(complaint) => {
                tracing::error!(%key, participant = P::Command::PARTICIPANT, "{complaint}");
                self.next.answers.push((run, Some(key), Ending::of(Answer::Broken(complaint))));
            }
        }
    }

    fn queue(
        &mut self,
        run: RunId,
        key: ExchangeKey,
        attempt: u32,
        (order, command): Item<P>,
        resumed: Option<Vec<EventsOf<P>>>,
    ) {
        let subject = Subject { run, key, attempt, participant: P::Command::PARTICIPANT, command: order.info };
        self.next.jobs.push(Job { subject, order, command, resumed });
    }

    fn admit(&mut self, delivery: Delivery<BusOf<P>>, horizon: &Horizon) {
        match delivery {
            Delivery::Settle { key } => self.inbox.settle(key, horizon),
            Delivery::Command { key, attempt, saga, step, command } => {
                let command = typed::<P::Command>(command, &saga, &step);
                let item = command.and_then(|command| Ok((narrowed(command.clone(), saga, step)?, command)));
                match item {
                    Ok(item) => {
                        let query = item.0.info.query;
                        self.inbox.command(Asked { key, attempt, query, command: item }, horizon);
                    }
                    Err(complaint) => {
                        tracing::error!(%key, participant = P::Command::PARTICIPANT, "{complaint}");
                        self.reports.push_back(Report::Answered { key, attempt, answer: Answer::Broken(complaint) });
                    }
                }
            }
        }
    }

    /// Takes out what follows, and begins the next commit if none is under way.
    fn act(&mut self) {
        while let Ok(done) = self.done.try_recv() {
            self.done(done);
        }
        while let Some(effect) = self.inbox.next_effect() {
            match effect {
                Effect::Run { run, key, attempt, command } => self.queue(run, key, attempt, command, None),
                Effect::Answer { key, attempt, answer } => {
                    self.reports.push_back(Report::Answered { key, attempt, answer });
                }
                // What it follows from must be durable.
                Effect::Fate { key, fate: fate @ (Fate::Never | Fate::Unknown) } => self.next.fates.push((key, fate)),
                Effect::Fate { key, fate } => self.reports.push_back(Report::Fate { key, fate }),
            }
        }
        self.next.changes.extend(self.inbox.changes());
        self.begin();
    }

    /// An answer that was left for later.
    fn done(&mut self, done: Done<BusOf<P>>) {
        if let Done::Answered(run, answer) = done {
            let key = self.inbox.awaited(run);
            self.next.answers.push((run, key, Ending::of(answer)));
        }
    }

    fn begin(&mut self) {
        if self.next.is_empty() || self.failure.is_some() {
            return;
        }
        let mut database = match std::mem::replace(&mut self.desk, Desk::Closed) {
            Desk::Free(database) => database,
            Desk::Waiting(database, until) if until <= Instant::now() => database,
            other => {
                self.desk = other;
                return;
            }
        };
        let mut batch = std::mem::take(&mut self.next);
        self.next.jobs = batch.jobs.split_off(self.at_once.min(batch.jobs.len()));
        batch.horizons = self.horizons_to_store(&batch);
        let (participant, done) = (Arc::clone(&self.participant), self.done_sender.clone());
        self.desk = Desk::Busy(spawn_blocking(move || {
            let result = commit(&mut database, &*participant, &batch, &done);
            Committed { database, batch, result }
        }));
    }

    /// With what is forgotten by them, and with the first of a log.
    fn horizons_to_store(&self, batch: &Batch<P::Command>) -> Option<(Vec<(LogId, Horizon)>, bool)> {
        let (horizons, forgot_one) = self.inbox.horizons();
        let is_stored = horizons.iter().map(|(log, _)| log).eq(&self.stored_logs);
        (!is_stored || !batch.changes.is_empty()).then_some((horizons, forgot_one))
    }

    fn committed(&mut self, committed: Result<Committed<P>, JoinError>) {
        let Committed { database, batch, result } = match committed {
            Ok(committed) => committed,
            Err(error) => {
                self.failure = Some(format!("the thread of its database is gone: {error}"));
                return;
            }
        };
        match result {
            Ok(concluded) => {
                self.desk = Desk::Free(database);
                self.wait = SHORTEST_WAIT;
                self.at_once = (2 * self.at_once).min(self.options.at_once.max(1));
                self.tell(batch, concluded);
            }
            Err(setback) => self.set_back(database, batch, setback),
        }
        self.act();
    }

    /// What was done is durable.
    fn tell(&mut self, batch: Batch<P::Command>, concluded: Vec<Concluded<BusOf<P>>>) {
        if let Some((horizons, _)) = batch.horizons {
            self.stored_logs = horizons.into_iter().map(|(log, _)| log).collect();
        }
        for (key, fate) in batch.fates {
            self.reports.push_back(Report::Fate { key, fate });
        }
        for (run, _, ending) in batch.answers {
            self.inbox.answered(run, ending.answer);
        }
        for (job, concluded) in batch.jobs.into_iter().zip(concluded) {
            match concluded {
                Concluded::Answered(ending, afterwards) => {
                    self.inbox.answered(job.subject.run, ending.answer);
                    afterwards.run();
                }
                Concluded::Deferred(answering, afterwards) => {
                    answering.release();
                    afterwards.run();
                }
            }
            self.inbox.returned(job.subject.run);
        }
    }

    /// Nothing was done: all of it is to be tried again, whoever is to blame at the end.
    fn set_back(&mut self, database: Database, mut batch: Batch<P::Command>, setback: Setback) {
        let Setback { error, culprit, is_breach } = setback;
        let participant = P::Command::PARTICIPANT;
        if error.is_final() {
            tracing::error!(participant, "{error}");
            self.failure = Some(error.to_string());
            return;
        }
        tracing::warn!(participant, "nothing of {} commands was kept, they are tried again: {error}", batch.jobs.len());
        let culprit = culprit.map(|index| batch.jobs.remove(index));
        std::mem::swap(&mut self.next, &mut batch);
        let newer = batch;
        self.next.jobs.extend(newer.jobs);
        self.next.answers.extend(newer.answers);
        self.next.changes.extend(newer.changes);
        self.next.fates.extend(newer.fates);
        match culprit {
            Some(job) if is_breach => self.break_off(&job, error.to_string()),
            Some(job) => self.next.jobs.push(job),
            None => {}
        }
        if is_breach {
            self.desk = Desk::Free(database);
            return;
        }
        self.at_once = (self.at_once / 2).max(1);
        self.desk = Desk::Waiting(database, Instant::now() + self.wait);
        self.wait = (2 * self.wait).min(LONGEST_WAIT);
    }

    /// Answers a command whose handler is not run again.
    fn break_off(&mut self, job: &Job<P::Command>, complaint: String) {
        let Subject { run, key, .. } = job.subject;
        let answer = Answer::Broken(complaint);
        if job.resumed.is_some() {
            self.next.answers.push((run, Some(key), Ending::of(answer)));
        } else {
            self.inbox.answered(run, answer);
            self.inbox.returned(run);
        }
    }

    fn is_idle(&self) -> bool {
        self.failure.is_some() || (self.next.is_empty() && !matches!(self.desk, Desk::Busy(_)))
    }
}

impl<P: TransactionalParticipant> Drive<BusOf<P>> for TransactionalDriver<P> {
    fn has_room(&self) -> bool {
        self.inbox.waiting() < self.options.waiting.max(1)
    }

    fn next_report(&mut self) -> Option<Report<BusOf<P>>> {
        self.reports.pop_front()
    }

    async fn hear(&mut self) {
        self.act();
        if !self.reports.is_empty() {
            return;
        }
        tokio::select! {
            committed = commit_of(&mut self.desk) => match committed {
                Some(committed) => self.committed(committed),
                None => self.act(),
            },
            done = self.done.recv() => if let Some(done) = done {
                self.done(done);
                self.act();
            },
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

    /// Does not wait for answers that were left for later: they survive.
    async fn hear_last(&mut self) -> bool {
        if self.is_idle() {
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
        self.failure.as_deref()
    }
}

/// The end of the commit that is under way; none at the end of the wait for the next one.
async fn commit_of<P: TransactionalParticipant>(desk: &mut Desk<P>) -> Option<Result<Committed<P>, JoinError>> {
    match desk {
        Desk::Busy(commit) => Some(commit.await),
        Desk::Waiting(_, until) => {
            sleep_until(*until).await;
            None
        }
        Desk::Free(_) | Desk::Closed => pending().await,
    }
}

/// What an earlier life was asked.
fn readable<P: TransactionalParticipant>(command: &str) -> Result<Item<P>, String> {
    let command: CommandsOf<P> = codec::decode(command).map_err(|error| {
        format!("a command that was left for later cannot be read any more ({error}); run the version that kept it")
    })?;
    Ok((narrowed(command.clone(), "".into(), "".into())?, command))
}
