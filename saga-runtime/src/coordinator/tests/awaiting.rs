//! Events of anyone, and steps left behind, through a coordinator and its log.

use std::time::Duration;

use super::super::Options;
use super::shop::{Command, Depot, Event, Shop};
use crate::prelude::*;

saga! {
    saga Follow(item: String) -> String on Shop {
        concurrency allow;
        deadline 1h;
        step ship {
            send Ship { item };
            await Shipped => ();
            compensate none because "it is gone";
        }
        step ordered -> String {
            await Ordered { item: what } where what == item => what;
        }
        return ordered;
    }

    /// Does not wait for the shelf for long.
    saga Hurry(item: String) -> Option<u32> on Shop {
        concurrency allow;
        deadline 1h;
        step reserve -> Option<u32> {
            send Reserve { item };
            await {
                Reserved { shelf } => Some(shelf),
                timeout => None,
            }
            within 50ms;
            compensate Release { item };
        }
        return reserve;
    }
}

async fn coordinator(log: impl SagaLog, depot: Depot) -> Coordinator<Shop> {
    let mut options = Options::default();
    options.participant.grace = Duration::ZERO;
    let builder = Coordinator::builder().saga::<Follow>().saga::<Hurry>().log(log).participant(depot);
    builder.options(options).start().await.expect("it starts")
}

fn ordered(item: &str) -> Event {
    Event::Ordered { item: item.to_owned() }
}

#[tokio::test]
async fn an_event_that_came_early_is_there_for_the_next_coordinator() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone(), Depot::closed()).await;
    let id = first.start(Follow { item: "hat".to_owned() }).await.expect("accepted").id();
    first.publish(ordered("cap")).await.expect("published");
    first.publish(ordered("hat")).await.expect("published");
    first.stop().await.expect("stops");

    let second = coordinator(log.reopen(), Depot::open()).await;
    let handle = second.attach::<Follow>(id).await.expect("it is in flight");
    assert_eq!(handle.outcome().await, Outcome::Completed("hat".to_owned()));
}

#[tokio::test]
async fn many_wait_and_each_hears_its_own() {
    let coordinator = coordinator(MemoryLog::new(), Depot::open()).await;
    let mut handles = Vec::new();
    for number in 0..50 {
        handles.push(coordinator.start(Follow { item: format!("hat {number}") }).await.expect("accepted"));
    }
    for number in (0..50).rev() {
        coordinator.publish(ordered(&format!("hat {number}"))).await.expect("published");
    }
    for (number, handle) in handles.into_iter().enumerate() {
        assert_eq!(handle.outcome().await, Outcome::Completed(format!("hat {number}")));
    }
    coordinator.stop().await.expect("stops");
}

#[tokio::test]
async fn what_was_left_behind_is_undone_by_the_next_coordinator() {
    let log = MemoryLog::new();
    let depot = Depot::closed();
    let first = coordinator(log.clone(), depot.clone()).await;
    let mut notices = first.notices();
    let id = first.start(Hurry { item: "hat".to_owned() }).await.expect("accepted").id();
    while !matches!(notices.next().await.expect("told"), Notice::StepAbandoned { .. }) {}
    first.stop().await.expect("stops");

    let depot = Depot::open();
    let second = coordinator(log.reopen(), depot.clone()).await;
    let handle = second.attach::<Hurry>(id).await.expect("it waits for what it left behind");
    assert_eq!(handle.outcome().await, Outcome::Completed(None));
    let reserved = depot.done().iter().filter(|command| matches!(command, Command::Reserve { .. })).count();
    let released = depot.done().iter().filter(|command| matches!(command, Command::Release { .. })).count();
    assert_eq!(reserved, released, "{:?}", depot.done());
}
