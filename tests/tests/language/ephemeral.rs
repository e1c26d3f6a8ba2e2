//! `#[ephemeral]` and `#[on_restart]`: what a crash leaves of a saga.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::tour::*;
use super::tour::{Event, HotelCommand};

saga! {
    #[ephemeral]
    saga Fleeting(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        return room;
    }

    saga Durable(night: u32) -> u32 on Tour {
        concurrency allow;
        deadline 1m;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        return room;
    }

    #[on_restart(resume)]
    saga Resumed(night: u32) on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guide {
            send Hire { guest: room.to_string() };
            compensate Dismiss { guest: room.to_string() };
        }
    }

    #[on_restart(compensate)]
    saga Undone(night: u32) on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guide {
            send Hire { guest: room.to_string() };
            compensate Dismiss { guest: room.to_string() };
        }
    }

    #[on_restart(park)]
    saga Parked(night: u32) on Tour {
        concurrency allow;
        deadline 1h;
        step room -> u32 {
            send Book { night };
            await Booked { room } => room;
            compensate Unbook { room };
        }
        step guide {
            send Hire { guest: room.to_string() };
            compensate Dismiss { guest: room.to_string() };
        }
    }
}

/// Never answers for night 0.
struct Hotel;

impl Participant for Hotel {
    type Command = HotelCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HotelCommand, context: &Context<Tour>) -> Result<(), Refusal> {
        match command {
            HotelCommand::Book { night: 0 } => std::future::pending::<()>().await,
            HotelCommand::Book { night } => context.emit(Event::Booked { room: night * 10 }),
            _ => {}
        }
        Ok(())
    }
}

async fn coordinator(log: MemoryLog) -> Coordinator<Tour> {
    let builder = Coordinator::builder().saga::<Fleeting>().saga::<Durable>().log(log).participant(Hotel);
    builder.start().await.expect("it starts")
}

/// Rule: restart.ephemeral
#[tokio::test]
async fn an_ephemeral_saga_runs_like_any_other() {
    let coordinator = coordinator(MemoryLog::new()).await;
    let handle = coordinator.start(Fleeting { night: 3 }).await.expect("accepted");
    assert_eq!(handle.outcome().await, Outcome::Completed(30));
    assert_eq!(SagaTest::start(Fleeting { night: 3 }).sent(), [book(3)]);
}

/// Rule: restart.ephemeral
#[tokio::test]
async fn an_ephemeral_saga_is_gone_after_a_restart_and_its_id_is_not_used_again() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone()).await;
    let fleeting = first.start(Fleeting { night: 0 }).await.expect("accepted").id();
    let durable = first.start(Durable { night: 0 }).await.expect("accepted").id();
    first.stop().await.expect("it stops");

    let second = coordinator(log.reopen()).await;
    assert!(second.attach::<Fleeting>(fleeting).await.is_err());
    assert!(second.attach::<Durable>(durable).await.is_ok());
    for _ in 0..3 {
        let next = second.start(Fleeting { night: 0 }).await.expect("accepted").id();
        assert!(next != fleeting && next != durable, "{next:?} was used");
        let next = second.start(Durable { night: 0 }).await.expect("accepted").id();
        assert!(next != fleeting && next != durable, "{next:?} was used");
    }
}

/// Rule: restart.ephemeral
/// Rule: start.same-key
#[tokio::test]
async fn how_an_ephemeral_saga_ended_is_known_as_long_as_its_coordinator_runs() {
    let log = MemoryLog::new();
    let first = coordinator(log.clone()).await;
    let handle = first.start(Fleeting { night: 3 }).key("night-3").await.expect("accepted");
    assert_eq!(handle.outcome().await, Outcome::Completed(30));
    let again = first.start(Fleeting { night: 4 }).key("night-3").await.expect("known");
    assert_eq!((again.id(), again.outcome().await), (handle.id(), Outcome::Completed(30)));
    let attached = first.attach::<Fleeting>(handle.id()).await.expect("known");
    assert_eq!(attached.outcome().await, Outcome::Completed(30));
    let other = first.attach::<Durable>(handle.id()).await.expect_err("it is none of these").to_string();
    assert_eq!(other, "saga 1 is a `fleeting`, not a `durable`");
    assert_eq!(first.cancel(handle.id()).await, Ok(CancelReply::Ended));
    first.stop().await.expect("it stops");

    let second = coordinator(log.reopen()).await;
    let error = second.attach::<Fleeting>(handle.id()).await.expect_err("its memory is gone").to_string();
    assert_eq!(error, "saga 1 has ended, and how is kept no longer");
    assert_eq!(second.cancel(handle.id()).await, Ok(CancelReply::Ended));
}

/// Rule: restart.resume
#[test]
fn by_default_a_saga_goes_on() {
    let mut saga = SagaTest::start(Resumed { night: 3 });
    saga.reply(booked(12));
    saga.restart();
    assert_eq!(saga.sent(), [hire("12")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: restart.compensate
#[test]
fn it_may_go_back_instead() {
    let mut saga = SagaTest::start(Undone { night: 3 });
    saga.reply(booked(12));
    saga.restart();
    assert!(saga.is_compensating());
    assert_eq!((saga.sent(), saga.asked()), (vec![], vec![hire("12")]));
    saga.settle(Fate::Done(vec![]));
    for undo in [dismiss("12"), unbook(12)] {
        assert_eq!((saga.sent(), saga.modes()), (vec![undo], vec![Mode::Compensation]));
        saga.restart();
        saga.handled();
    }
    assert!(matches!(saga.outcome(), Some(Outcome::Compensated(_))));
}

/// Rule: restart.park
/// Rule: undoing.operator.retry
#[test]
fn it_may_wait_for_an_operator_instead() {
    let mut saga = SagaTest::start(Parked { night: 3 });
    saga.reply(booked(12));
    assert!(!saga.is_stuck());
    saga.restart();
    assert!(saga.is_stuck() && !saga.is_compensating());
    saga.operator(Operator::Retry);
    assert!(!saga.is_stuck());
    assert_eq!(saga.sent(), [hire("12")]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));
}

/// Rule: restart.park
/// Rule: undoing.operator.end
#[test]
fn a_parked_saga_can_be_ended() {
    let mut saga = SagaTest::start(Parked { night: 3 });
    saga.restart();
    saga.operator(Operator::End);
    assert!(matches!(saga.outcome(), Some(Outcome::Ended(_))));
    saga.advance(Duration::from_secs(7200));
    assert!(saga.sent().is_empty());
}
