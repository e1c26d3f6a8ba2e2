//! `concurrency` as callers, subscribers and the log see it: with a coordinator and a participant.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use saga_runtime::message::SagaId;
use saga_runtime::prelude::*;
use tokio::sync::watch;

use super::bus::Event;
use super::bus::*;
use super::concurrency::{Clean, Look};

/// A hotel whose bell can be rung while it is open; who rings before that has to wait.
#[derive(Clone)]
struct Hotel {
    rung: Arc<AtomicUsize>,
    open: watch::Sender<bool>,
}

impl Hotel {
    fn closed() -> Self {
        Self { rung: Arc::default(), open: watch::channel(false).0 }
    }
}

impl Participant for Hotel {
    type Command = HotelCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HotelCommand, _: &Context<Travel>) -> Result<(), Refusal> {
        assert_eq!(command, HotelCommand::RingBell);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.map_err(|_| Refusal::Closed)?;
        self.rung.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

async fn coordinator(log: MemoryLog, hotel: Hotel) -> Coordinator<Travel> {
    let builder = Coordinator::builder().saga::<Clean>().saga::<Look>().log(log).participant(hotel);
    builder.start().await.expect("it starts")
}

/// Rule: start.concurrency.queue
/// Rule: end.brackets
#[tokio::test]
async fn one_that_waits_is_told_and_begins_after_the_other_with_the_next_coordinator() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone(), Hotel::closed()).await;
    let mut notices = first.notices();
    let holder = first.start(Clean { night: 3 }).await.expect("accepted").id();
    let next = first.start(Clean { night: 3 }).await.expect("accepted").id();
    loop {
        if let Notice::SagaQueued { saga, behind, .. } = notices.next().await.expect("the coordinator runs") {
            break assert_eq!((saga, behind), (next, Some(holder)));
        }
    }
    first.stop().await.expect("stops");

    let hotel = Hotel::closed();
    let second = coordinator(log.reopen(), hotel.clone()).await;
    let ends = second.notices();
    let (holder, next) = (attach(&second, holder).await, attach(&second, next).await);
    hotel.open.send_replace(true);
    assert_eq!(next.outcome().await, Outcome::Completed(()));
    assert_eq!(holder.outcome().await, Outcome::Completed(()));
    assert_eq!(hotel.rung.load(Ordering::Relaxed), 2);
    second.stop().await.expect("stops");
    assert_eq!(completed(ends).await, [holder.id(), next.id()]);
}

async fn attach(coordinator: &Coordinator<Travel>, saga: SagaId) -> Handle<Clean> {
    coordinator.attach(saga).await.expect("it is in flight")
}

/// The sagas that completed, in that order, until the coordinator stopped.
async fn completed(mut notices: Notices) -> Vec<SagaId> {
    let mut completed = Vec::new();
    while let Some(notice) = notices.next().await {
        if let Notice::SagaCompleted { saga, .. } = notice {
            completed.push(saga);
        }
    }
    completed
}

/// Rule: start.not-silent
/// Rule: start.concurrency.skip
#[tokio::test]
async fn what_is_skipped_is_an_error_to_its_caller_and_a_notice_for_a_trigger() {
    let coordinator = coordinator(MemoryLog::new(), Hotel::closed()).await;
    let mut notices = coordinator.notices();
    let _holder = coordinator.start(Clean { night: 3 }).await.expect("accepted");
    let error = coordinator.start(Look { night: 3 }).await.expect_err("the key is held");
    assert_eq!(error.to_string(), "`look` is skipped while saga 1 holds its key");

    coordinator.publish(Event::Asked { cents: 1, night: 3, urgent: false }).await.expect("published");
    loop {
        let notice = notices.next().await.expect("the coordinator runs");
        if let Notice::StartRefused { name, event: Some(event), reason, .. } = notice {
            assert_eq!((&*name, &*event), ("look", "Asked"));
            break assert!(reason.contains("holds its key"), "{reason}");
        }
    }
}
