//! Processes of which one was killed too early, another was never killed, and several were waited for one after
//! another.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::desk::{Desk, soon, why};
use super::mux::{Command, Event, Mux, Refusal};
use super::wrong::diagnosed;

saga! {
    /// Starts a process, and keeps it only if it is in the store.
    saga Spawn(pane: u32) -> u32 on Mux {
        concurrency skip per pane;
        deadline 1m;
        step process -> u32 {
            send StartProcess { pane };
            await ProcessStarted { process } => process;
            compensate EndProcess { process };
        }
        step save {
            send SaveLayout { rows: process };
            compensate SaveLayout { rows: 0 };
        }
        finally step shown {
            send MoveTab { tab: pane, to: process.unwrap_or_default() };
        }
        return process;
    }

    /// Ends all processes of a pane, and only then forgets it.
    saga ClosePane(tab: u32, processes: Vec<u32>) on Mux {
        concurrency queue per tab;
        deadline 30s;
        step end for process in processes, all at once {
            send EndProcess { process };
            within 20s;
            compensate none because "what has ended has ended";
        }
        step forget {
            send DeleteBlocks { blocks: processes };
            compensate none because "what is deleted is gone";
        }
    }

    /// Opens a pane again.
    saga Reopen(tab: u32) on Mux {
        concurrency queue per tab;
        deadline 30s;
        step create {
            send CreateTab { tab };
            compensate DeleteTab { tab };
        }
    }
}

/// Only steps have effects, and a saga that is not accepted has none. One that fails ends what it has started, before
/// its `finally` step, which runs on every way out.
///
/// By: run
#[tokio::test]
async fn ledger_30_a_process_killed_before_the_saga_begins_and_another_leaked() {
    let mut saga = SagaTest::start(Spawn { pane: 1 });
    saga.reply(Event::ProcessStarted { process: 77 });
    saga.refuse(Refusal::StoreFailed { reason: "the disk is full".to_owned() });
    let ways_out = [
        (Command::EndProcess { process: 77 }, Mode::Compensation),
        (Command::MoveTab { tab: 1, to: 77 }, Mode::Finally),
    ];
    for (command, mode) in ways_out {
        assert_eq!((saga.sent(), saga.modes()), (vec![command], vec![mode]));
        saga.handled();
    }
    assert_eq!(why(saga.outcome()).step(), "save");

    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Spawn>().log(MemoryLog::new())).await;
    let holder = coordinator.start(Spawn { pane: 1 }).await.expect("accepted");
    let _unanswered = desk.next_of(holder.id()).await;
    coordinator.start(Spawn { pane: 1 }).await.expect_err("it is skipped");
    let other = coordinator.start(Spawn { pane: 2 }).await.expect("accepted");
    assert_eq!(desk.next().await.of().0, other.id(), "nothing was asked in the name of the one that was skipped");
}

/// All processes are ended at once, under one deadline. What is stored of them is deleted only when all have ended:
/// if one does not, it stays. Who opens the pane again meanwhile waits for its key.
///
/// By: run
#[tokio::test]
async fn ledger_34_closing_panes_one_after_another() {
    let pane = || ClosePane { tab: 1, processes: vec![7, 8, 9] };
    let ends = [7, 8, 9].map(|process| Command::EndProcess { process });
    let mut saga = SagaTest::start(pane());
    assert_eq!(saga.sent(), ends, "not one after another");
    saga.handled_to(&ends[2]);
    saga.handled_to(&ends[0]);
    assert_eq!(saga.sent(), [ends[1].clone()], "nothing is deleted before the last has ended");
    let mut overdue = SagaTest::start(pane());
    saga.handled();
    assert_eq!(saga.sent(), [Command::DeleteBlocks { blocks: vec![7, 8, 9] }]);
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())));

    overdue.handled_to(&ends[0]);
    overdue.advance(Duration::from_secs(20));
    assert_eq!((why(overdue.outcome()).step(), overdue.sent()), ("end", vec![]), "blocks stay, 20 s and not 60 later");

    let builder = Coordinator::builder().saga::<ClosePane>().saga::<Reopen>().log(MemoryLog::new());
    let (coordinator, mut desk) = Desk::open(builder).await;
    let close = coordinator.start(pane()).await.expect("accepted");
    let reopen = coordinator.start(Reopen { tab: 1 }).await.expect("accepted");
    for _ in 0..4 {
        let asked = desk.next().await;
        assert_eq!(asked.of().0, close.id(), "{:?}", asked.command);
        asked.handled();
    }
    assert_eq!(soon(close.outcome()).await, Outcome::Completed(()));
    desk.next_of(reopen.id()).await.handled();
    assert_eq!(soon(reopen.outcome()).await, Outcome::Completed(()));
}

/// A step whose own time, with all its attempts, reaches the deadline of its saga could never time out: it does not
/// compile.
///
/// By: compile error L14
#[test]
fn ledger_35_the_inner_grace_equals_the_outer_timeout() {
    diagnosed(35, &["step `end` may take 5s in all", "the saga's `deadline` is 5s"]);
}
