//! Starts, ends, keys, attaching, triggers, stopping and going on.

use std::time::Duration;

use super::super::Options;
use super::shop::{Command, Depot, Event, Refusal, Sell, Shop, sell};
use crate::prelude::*;

async fn coordinator(log: impl SagaLog, depot: Depot) -> Coordinator<Shop> {
    let builder = Coordinator::builder().saga::<Sell>().log(log).participant(depot).options(hasty());
    builder.start().await.expect("it starts")
}

/// Handlers that wait for ever are not waited for.
fn hasty() -> Options {
    let mut options = Options::default();
    options.participant.grace = Duration::ZERO;
    options
}

#[tokio::test]
async fn a_saga_completes() {
    let depot = Depot::open();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let handle = coordinator.start(sell("hat")).await.expect("accepted");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
    assert_eq!(depot.done().len(), 2);
    coordinator.stop().await.expect("stops");
}

#[tokio::test]
async fn a_run_says_and_writes_as_much_as_its_page_says() {
    let page = crate::docs::page(Sell::DEFINITION, "shop docs");
    let (depot, log) = (Depot::open(), MemoryLog::new());
    let coordinator = coordinator(log.clone(), depot.clone()).await;
    let id = coordinator.start(sell("hat")).await.expect("accepted").id();
    let handle = coordinator.attach::<Sell>(id).await.expect("known");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
    let records = log.reader().expect("it opens").records(id, 1, 100).expect("they are there").len();
    let said = format!("at least {} commands and writes at least {records} records", depot.done().len());
    assert!(page.contains(&said), "{said:?} is not in\n{page}");
}

#[tokio::test]
async fn a_refused_saga_is_compensated() {
    let depot = Depot::open();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let handle = coordinator.start(sell("bad")).await.expect("accepted");
    let Outcome::Compensated(cause) = handle.outcome().await else { panic!("it cannot complete") };
    assert_eq!((cause.step(), cause.kind(), cause.refusal()), ("ship", CauseKind::Refused, Some(Refusal::SoldOut)));
    assert_eq!(depot.done().last(), Some(&Command::Release { item: "bad".to_owned() }));
}

/// Rule: restart.resume
/// Rule: start.recorded
#[tokio::test]
async fn what_is_in_flight_goes_on_with_the_next_coordinator() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone(), Depot::closed()).await;
    let id = first.start(sell("hat")).await.expect("accepted").id();
    first.stop().await.expect("stops");

    let second = coordinator(log.reopen(), Depot::open()).await;
    let handle = second.attach::<Sell>(id).await.expect("it is in flight");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
}

/// Rule: start.same-key
#[tokio::test]
async fn the_same_key_is_the_same_saga_also_after_its_end() {
    let depot = Depot::open();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let first = coordinator.start(sell("hat")).key("order-17").await.expect("accepted");
    assert_eq!(first.outcome().await, Outcome::Completed(4));
    let again = coordinator.start(sell("hat")).key("order-17").await.expect("known");
    assert_eq!(again.id(), first.id());
    assert_eq!(again.outcome().await, Outcome::Completed(4));
    assert_eq!(depot.done().len(), 2);
}

#[tokio::test]
async fn an_ended_saga_can_be_attached_to_and_another_kind_cannot() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    let id = coordinator.start(sell("hat")).await.expect("accepted").id();
    let handle = coordinator.attach::<Sell>(id).await.expect("known");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
    let again = coordinator.attach::<Sell>(id).await.expect("known");
    assert_eq!(again.outcome().await, Outcome::Completed(4));
    let unknown = SagaId::new(99).expect("99 is not zero");
    let error = coordinator.attach::<Sell>(unknown).await.expect_err("there is none");
    assert_eq!(error.to_string(), "there is no saga 99");
}

