//! One commit: handlers, each within a savepoint of its own, and what is remembered of them. All of it is done, or
//! nothing. It knows neither inbox nor line.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::database::{Database, Work};
use super::error::{DatabaseError, passes};
use super::rows::Writer;
use super::{Failure, TransactionalParticipant};
use crate::bus::Horizon;
use crate::codec;
use crate::inbox::{Change, RunId};
use crate::message::{Answer, Bus, CommandOf, EventOf, ExchangeKey, Fate, LogId, ParticipantCommand, RefusalOf};
use crate::participant::Context;
use crate::participant::afterwards::Afterwards;
use crate::participant::answering::{Answering, Done, Subject};
use crate::participant::driver::{Order, caught};
use crate::redaction;

type BusOf<P> = <<P as TransactionalParticipant>::Command as ParticipantCommand>::Bus;
type AnswerOf<B> = Answer<EventOf<B>, RefusalOf<B>>;

/// A handler to run.
#[derive(Debug)]
pub(super) struct Job<C: ParticipantCommand> {
    pub(super) subject: Subject,
    pub(super) order: Order<C>,
    /// What is kept of a command whose answer is left for later.
    pub(super) command: CommandOf<C::Bus>,
    /// What an earlier life emitted before it left the answer for later. None: the command is begun now.
    pub(super) resumed: Option<Vec<EventOf<C::Bus>>>,
}

/// What is to be done and remembered at once.
#[derive(Debug)]
pub(super) struct Batch<C: ParticipantCommand> {
    pub(super) jobs: Vec<Job<C>>,
    /// Answers that were left for later. No key: of a query, of which nothing is remembered.
    pub(super) answers: Vec<(RunId, Option<ExchangeKey>, Ending<C::Bus>)>,
    pub(super) changes: Vec<Change>,
    /// To be told when the changes are remembered.
    pub(super) fates: Vec<(ExchangeKey, Fate<EventOf<C::Bus>>)>,
    /// What is known of logs, and whether one was forgotten; with the changes that follow from it.
    pub(super) horizons: Option<(Vec<(LogId, Horizon)>, bool)>,
}

impl<C: ParticipantCommand> Default for Batch<C> {
    fn default() -> Self {
        Self { jobs: Vec::new(), answers: Vec::new(), changes: Vec::new(), fates: Vec::new(), horizons: None }
    }
}

impl<C: ParticipantCommand> Batch<C> {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.answers.is_empty() && self.changes.is_empty() && self.fates.is_empty()
    }
}

/// An answer, and its events as they are kept.
#[derive(Debug)]
pub(super) struct Ending<B: Bus> {
    pub(super) answer: AnswerOf<B>,
    events: String,
}

impl<B: Bus> Ending<B> {
    /// Broken, if its events cannot be kept.
    pub(super) fn of(answer: AnswerOf<B>) -> Self {
        let Answer::Handled(events) = &answer else { return Self { answer, events: String::new() } };
        match codec::encode(events) {
            Ok(events) => Self { answer, events },
            Err(error) => {
                let complaint = format!("its events cannot be kept: {error}");
                tracing::error!("{complaint}");
                Self { answer: Answer::Broken(complaint), events: String::new() }
            }
        }
    }
}

/// What came of a handler.
#[derive(Debug)]
pub(super) enum Concluded<B: Bus> {
    Answered(Ending<B>, Afterwards),
    /// Left for later; to be released when it is remembered.
    Deferred(Arc<Answering<B>>, Afterwards),
}

/// Why nothing was done.
#[derive(Debug)]
pub(super) struct Setback {
    pub(super) error: DatabaseError,
    /// Whose handler it was, among the jobs; none if it was nobody's.
    pub(super) culprit: Option<usize>,
    /// The handler itself undid the transaction, with those of its neighbours.
    pub(super) is_breach: bool,
}

