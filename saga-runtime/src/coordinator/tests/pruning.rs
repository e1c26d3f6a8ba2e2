//! Pruning by a coordinator that runs: what it removes, and what goes on as if nothing had been.

use std::collections::BTreeSet;

use super::families::bundle;
use super::shop::{Command, Depot, Sell, Shop, sell};
use super::watching::Place;
use crate::log::{Prune, Query, Removed, RemovedFamilies, Status};
use crate::prelude::*;

async fn coordinator(log: impl SagaLog, depot: &Depot) -> Coordinator<Shop> {
    let builder = Coordinator::builder().saga::<Sell>().log(log).participant(depot.clone());
    builder.start().await.expect("it starts")
}

fn there(log: &impl SagaLog) -> Vec<u64> {
    let all = Query { limit: usize::MAX, ..Query::default() };
    let page = log.reader().expect("a reader").find(&all).expect("a page");
    page.sagas.iter().map(|saga| saga.id.get()).collect()
}

async fn sold(coordinator: &Coordinator<Shop>, item: &str) -> SagaId {
    let handle = coordinator.start(sell(item)).await.expect("accepted");
    let _ = handle.outcome().await;
    handle.id()
}

#[tokio::test]
async fn what_has_ended_goes_and_what_has_not_stays() {
    let (log, depot) = (MemoryLog::new(), Depot::open());
    let coordinator = coordinator(log.clone(), &depot).await;
    for item in ["hat", "bad", "hat"] {
        sold(&coordinator, item).await;
    }
    let cursed = coordinator.start(sell("cursed")).await.expect("accepted");
    let Settled::Stuck(_) = cursed.settled().await else { panic!("nothing releases it") };
    let removed = coordinator.prune(Prune::default()).await.expect("it prunes");
    let sells = |status, count| RemovedFamilies { name: "sell".to_owned(), status, count };
    let expected = vec![sells(Status::Completed, 2), sells(Status::Compensated, 1)];
    assert_eq!((removed.families, removed.sagas, removed.left), (expected, 3, 0));
    assert_eq!(there(&log), [4]);

    let by = EndedBy { who: "ann".to_owned(), why: "enough".to_owned() };
    coordinator.operate(cursed.id(), Operator::End, by).await.expect("it is stuck still");
    cursed.outcome().await;
    assert_eq!(sold(&coordinator, "hat").await.get(), 5, "numbers go on");
    assert_eq!(coordinator.prune(Prune { keep: 1, ..Prune::default() }).await.expect("it prunes").sagas, 1);
    assert_eq!(there(&log), [5]);
    coordinator.stop().await.expect("it stops");
}

/// The key of a saga that is pruned is forgotten with it.
#[tokio::test]
async fn the_key_of_a_pruned_saga_starts_another_one() {
    let depot = Depot::open();
    let coordinator = coordinator(MemoryLog::new(), &depot).await;
    let start = async || coordinator.start(sell("hat")).key("order-17").await.expect("accepted");
    let first = start().await;
    first.outcome().await;
    assert_eq!(start().await.id(), first.id());
    coordinator.prune(Prune::default()).await.expect("it prunes");
    let second = start().await;
    assert_eq!(second.outcome().await, Outcome::Completed(4));
    assert_ne!(second.id(), first.id());
    assert_eq!(depot.done().len(), 4, "it was done again");
    assert_eq!(first.outcome().await, Outcome::Completed(4), "who has a handle knows the outcome");
    let CallError::Refused(reason) = coordinator.attach::<Sell>(first.id()).await.expect_err("it is gone") else {
        panic!("the coordinator runs")
    };
    assert_eq!(reason, "saga 1 has ended, and how is kept no longer");
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn who_comes_back_from_before_what_was_pruned_is_told_of_the_gap() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let before = place.watcher().await.snapshots[0].position;
    sold(&coordinator, "hat").await;
    let between = place.watcher().await.snapshots[0].position;
    sold(&coordinator, "coat").await;
    coordinator.stop().await.expect("it stops");

    let coordinator = place.coordinator(place.log(), &depot).await;
    assert_eq!(coordinator.prune(Prune { keep: 1, ..Prune::default() }).await.expect("it prunes").sagas, 1);
    let gap = place.watcher_from(before).await;
    let missing = gap.snapshots[0].missing.clone().expect("not all can be told");
    assert!(missing.contains("record 1 is no longer in the log") && gap.told.is_empty(), "{missing}");
    let whole = place.watcher_from(between).await;
    assert_eq!(whole.snapshots[0].missing, None);
    assert!(!whole.told.is_empty(), "what was not pruned is told");
    let now = whole.snapshots[0].position;
    coordinator.prune(Prune::default()).await.expect("it prunes");
    coordinator.stop().await.expect("it stops");

    let coordinator = place.coordinator(place.log(), &depot).await;
    sold(&coordinator, "scarf").await;
    let on = place.watcher_from(now).await;
    assert_eq!(on.snapshots[0].missing, None, "no position is given again, though the last record was pruned");
    assert!(on.told.iter().all(|told| told.notice.saga() == SagaId::new(3)), "{:?}", on.told);
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn what_was_run_goes_with_who_ran_it() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let ended = coordinator.start(bundle("hat", "coat")).await.expect("accepted");
    ended.outcome().await;
    let mut notices = coordinator.notices();
    let _ = coordinator.start(bundle("cursed", "bad")).await.expect("accepted");
    while !matches!(notices.next().await.expect("the coordinator runs"), Notice::SagaStuck { .. }) {}
    let removed = coordinator.prune(Prune { names: vec!["sell".to_owned()], ..Prune::default() }).await;
    assert_eq!(removed, Ok(Removed::default()), "those that were run are not chosen by themselves");
    let removed = coordinator.prune(Prune::default()).await.expect("it prunes");
    assert_eq!((removed.families.len(), removed.sagas), (1, 2));
    coordinator.stop().await.expect("it stops");
    assert_eq!(there(&place.log()), [4, 3]);
}

#[tokio::test]
async fn sagas_go_on_while_it_prunes() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let (mut gone, mut ids) = (0, BTreeSet::new());
    for round in 0..10 {
        let selling = async {
            for number in 0..10 {
                let key = format!("order-{}", number % 4);
                let handle = coordinator.start(sell("hat")).key(key).await.expect("accepted");
                assert_eq!(handle.outcome().await, Outcome::Completed(4));
                ids.insert(handle.id());
            }
        };
        let (pruned, ()) = tokio::join!(coordinator.prune(Prune { keep: round % 3, ..Prune::default() }), selling);
        gone += pruned.expect("it prunes").sagas;
    }
    coordinator.stop().await.expect("it stops");
    assert_eq!(ids.len(), there(&place.log()).len() + usize::try_from(gone).expect("few"));
    let shipped = depot.done().into_iter().filter(|command| matches!(command, Command::Ship { .. })).count();
    assert_eq!(shipped, ids.len(), "each was done once");
}

#[tokio::test]
async fn who_asks_a_coordinator_that_has_stopped_is_told_so() {
    let coordinator = coordinator(MemoryLog::new(), &Depot::open()).await;
    coordinator.clone().stop().await.expect("it stops");
    assert_eq!(coordinator.prune(Prune::default()).await, Err(CallError::Stopped));
}