#[tokio::test]
async fn a_published_event_starts_its_saga() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    let mut notices = coordinator.notices();
    coordinator.publish(Event::Ordered { item: "hat".to_owned() }).await.expect("published");
    loop {
        match notices.next().await.expect("the coordinator runs") {
            Notice::SagaCompleted { output, .. } => break assert_eq!(output, 4),
            Notice::SagaCompensated { cause, .. } => panic!("{cause}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_cancelled_saga_is_undone() {
    let depot = Depot::closed();
    let coordinator = coordinator(MemoryLog::new(), depot.clone()).await;
    let handle = coordinator.start(sell("hat")).await.expect("accepted");
    assert_eq!(coordinator.cancel(handle.id()).await, Ok(CancelReply::Requested));
    depot.unlock();
    let Outcome::Compensated(cause) = handle.outcome().await else { panic!("it was cancelled") };
    assert_eq!(cause.kind(), CauseKind::Cancelled);
    assert_eq!(coordinator.cancel(handle.id()).await, Ok(CancelReply::Ended));
    let done = depot.done();
    assert!(done.is_empty() || done.last() == Some(&Command::Release { item: "hat".to_owned() }), "{done:?}");
    let unknown = SagaId::new(99).expect("99 is not zero");
    assert!(coordinator.cancel(unknown).await.is_err());
}

#[tokio::test]
async fn a_start_by_name_is_checked() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    coordinator.start_named("sell", r#"{"item":"hat"}"#, None).await.expect("accepted");
    let unknown = coordinator.start_named("sel", "{}", None).await.expect_err("there is none");
    assert_eq!(unknown.to_string(), "there is no saga `sel`; there are: sell");
    let wrong = coordinator.start_named("sell", r#"{"itm":"hat"}"#, None).await.expect_err("it does not fit");
    assert!(wrong.to_string().contains("`item` is missing"), "{wrong}");
}

#[tokio::test]
async fn a_thousand_at_once_share_commits() {
    let depot = Depot::open();
    let directory = tempfile::tempdir().expect("a directory");
    let log = SqliteLog::open(directory.path().join("sagas.db")).expect("a log");
    let coordinator = coordinator(log, depot.clone()).await;
    let mut handles = Vec::new();
    for number in 0..1000 {
        let coordinator = coordinator.clone();
        handles.push(tokio::spawn(async move {
            let handle = coordinator.start(sell(&number.to_string())).await.expect("accepted");
            handle.outcome().await
        }));
    }
    for handle in handles {
        assert_eq!(handle.await.expect("no panic"), Outcome::Completed(4));
    }
    assert_eq!(depot.done().len(), 2000);
    coordinator.stop().await.expect("stops");
}

/// Rule: versions.unknown-parks
#[tokio::test]
async fn a_saga_that_this_program_does_not_know_is_parked_and_the_others_go_on() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone(), Depot::closed()).await;
    let id = first.start(sell("hat")).await.expect("accepted").id();
    first.stop().await.expect("stops");

    let ignorant = Coordinator::<Shop>::builder().log(log.reopen()).start().await.expect("it starts");
    let error = ignorant.cancel(id).await.expect_err("it cannot be loaded");
    assert!(error.to_string().contains("this program has no saga `sell` of version 1"), "{error}");
    ignorant.stop().await.expect("stops");

    let knowing = coordinator(log.reopen(), Depot::open()).await;
    let handle = knowing.attach::<Sell>(id).await.expect("it is in flight");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
}

#[tokio::test]
async fn notices_end_when_the_coordinator_has_stopped() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    let mut notices = coordinator.notices();
    coordinator.clone().stop().await.expect("stops");
    while notices.next().await.is_some() {}
    assert_eq!(coordinator.notices().next().await, None);
    assert_eq!(coordinator.start(sell("hat")).await.expect_err("it has stopped"), CallError::Stopped);
}

#[tokio::test]
async fn a_stuck_saga_is_settled_and_an_operator_ends_it() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    let handle = coordinator.start(sell("cursed")).await.expect("accepted");
    let Settled::Stuck(reason) = handle.settled().await else { panic!("its compensation panics") };
    assert!(reason.contains("nothing releases it"), "{reason}");

    let attached = coordinator.attach::<Sell>(handle.id()).await.expect("it is in flight");
    assert_eq!(attached.settled().await, Settled::Stuck(reason));

    let by = EndedBy { who: "an operator".to_owned(), why: "it is cursed".to_owned() };
    coordinator.operate(handle.id(), Operator::End, by.clone()).await.expect("it is stuck");
    assert_eq!(handle.outcome().await, Outcome::Ended(by.clone()));
    assert_eq!(attached.settled().await, Settled::Ended(Outcome::Ended(by.clone())));
    coordinator.operate(handle.id(), Operator::Retry, by).await.expect_err("it has ended");
}

#[tokio::test]
async fn a_stuck_saga_is_stuck_for_the_next_coordinator_too() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone(), Depot::open()).await;
    let handle = first.start(sell("cursed")).await.expect("accepted");
    assert!(matches!(handle.settled().await, Settled::Stuck(_)));
    first.stop().await.expect("stops");

    let second = coordinator(log.reopen(), Depot::open()).await;
    let handle = second.attach::<Sell>(handle.id()).await.expect("it is in flight");
    assert!(matches!(handle.settled().await, Settled::Stuck(_)));
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    let handle = coordinator.start(sell("hat")).key("order-17").await.expect("accepted");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
    let key = Some("order-17".to_owned());
    assert_eq!(coordinator.start_named("sell", r#"{"item":"hat"}"#, key).await, Ok(handle.id()));
}

#[tokio::test]
async fn who_watches_misses_nothing_that_was_not_recorded_before() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    for _ in 0..100 {
        let handle = coordinator.start(sell("hat")).await.expect("accepted");
        let mut notices = coordinator.notices();
        let attached = coordinator.attach::<Sell>(handle.id()).await.expect("known");
        if attached.has_ended() {
            continue;
        }
        loop {
            match notices.next().await.expect("the coordinator runs") {
                Notice::SagaCompleted { saga, .. } if saga == handle.id() => break,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_coordinator_goes_on_when_nobody_holds_it() {
    let handle = {
        let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
        coordinator.start(sell("hat")).await.expect("accepted")
    };
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
}

#[tokio::test]
async fn what_a_participant_in_this_process_has_begun_is_recorded_before_the_stop() {
    let (log, depot) = (MemoryLog::new(), Depot::open());
    let builder = Coordinator::builder().saga::<Sell>().log(log.clone()).participant(depot.clone());
    let first = builder.start().await.expect("it starts");
    let id = first.start(sell("hat")).await.expect("accepted").id();
    first.stop().await.expect("stops");
    let before = depot.done();

    let second = coordinator(log.reopen(), depot.clone()).await;
    let handle = second.attach::<Sell>(id).await.expect("known");
    assert_eq!(handle.outcome().await, Outcome::Completed(4));
    let reserved = depot.done().iter().filter(|command| matches!(command, Command::Reserve { .. })).count();
    assert_eq!(reserved, 1, "before: {before:?}");
}
