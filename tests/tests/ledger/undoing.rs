//! Compensations that ran twice, or not at all, or undid the wrong thing, and nobody saw.

use std::sync::Mutex;
use std::time::Duration;

use saga_runtime::prelude::*;

use super::desk::{Desk, hasty, life, soon, why};
use super::mux::{Command, Event, Mux, Refusal, SrvCommand};
use super::wrong::diagnosed;

saga! {
    /// Moves a tab into a workspace of its own.
    saga TearOff(tab: u32) -> u32 on Mux {
        concurrency allow;
        deadline 1m;
        step workspace -> u32 {
            send CreateWorkspace;
            await WorkspaceCreated { workspace } => workspace;
            compensate DeleteWorkspace { workspace };
        }
        step create {
            send CreateTab { tab };
            compensate with workspace;
        }
        step moved {
            send MoveTab { tab, to: workspace };
            compensate none because "it is the last step";
        }
        return workspace;
    }

    /// Moves a tab to the front, and back to where it was.
    saga Redock(tab: u32) on Mux {
        concurrency allow;
        deadline 1m;
        step was -> u32 {
            query PositionOf { tab };
            await TabAt { index } => index;
        }
        step moved {
            send MoveTab { tab, to: 0 };
            compensate MoveTab { tab, to: was };
        }
        step save {
            send SaveLayout { rows: was };
            compensate SaveLayout { rows: 0 };
        }
        step close {
            send CloseWindow { label: tab.to_string() };
            compensate none because "it is the last step";
        }
    }

    /// A tab of one's own, whose layout is saved.
    saga Promote(tab: u32) on Mux {
        concurrency allow;
        deadline 1m;
        step create {
            send CreateTab { tab };
            compensate DeleteTab { tab };
        }
        step save {
            send SaveLayout { rows: 1 };
            await {
                handled if tab == 13 => fail "unlucky",
                handled => (),
            }
            within 10s;
            compensate none because "it is saved again";
        }
    }

    saga Delete(tab: u32) on Mux {
        concurrency allow;
        deadline 1m;
        step delete {
            send DeleteTab { tab };
            compensate none because "what is deleted is gone";
        }
    }
}

fn torn_off() -> SagaTest<TearOff> {
    let mut saga = SagaTest::start(TearOff { tab: 1 });
    saga.reply(Event::WorkspaceCreated { workspace: 7 });
    saga
}

/// Each compensation has a key and a record of its own, like a step: after a crash, and one more, what was undone is
/// not sent again, and what was not is sent under the same key.
///
/// By: run
#[test]
fn ledger_21_reverse_steps_run_again_after_a_second_crash() {
    let builder = |log| Coordinator::builder().saga::<Redock>().log(log);
    let log = MemoryLog::new();
    let (saga, mut undone) = life(async {
        let (coordinator, mut desk) = Desk::open(builder(log.clone())).await;
        let handle = coordinator.start(Redock { tab: 1 }).await.expect("accepted");
        desk.next().await.reply(Event::TabAt { index: 4 });
        desk.next().await.handled();
        desk.next().await.handled();
        desk.next().await.refuse(Refusal::Busy);
        let save = desk.next().await;
        let first = (save.command.clone(), save.key);
        save.handled();
        let moved = desk.next().await;
        (handle.id(), vec![first, (moved.command.clone(), moved.key)])
    });
    for _ in 0..2 {
        life(async {
            let (_coordinator, mut desk) = Desk::open(builder(log.reopen())).await;
            let asked = desk.next().await;
            assert_eq!(asked.of(), (saga, Mode::Compensation));
            undone.push((asked.command.clone(), asked.key));
        });
    }
    life(async {
        let (coordinator, mut desk) = Desk::open(builder(log.reopen())).await;
        let handle = coordinator.attach::<Redock>(saga).await.expect("it is in flight");
        desk.next().await.handled();
        assert_eq!(why(Some(&soon(handle.outcome()).await)).refusal(), Some(Refusal::Busy));
    });
    let back = Command::MoveTab { tab: 1, to: 4 };
    let commands: Vec<_> = undone.iter().map(|(command, _)| command.clone()).collect();
    assert_eq!(commands, [Command::SaveLayout { rows: 0 }, back.clone(), back.clone(), back]);
    assert!(undone[1..].iter().all(|(_, key)| *key == undone[1].1), "under one key: {undone:?}");
}

/// A step says `compensate with` the one whose compensation undoes it too: that runs once, and closes both.
///
/// By: run
#[test]
fn ledger_22_one_compensation_undoes_two_steps_and_one_row_stays_open() {
    let mut saga = torn_off();
    saga.handled();
    saga.refuse(Refusal::NoSuchTab);
    assert_eq!(saga.sent(), [Command::DeleteWorkspace { workspace: 7 }]);
    saga.handled();
    assert_eq!(why(saga.outcome()).refusal(), Some(Refusal::NoSuchTab));
    assert!(saga.sent().is_empty() && saga.asked().is_empty());

    let mut half = torn_off();
    half.refuse(Refusal::Busy);
    assert_eq!(half.sent(), [Command::DeleteWorkspace { workspace: 7 }], "also when only one of the two was done");
}

/// A step with an effect says what undoes it, or why nothing does; otherwise the saga does not compile.
///
/// By: compile error L03
#[test]
fn ledger_23_a_missing_inverse_counts_as_done() {
    diagnosed(23, &["step `create` has an effect and no `compensate`", "`compensate none` needs a reason"]);
}

