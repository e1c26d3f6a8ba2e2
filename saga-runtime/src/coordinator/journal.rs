//! The one writer: owns the log and does what it is asked, in order. In a thread of its own where an append waits for
//! a device; otherwise where it is asked.

use std::collections::VecDeque;
use std::future::pending;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, error::TryRecvError};

use super::pruning::Pruning;
use super::rows;
use crate::log::{Batch, Details, LogError, LogReader, SagaLog};
use crate::message::{ExchangeKey, SagaId};

/// How long the writer's thread looks for more before it sleeps: a part of what a commit takes.
const AWAKE: Duration = Duration::from_micros(250);

/// What the writer is asked.
pub(super) enum Work {
    /// To commit.
    Append(Batch),
    /// The saga that was started with this key; `ticket` comes back.
    StartedWith { key: String, ticket: u64 },
    /// How a saga ended; `ticket` comes back.
    Details { saga: SagaId, ticket: u64 },
    /// The bytes of a command.
    Command { participant: &'static str, key: ExchangeKey, step: &'static str, recorded_in: u32 },
    /// What goes with the removal of ended sagas.
    Prune(Pruning),
}

/// What the writer has done.
pub(super) enum Worked {
    Appended(Result<(), LogError>),
    StartedWith {
        ticket: u64,
        found: Result<Option<Details>, LogError>,
    },
    Details {
        ticket: u64,
        found: Result<Option<Details>, LogError>,
    },
    Command {
        participant: &'static str,
        key: ExchangeKey,
        command: Result<Option<Box<RawValue>>, LogError>,
    },
    /// Who asked has the answer.
    Pruned,
}

/// The way to the writer.
pub(super) enum Journal {
    /// It works while the engine decides.
    Beside {
        work: mpsc::UnboundedSender<Work>,
        worked: mpsc::UnboundedReceiver<Worked>,
        thread: thread::JoinHandle<()>,
    },
    /// It works at once.
    Here { writer: Writer, worked: VecDeque<Worked> },
}

/// The log, and its reader.
pub(super) struct Writer {
    log: Box<dyn SagaLog>,
    reader: Box<dyn LogReader>,
}

impl Journal {
    /// The way to this log; starts a thread, if the log is one to wait for.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn open(log: Box<dyn SagaLog>, reader: Box<dyn LogReader>) -> std::io::Result<Self> {
        let mut writer = Writer { log, reader };
        if !writer.log.waits() {
            return Ok(Self::Here { writer, worked: VecDeque::new() });
        }
        let (work, mut asked) = mpsc::unbounded_channel();
        let (done, worked) = mpsc::unbounded_channel();
        let thread = thread::Builder::new().name("saga-log".to_owned()).spawn(move || {
            while let Some(work) = next(&mut asked)
                && done.send(writer.work(work)).is_ok()
            {}
        })?;
        Ok(Self::Beside { work, worked, thread })
    }

    /// Asks the writer. One that is gone is told by [`Journal::next`].
    pub(super) fn ask(&mut self, asked: Work) {
        match self {
            Self::Beside { work, .. } => drop(work.send(asked)),
            Self::Here { writer, worked } => worked.push_back(writer.work(asked)),
        }
    }

    /// The next thing that was done, in the order of asking; none if the writer is gone.
    pub(super) async fn next(&mut self) -> Option<Worked> {
        match self {
            Self::Beside { worked, .. } => worked.recv().await,
            Self::Here { worked, .. } => match worked.pop_front() {
                Some(worked) => Some(worked),
                None => pending().await,
            },
        }
    }

    /// What has been done by now.
    pub(super) fn next_now(&mut self) -> Option<Worked> {
        match self {
            Self::Beside { worked, .. } => worked.try_recv().ok(),
            Self::Here { worked, .. } => worked.pop_front(),
        }
    }

    /// Closes the log. False if its thread panicked.
    pub(super) async fn close(self) -> bool {
        match self {
            Self::Here { .. } => true,
            Self::Beside { work, thread, .. } => {
                drop(work);
                let joined = tokio::task::spawn_blocking(move || thread.join()).await;
                matches!(joined, Ok(Ok(())))
            }
        }
    }
}

/// What is asked next. It often comes at once after the answer to the last: to be asleep by then costs more than to look.
fn next(asked: &mut mpsc::UnboundedReceiver<Work>) -> Option<Work> {
    let begin = Instant::now();
    while begin.elapsed() < AWAKE {
        match asked.try_recv() {
            Ok(work) => return Some(work),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => thread::yield_now(),
        }
    }
    asked.blocking_recv()
}

impl Writer {
    fn work(&mut self, work: Work) -> Worked {
        match work {
            Work::Append(batch) => Worked::Appended(self.log.append(batch)),
            Work::StartedWith { key, ticket } => Worked::StartedWith { ticket, found: self.started_with(&key) },
            Work::Details { saga, ticket } => Worked::Details { ticket, found: self.reader.saga(saga) },
            Work::Command { participant, key, step, recorded_in } => {
                let rows = self.reader.records(key.saga, recorded_in, 1);
                let command = rows.map(|rows| rows.first().and_then(|row| rows::command_in(row, step, key.at)));
                Worked::Command { participant, key, command }
            }
            Work::Prune(pruning) => self.prune(pruning),
        }
    }

    /// Nothing can be pruned between the two looks.
    fn started_with(&mut self, key: &str) -> Result<Option<Details>, LogError> {
        match self.reader.started_with(key)? {
            Some(saga) => self.reader.saga(saga),
            None => Ok(None),
        }
    }

    /// Answers at once who asked, if they still listen.
    fn prune(&mut self, pruning: Pruning) -> Worked {
        match pruning {
            Pruning::Reader(reply) => drop(reply.send(self.log.reader())),
            Pruning::Remove(sagas, reply) => drop(reply.send(self.log.prune(&sagas))),
        }
        Worked::Pruned
    }
}