/// Runs the handlers, remembers, and commits. What came of each, in order.
pub(super) fn commit<P: TransactionalParticipant>(
    database: &mut Database,
    participant: &P,
    batch: &Batch<P::Command>,
    done: &UnboundedSender<Done<BusOf<P>>>,
) -> Result<Vec<Concluded<BusOf<P>>>, Setback> {
    let mut run = Run { concluded: Vec::with_capacity(batch.jobs.len()), is_breach: false };
    let result = database.transact(|work| {
        for job in &batch.jobs {
            run.conclude(work, participant, job, done)?;
        }
        remember(batch, &run.concluded, work)
    });
    let Err(error) = result else { return Ok(run.concluded) };
    run.concluded.iter().for_each(|concluded| {
        if let Concluded::Deferred(answering, _) = concluded {
            answering.void();
        }
    });
    let finished = run.concluded.len();
    let culprit = (finished < batch.jobs.len() && !error.is_final()).then_some(finished);
    Err(Setback { error, culprit, is_breach: run.is_breach })
}

/// The handlers of one commit.
struct Run<B: Bus> {
    concluded: Vec<Concluded<B>>,
    is_breach: bool,
}

impl<B: Bus> Run<B> {
    fn conclude<P>(
        &mut self,
        work: &Work<'_>,
        participant: &P,
        job: &Job<P::Command>,
        done: &UnboundedSender<Done<B>>,
    ) -> Result<(), DatabaseError>
    where
        P: TransactionalParticipant,
        P::Command: ParticipantCommand<Bus = B>,
    {
        let emitted = job.resumed.clone().unwrap_or_default();
        let answering = Arc::new(Answering::held(job.subject, emitted, done.clone()));
        let is_query = job.subject.command.query;
        let concluded = work.apart(
            || {
                let context = Context::new(Arc::clone(&answering));
                let result = handle(work, participant, job, &context);
                let afterwards = context.into_afterwards();
                self.answer(work, job, &answering, result)?;
                Ok(outcome(&answering, afterwards))
            },
            |concluded| !is_query && is_kept(concluded),
        );
        match concluded {
            Ok(concluded) => {
                self.concluded.push(concluded);
                Ok(())
            }
            Err(error) => {
                answering.void();
                Err(error)
            }
        }
    }

    fn answer<C: ParticipantCommand<Bus = B>>(
        &mut self,
        work: &Work<'_>,
        job: &Job<C>,
        answering: &Answering<B>,
        result: Result<Said<B>, Failed>,
    ) -> Result<(), DatabaseError> {
        let has_ended = work.transaction().is_autocommit();
        self.is_breach = has_ended && !matches!(result, Err(Failed::Passing(_)));
        if self.is_breach {
            return Err(work.ended(job.subject.command.name));
        }
        match result {
            Err(Failed::Passing(error)) => return Err(work.failed(&error)),
            Ok(said) => answering.returned(said),
            Err(Failed::Broken(complaint)) => answering.broken(complaint),
        }
        Ok(())
    }
}

/// What a handler returned, or with which words it panicked.
type Said<B> = Result<Result<(), RefusalOf<B>>, String>;

/// Why there is no result of a handler.
enum Failed {
    /// The machine is to blame: it is to be tried again.
    Passing(rusqlite::Error),
    /// The handler is to blame.
    Broken(String),
}

