//! Sagas that run others, through real restarts.

use std::time::Duration;

use super::super::{Options, StartupError};
use super::shop::{Command, Depot, Sell, Shop};
use crate::log::SagaLog;
use crate::prelude::*;

saga! {
    /// Sells something, and then one thing more.
    pub(super) saga Bundle(item: String, more: String) -> u32 on Shop {
        concurrency allow;
        deadline 1h;

        step first -> u32 {
            run Sell { item };
            compensate unwind;
        }

        step second {
            send Ship { item: more };
            await Shipped => ();
            compensate none because "what is shipped is gone";
        }

        return first;
    }

    pub(super) saga Later(item: String) -> u32 on Shop {
        concurrency allow;
        deadline 1h;

        step nap {
            sleep 20ms;
        }

        step bundle -> u32 {
            run Bundle { item, more: item };
            compensate unwind;
        }

        return bundle;
    }
}

pub(super) fn bundle(item: &str, more: &str) -> Bundle {
    Bundle { item: item.to_owned(), more: more.to_owned() }
}

async fn coordinator(log: impl SagaLog, depot: Depot) -> Coordinator<Shop> {
    let mut options = Options::default();
    options.participant.grace = Duration::ZERO;
    let builder = Coordinator::builder().saga::<Sell>().saga::<Bundle>().saga::<Later>();
    builder.log(log).participant(depot).options(options).start().await.expect("it starts")
}

fn release(item: &str) -> Command {
    Command::Release { item: item.to_owned() }
}

/// Rule: steps.run.output
/// Rule: steps.sleep
#[tokio::test]
async fn a_child_completes_and_gives_its_output() {
    let depot = Depot::open();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let handle = coordinator.start(Later { item: "hat".to_owned() }).await.expect("accepted");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
    assert_eq!(depot.done().len(), 3);
    coordinator.stop().await.expect("stops");
}

/// Rule: undoing.compensate.unwind
#[tokio::test]
async fn a_completed_child_is_unwound_when_its_parent_fails() {
    let depot = Depot::open();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let handle = coordinator.start(bundle("hat", "bad")).await.expect("accepted");
    let Outcome::Compensated(cause) = handle.outcome().await else { panic!("it cannot complete") };
    assert_eq!((cause.step(), cause.kind()), ("second", CauseKind::Refused));
    assert_eq!(depot.done().last(), Some(&release("hat")));
}

/// Rule: restart.resume
/// Rule: undoing.compensate.unwind
#[tokio::test]
async fn parent_and_child_go_on_with_the_next_coordinator() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone(), Depot::closed()).await;
    let id = first.start(bundle("hat", "bad")).await.expect("accepted").id();
    first.stop().await.expect("stops");

    let depot = Depot::open();
    let second = coordinator(log.reopen(), depot.clone()).await;
    let handle = second.attach::<Bundle>(id).await.expect("it is in flight");
    assert!(matches!(handle.outcome().await, Outcome::Compensated(_)));
    let reserved = |command: &&Command| matches!(command, Command::Reserve { .. });
    assert_eq!(depot.done().iter().filter(reserved).count(), 1, "the child was not started twice");
    assert_eq!(depot.done().last(), Some(&release("hat")));
}

/// Rule: undoing.compensate.unwind
#[tokio::test]
async fn a_child_that_completed_before_a_restart_can_be_unwound_after_it() {
    let log = MemoryLog::new();
    let depot = Depot::open();
    let first = coordinator(log.clone(), depot.clone()).await;
    let mut notices = first.notices();
    let id = first.start(bundle("hat", "cursed")).await.expect("accepted").id();
    while !matches!(notices.next().await, Some(Notice::SagaKept { .. })) {}
    first.stop().await.expect("stops");

    let second = coordinator(log.reopen(), depot.clone()).await;
    let handle = second.attach::<Bundle>(id).await.expect("it is known");
    assert!(matches!(handle.outcome().await, Outcome::Compensated(_)));
    assert_eq!(depot.done().last(), Some(&release("hat")));
}

/// Rule: undoing.doubt.child
#[tokio::test]
async fn a_cancelled_parent_ends_after_its_child() {
    let depot = Depot::closed();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let mut notices = coordinator.notices();
    let handle = coordinator.start(bundle("hat", "coat")).await.expect("accepted");
    assert_eq!(coordinator.cancel(handle.id()).await, Ok(CancelReply::Requested));
    depot.unlock();
    assert!(matches!(handle.outcome().await, Outcome::Compensated(_)));
    let mut ends = Vec::new();
    while ends.len() < 2 {
        if let Some(Notice::SagaCompensated { name, .. }) = notices.next().await {
            ends.push(name);
        }
    }
    assert_eq!(ends, ["sell", "bundle"]);
}

#[tokio::test]
async fn a_saga_that_runs_one_that_is_not_registered_does_not_start() {
    let builder = Coordinator::builder().saga::<Bundle>().log(MemoryLog::new()).participant(Depot::open());
    let error = builder.start().await.expect_err("`sell` is missing");
    assert!(matches!(error, StartupError::Unregistered { saga: "bundle", child: "sell", .. }), "{error}");
    let expected = "`bundle` runs `sell` version 1, which is not registered: add `.saga::<Sell>()`";
    assert_eq!(error.to_string(), expected);
}
