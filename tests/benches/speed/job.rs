//! The job that everything is measured with: three steps, each a `send` with a compensation, answered *handled* by a
//! participant that does nothing; or, for the way back, the third refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Works)]
pub(crate) enum Command {
    #[to(Bench)]
    #[refuses(Unwilling)]
    Do { order: u64, willing: bool },
    #[to(Bench)]
    Undo { order: u64 },
    #[to(Host)]
    #[replies(PoolWindowAdded)]
    SpawnPoolWindow,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Works)]
pub(crate) enum Event {
    #[from(Host)]
    PoolWindowPromoted {
        label: String,
    },
    PoolWindowAdded {
        label: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("not willing")]
    Unwilling,
}

#[derive(Debug)]
pub(crate) struct Works;

impl Bus for Works {
    const NAME: &'static str = "works";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// The job.
    pub(crate) saga Job(order: u64, willing: bool) on Works {
        concurrency allow;
        deadline 1h;

        step first {
            send Do { order, willing: true };
            compensate Undo { order };
        }

        step second {
            send Do { order, willing: true };
            compensate Undo { order };
        }

        step third {
            send Do { order, willing };
            compensate Undo { order };
        }
    }
}

saga! {
    /// One that waits.
    pub(crate) saga PoolRespawnOnPromote(promoted_label: String) -> String on Works {
        trigger PoolWindowPromoted { label: promoted_label };
        concurrency allow;
        deadline 5s;

        step refill -> String {
            send SpawnPoolWindow;
            await PoolWindowAdded { label } => label;
            compensate none because "the next promote refills the pool";
        }

        return refill;
    }
}

/// The participant that does nothing.
pub(crate) struct Bench;

impl Participant for Bench {
    type Command = BenchCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: BenchCommand, _: &Context<Works>) -> Result<(), Refusal> {
        match command {
            BenchCommand::Do { willing: false, .. } => Err(Refusal::Unwilling),
            BenchCommand::Do { .. } | BenchCommand::Undo { .. } => Ok(()),
        }
    }
}

/// A runtime with one thread.
pub(crate) fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system gives a runtime")
}

/// A coordinator of jobs, with the participant in its process.
pub(crate) async fn coordinator(log: impl SagaLog) -> Coordinator<Works> {
    let builder = Coordinator::<Works>::builder().saga::<Job>().log(log).participant(Bench);
    builder.start().await.expect("everything is given")
}

/// How long so many jobs take, so many of them at once.
pub(crate) async fn run(coordinator: &Coordinator<Works>, jobs: usize, at_once: usize, willing: bool) -> Duration {
    let coordinator = coordinator.clone();
    many(jobs, at_once, move |order| {
        let coordinator = coordinator.clone();
        async move { run_one(&coordinator, order, willing).await }
    })
    .await
}

/// How long it takes to do something so often, so many of them at once.
pub(crate) async fn many<F>(times: usize, at_once: usize, one: impl Fn(u64) -> F + Clone + Send + 'static) -> Duration
where
    F: Future<Output = ()> + Send,
{
    let taken = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let clients = (0..at_once).map(|_| {
        let (taken, one) = (Arc::clone(&taken), one.clone());
        tokio::spawn(async move {
            loop {
                let order = taken.fetch_add(1, Ordering::Relaxed);
                if order >= times {
                    return;
                }
                one(order as u64).await;
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
    begin.elapsed()
}

async fn run_one(coordinator: &Coordinator<Works>, order: u64, willing: bool) {
    let handle = coordinator.start(Job { order, willing }).await.expect("the coordinator runs");
    let completed = handle.outcome().await == Outcome::Completed(());
    assert_eq!(completed, willing, "a job ends as it was meant to");
}
