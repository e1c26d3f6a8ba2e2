//! The `worker` of the bus [`Conformance`], as an author writes one in Rust.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use saga_runtime::pipe::conformance::{Conformance, Event, Refusal, WorkerCommand};
use saga_runtime::prelude::{Context, Memory, Participant, Reporter};
use tokio::sync::mpsc::UnboundedSender;

/// A deferred answer: its label, its event, and whom to tell.
type Deferred = (String, Event, Reporter<Conformance>);

pub(super) struct Worker {
    runs: AtomicU64,
    deferred: Mutex<Vec<Deferred>>,
    /// To be published.
    announced: UnboundedSender<Event>,
}

impl Worker {
    pub(super) fn new(announced: UnboundedSender<Event>) -> Self {
        Self { runs: AtomicU64::new(0), deferred: Mutex::default(), announced }
    }

    fn work(&self, label: String) -> Event {
        Event::Done { label, runs: self.runs.fetch_add(1, Ordering::Relaxed) + 1 }
    }

    fn release(&self, label: &str) {
        let mut deferred = self.deferred.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, event, reporter) in deferred.extract_if(.., |(other, ..)| other == label) {
            reporter.emit(event);
            reporter.handled();
        }
    }
}

impl Participant for Worker {
    type Command = WorkerCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: WorkerCommand, cx: &Context<Conformance>) -> Result<(), Refusal> {
        match command {
            WorkerCommand::Work { label } => cx.emit(self.work(label)),
            WorkerCommand::WorkSlowly { label, milliseconds } => {
                let done = self.work(label);
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                cx.emit(done);
            }
            WorkerCommand::WorkLater { .. } if cx.attempt() == 1 => return Err(Refusal::NotYet),
            WorkerCommand::WorkLater { label } => cx.emit(self.work(label)),
            WorkerCommand::Defer { label } => {
                let deferred = (label.clone(), self.work(label), cx.reporter());
                self.deferred.lock().unwrap_or_else(PoisonError::into_inner).push(deferred);
            }
            WorkerCommand::Release { label } => {
                cx.emit(self.work(label.clone()));
                self.release(&label);
            }
            WorkerCommand::Recite { label } => {
                cx.emit(Event::Announced { label: label.clone() });
                cx.emit(self.work(label));
            }
            WorkerCommand::Announce { label } => {
                // Nobody publishes any more when the client is gone.
                let _ = self.announced.send(Event::Announced { label: label.clone() });
                cx.emit(self.work(label));
            }
            // Without the reply that it declares.
            WorkerCommand::Break { .. } => {}
            WorkerCommand::Look { label } => {
                cx.emit(Event::Seen { label, runs: self.runs.load(Ordering::Relaxed) });
            }
        }
        Ok(())
    }
}
