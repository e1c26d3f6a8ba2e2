//! The one writer: a thread that owns the log and does what it is asked, in order.

use std::thread;

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::rows;
use crate::log::{Batch, Details, LogError, LogReader, SagaLog};
use crate::message::{ExchangeKey, SagaId};

/// What the thread is asked.
pub(super) enum Work {
    /// To commit.
    Append(Batch),
    /// Whether a saga was started with this key; `ticket` comes back.
    StartedWith { key: String, ticket: u64 },
    /// How a saga ended; `ticket` comes back.
    Details { saga: SagaId, ticket: u64 },
    /// The bytes of a command.
    Command { participant: &'static str, key: ExchangeKey, step: &'static str, recorded_in: u32 },
}

/// What the thread has done.
pub(super) enum Worked {
    Appended(Result<(), LogError>),
    StartedWith { ticket: u64, found: Result<Option<SagaId>, LogError> },
    Details { ticket: u64, found: Result<Option<Details>, LogError> },
    Command { participant: &'static str, key: ExchangeKey, command: Result<Option<Box<RawValue>>, LogError> },
}

/// The thread's ends. It stops when the first is dropped and all that was asked is done.
pub(super) struct Journal {
    pub(super) work: mpsc::UnboundedSender<Work>,
    pub(super) worked: mpsc::UnboundedReceiver<Worked>,
    pub(super) thread: thread::JoinHandle<()>,
}

/// Starts the thread.
pub(super) fn spawn(log: Box<dyn SagaLog>, reader: Box<dyn LogReader>) -> std::io::Result<Journal> {
    let (work, asked) = mpsc::unbounded_channel();
    let (done, worked) = mpsc::unbounded_channel();
    let thread = thread::Builder::new().name("saga-log".to_owned()).spawn(move || run(log, reader, asked, &done))?;
    Ok(Journal { work, worked, thread })
}

fn run(
    mut log: Box<dyn SagaLog>,
    mut reader: Box<dyn LogReader>,
    mut asked: mpsc::UnboundedReceiver<Work>,
    done: &mpsc::UnboundedSender<Worked>,
) {
    while let Some(work) = asked.blocking_recv() {
        let worked = match work {
            Work::Append(batch) => Worked::Appended(log.append(&batch)),
            Work::StartedWith { key, ticket } => Worked::StartedWith { ticket, found: reader.started_with(&key) },
            Work::Details { saga, ticket } => Worked::Details { ticket, found: reader.saga(saga) },
            Work::Command { participant, key, step, recorded_in } => {
                let rows = reader.records(key.saga, recorded_in, 1);
                let command = rows.map(|rows| rows.first().and_then(|row| rows::command_in(row, step, key.at)));
                Worked::Command { participant, key, command }
            }
        };
        if done.send(worked).is_err() {
            return;
        }
    }
}