/// What undoes a step is written beside it, and sees what an earlier `query` has found, as it was then; what took
/// effect is undone in reverse order.
///
/// By: run
#[test]
fn ledger_24_the_inverse_is_guessed_from_output_and_order_is_lost() {
    let mut saga = SagaTest::start(Redock { tab: 1 });
    saga.reply(Event::TabAt { index: 4 });
    saga.handled();
    saga.handled();
    saga.refuse(Refusal::Busy);
    for undo in [Command::SaveLayout { rows: 0 }, Command::MoveTab { tab: 1, to: 4 }] {
        assert_eq!(saga.sent(), [undo]);
        saga.restart();
        saga.handled();
    }
    assert_eq!(why(saga.outcome()).step(), "close");
}

/// A compensation that does not succeed is tried again, and when its attempts are spent the saga is stuck: told with
/// the reason, kept through a restart, and open to an operator.
///
/// By: run
#[test]
fn ledger_25_a_compensations_error_is_swallowed() {
    let mut saga = SagaTest::start(Promote { tab: 1 });
    saga.handled();
    saga.refuse(Refusal::StoreFailed { reason: "the disk is full".to_owned() });
    let mut attempts = 0;
    while !saga.is_stuck() {
        assert_eq!(saga.sent(), [Command::DeleteTab { tab: 1 }]);
        saga.refuse(Refusal::LastTab);
        attempts += 1;
        saga.advance(Duration::from_secs(30));
    }
    assert_eq!((attempts, saga.outcome()), (11, None));
    let reason = saga.notices().into_iter().find_map(|notice| match notice {
        Notice::SagaStuck { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(reason.as_ref().is_some_and(|reason| reason.contains("at least one tab")), "{reason:?}");
    saga.restart();
    saga.advance(Duration::from_secs(24 * 3600));
    assert!(saga.is_stuck() && saga.sent().is_empty(), "it is kept");
    saga.operator(Operator::Retry);
    assert_eq!(saga.sent(), [Command::DeleteTab { tab: 1 }]);
    saga.handled();
    assert_eq!(why(saga.outcome()).step(), "save");
}

/// What ends the way forward.
type Leave = fn(&mut SagaTest<Promote>);

/// A saga that has created its tab, and is at the next step.
fn created(tab: u32) -> SagaTest<Promote> {
    let mut saga = SagaTest::start(Promote { tab });
    saga.handled();
    saga
}

/// Nobody writes the way back, so nobody can leave it out: whatever ends the way forward leads through the
/// compensations, and a `?` in a step has nowhere to return to.
///
/// By: compile error, run
#[test]
fn ledger_26_an_early_return_skips_compensation() {
    diagnosed(26, &["the `?` operator can only be used in a method that returns `Result` or `Option`"]);
    let ways: [(CauseKind, Leave); 4] = [
        (CauseKind::Refused, |saga| saga.refuse(Refusal::StoreFailed { reason: "full".to_owned() })),
        (CauseKind::TimedOut, |saga| saga.advance(Duration::from_secs(10))),
        (CauseKind::Cancelled, |saga| assert_eq!(saga.cancel(), CancelReply::Requested)),
        (CauseKind::Failed, SagaTest::handled),
    ];
    for (kind, leave) in ways {
        let mut saga = created(if kind == CauseKind::Failed { 13 } else { 1 });
        leave(&mut saga);
        assert_eq!(saga.outcome(), None, "{kind:?}");
        assert!(matches!(saga.sent()[..], [Command::DeleteTab { .. }]), "{kind:?}: {:?}", saga.sent());
        saga.handled();
        assert_eq!(why(saga.outcome()).kind(), kind);
    }
    // Wherever it leaves, `explore` asserts that what took effect was undone.
    let explored = explore::<Promote>(Promote { tab: 1 }, |_| vec![]);
    for way in ["refused", "timed out", "deadline", "cancelled"] {
        assert!(explored.outcomes().keys().any(|name| name.ends_with(way)), "{way}: {:?}", explored.outcomes());
    }
}

/// A srv with a guard: it keeps at least one tab, unless a deletion undoes a creation.
#[derive(Default)]
struct Srv {
    tabs: Mutex<Vec<u32>>,
}

impl Participant for Srv {
    type Command = SrvCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: SrvCommand, cx: &Context<Mux>) -> Result<(), Refusal> {
        let mut tabs = self.tabs.lock().expect("no handler panics");
        match command {
            SrvCommand::CreateTab { tab } => tabs.push(tab),
            SrvCommand::DeleteTab { .. } if tabs.len() == 1 && cx.mode() != Mode::Compensation => {
                return Err(Refusal::LastTab);
            }
            SrvCommand::DeleteTab { tab } => tabs.retain(|other| *other != tab),
            SrvCommand::SaveLayout { rows } if usize::try_from(rows) != Ok(tabs.len() + 1) => {
                return Err(Refusal::StoreFailed { reason: "rows and tabs differ".to_owned() });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Why a command is sent travels with it, so that a guard against users lets a rollback pass: the only tab is not
/// deleted by a user, and is by what undoes its creation.
///
/// By: run
#[tokio::test]
async fn ledger_28_the_guard_blocks_the_rollback() {
    let builder = Coordinator::builder().saga::<Promote>().saga::<Delete>().log(MemoryLog::new());
    let builder = builder.participant(Srv { tabs: Mutex::new(vec![]) }).options(hasty());
    let coordinator = builder.start().await.expect("it starts");
    let promote = coordinator.start(Promote { tab: 1 }).await.expect("accepted");
    assert_eq!(why(Some(&soon(promote.outcome()).await)).step(), "save", "the only tab is deleted again");

    let builder = Coordinator::builder().saga::<Delete>().log(MemoryLog::new());
    let coordinator = builder.participant(Srv { tabs: Mutex::new(vec![1]) }).start().await.expect("it starts");
    let delete = coordinator.start(Delete { tab: 1 }).await.expect("accepted");
    assert_eq!(why(Some(&soon(delete.outcome()).await)).refusal(), Some(Refusal::LastTab));
}