/// What the handler said.
fn handle<P: TransactionalParticipant>(
    work: &Work<'_>,
    participant: &P,
    job: &Job<P::Command>,
    context: &Context<BusOf<P>>,
) -> Result<Said<BusOf<P>>, Failed> {
    let command = job.order.command.clone();
    let transaction = work.transaction();
    let is_secretive = redaction::is_secretive::<BusOf<P>>(job.subject.command);
    let span = job.order.span(&job.subject);
    let result = span.in_scope(|| {
        caught(is_secretive, || match job.resumed {
            None => participant.handle(command, transaction, context),
            Some(_) => participant.resume(command, transaction, context),
        })
    });
    let name = job.subject.command.name;
    match result {
        Err(said) => Ok(Err(said)),
        Ok(Ok(())) => Ok(Ok(Ok(()))),
        Ok(Err(Failure::Refused(refusal))) => Ok(Ok(Err(refusal))),
        Ok(Err(Failure::Database(error))) if passes(&error) => Err(Failed::Passing(error)),
        Ok(Err(Failure::Database(error))) => Err(Failed::Broken(format!(
            "the handler of `{name}` gave up on its database: {error}; mend the statement or the tables"
        ))),
        Ok(Err(Failure::NotResumed)) => Err(Failed::Broken(format!(
            "`{name}` was left for later by a process of `{}` that is gone; implement `resume` to go on with it",
            job.subject.participant
        ))),
    }
}

/// What came of a handler that has returned. One whose reporter is gone by now has broken off.
fn outcome<B: Bus>(answering: &Arc<Answering<B>>, afterwards: Afterwards) -> Concluded<B> {
    if Arc::strong_count(answering) == 1 {
        answering.dropped();
    }
    match answering.take() {
        Some(answer @ Answer::Handled(_)) => Concluded::Answered(Ending::of(answer), afterwards),
        // It is undone, and so is what would follow.
        Some(answer) => Concluded::Answered(Ending::of(answer), Afterwards::default()),
        None => Concluded::Deferred(Arc::clone(answering), afterwards),
    }
}

fn is_kept<B: Bus>(concluded: &Concluded<B>) -> bool {
    match concluded {
        Concluded::Answered(ending, _) => matches!(ending.answer, Answer::Handled(_)),
        Concluded::Deferred(..) => true,
    }
}

/// Writes what is to be remembered of the batch.
fn remember<C: ParticipantCommand>(
    batch: &Batch<C>,
    concluded: &[Concluded<C::Bus>],
    work: &Work<'_>,
) -> Result<(), DatabaseError> {
    let writer = Writer(work.transaction());
    let write = || -> rusqlite::Result<()> {
        for (job, concluded) in batch.jobs.iter().zip(concluded) {
            if !job.subject.command.query {
                remember_job(&writer, job, concluded)?;
            }
        }
        for (_, key, ending) in &batch.answers {
            if let Some(key) = key {
                remember_late(&writer, *key, ending)?;
            }
        }
        for change in &batch.changes {
            match change {
                Change::Barred { key, unclear } => writer.barred(*key, *unclear)?,
                Change::Forgotten(key) => writer.forgotten(*key)?,
            }
        }
        match &batch.horizons {
            Some((horizons, forgot_one)) => writer.horizons(horizons, *forgot_one),
            None => Ok(()),
        }
    };
    write().map_err(|error| work.failed(&error))
}

fn remember_job<C: ParticipantCommand>(
    writer: &Writer<'_>,
    job: &Job<C>,
    concluded: &Concluded<C::Bus>,
) -> rusqlite::Result<()> {
    let Subject { key, attempt, .. } = job.subject;
    match concluded {
        Concluded::Deferred(answering, _) => {
            writer.deferred(key, attempt, &json(&job.command)?, &json(&answering.emitted())?)
        }
        Concluded::Answered(ending, _) if job.resumed.is_some() => remember_late(writer, key, ending),
        Concluded::Answered(Ending { answer: Answer::Handled(_), events }, _) => writer.handled(key, attempt, events),
        // It has been undone.
        Concluded::Answered(..) => Ok(()),
    }
}

fn remember_late<B: Bus>(writer: &Writer<'_>, key: ExchangeKey, ending: &Ending<B>) -> rusqlite::Result<()> {
    match &ending.answer {
        Answer::Handled(_) => writer.handled_late(key, &ending.events),
        Answer::Refused(_) => writer.refused(key),
        Answer::Broken(complaint) => writer.broken(key, complaint),
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    codec::encode(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
