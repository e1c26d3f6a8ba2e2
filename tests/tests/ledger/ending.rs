//! Ends that came twice, behind somebody's back, without a reason or with the wrong one.

use std::time::Duration;

use saga_runtime::log::{Batch, LogError, RecordRow, Status};
use saga_runtime::prelude::*;
use serde_json::Value;

use super::desk::{Desk, notice, soon, why};
use super::mux::{Command, Event, HostCommand, Mux, Refusal};
use super::wrong::diagnosed;
use crate::wire::yard::{self, Carry};

saga! {
    /// The newest wins.
    saga Respawn(promoted: String) on Mux {
        trigger WindowPromoted { label: promoted };
        concurrency replace per promoted;
        deadline 1m;
        step refill {
            send SpawnPoolWindow;
            await PoolWindowAdded { .. } => ();
            compensate none because "the next promote refills the pool";
        }
    }

    /// The first one is enough.
    saga Refill(promoted: String) on Mux {
        trigger WindowPromoted { label: promoted };
        concurrency skip;
        deadline 1m;
        require !promoted.is_empty() else "a window has a label";
        step refill {
            send SpawnPoolWindow;
            await PoolWindowAdded { .. } => ();
            compensate none because "the next promote refills the pool";
        }
    }

    /// A window whose layout is saved.
    saga Open(label: String) on Mux {
        concurrency allow;
        deadline 1m;
        step open {
            send OpenWindow { label };
            await WindowOpened { .. } => ();
            compensate CloseWindow { label };
        }
        step save {
            send SaveLayout { rows: 1 };
            within 10s;
            compensate SaveLayout { rows: 0 };
        }
    }

    /// A window, unless it opens under another label.
    saga Careful(label: String) on Mux {
        concurrency allow;
        deadline 1m;
        step open {
            send OpenWindow { label };
            await {
                WindowOpened { label: opened } if opened == label => (),
                WindowOpened { .. } => fail "timed out",
            }
            compensate none because "nobody sees it";
        }
    }

    /// Moves a tab, if it is not kept.
    saga Proceed(tab: u32) on Mux {
        concurrency allow;
        deadline 1m;
        step create {
            send CreateTab { tab };
            compensate DeleteTab { tab };
        }
        pivot step moved {
            send MoveTab { tab, to: 1 };
        }
        step save {
            send SaveLayout { rows: 1 };
        }
    }

    /// Both at once.
    saga Both(label: String, tab: u32) on Mux {
        concurrency allow;
        deadline 200ms;
        parallel {
            step open {
                send OpenWindow { label };
                await WindowOpened { .. } => ();
                compensate none because "nobody sees it";
            }
            step create {
                send CreateTab { tab };
                compensate none because "nobody sees it";
            }
        }
    }
}

fn open() -> Open {
    Open { label: "w1".to_owned() }
}

fn opened() -> Event {
    Event::WindowOpened { label: "w1".to_owned() }
}

/// How many ends were told.
fn ends(notices: &[Notice]) -> usize {
    let is_end = |notice: &&Notice| {
        matches!(notice, Notice::SagaCompleted { .. } | Notice::SagaCompensated { .. } | Notice::SagaEnded { .. })
    };
    notices.iter().filter(is_end).count()
}

/// A saga that has to make room has a cause of its own, *superseded*, which names the saga that took its place; it is
/// not told to have failed.
///
/// By: run
#[tokio::test]
async fn ledger_03_eviction_reports_a_healthy_saga_as_failed() {
    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Respawn>().log(MemoryLog::new())).await;
    let respawn = || Respawn { promoted: "w1".to_owned() };
    let healthy = coordinator.start(respawn()).await.expect("accepted");
    let _unanswered = desk.next_of(healthy.id()).await;
    let newer = coordinator.start(respawn()).await.expect("accepted");
    let cause = why(Some(&soon(healthy.outcome()).await));
    assert_eq!((cause.kind(), cause.superseded_by()), (CauseKind::Superseded, Some(newer.id())));
    desk.next_of(newer.id()).await.reply(Event::PoolWindowAdded { label: "w2".to_owned() });
    assert_eq!(soon(newer.outcome()).await, Outcome::Completed(()));
}

/// Only the machine ends a saga, in one transition: what is said later is shown as late and moves nothing, a cancel
/// hears that it has ended, and the log takes no record after the last one.
///
/// By: run
#[tokio::test]
async fn ledger_08_two_terminal_events() {
    let mut saga = SagaTest::start(open());
    saga.reply(opened());
    saga.handled();
    saga.reply_to(&Command::OpenWindow { label: "w1".to_owned() }, opened());
    saga.refuse_to(&Command::SaveLayout { rows: 1 }, Refusal::StoreFailed { reason: "too late".to_owned() });
    assert_eq!(saga.cancel(), CancelReply::Ended);
    saga.disconnect();
    saga.advance(Duration::from_secs(3600));
    assert_eq!((ends(&saga.notices()), saga.outcome()), (1, Some(&Outcome::Completed(()))));
    let late = saga.notices().into_iter().filter(|notice| matches!(notice, Notice::AnswerLate { .. })).count();
    assert_eq!(late, 2, "both are shown");

    let mut log = MemoryLog::new();
    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Open>().log(log.clone())).await;
    let handle = coordinator.start(open()).await.expect("accepted");
    desk.next().await.refuse(Refusal::Quitting);
    assert_eq!(why(Some(&soon(handle.outcome()).await)).refusal(), Some(Refusal::Quitting));
    let mut reader = log.reader().expect("it can be read");
    let mut again = reader.records(handle.id(), 1, 100).expect("its records").pop().expect("a last one");
    again.number += 1;
    let error = log.append(Batch { records: vec![again], ..Batch::default() }).expect_err("it has ended");
    assert!(matches!(error, LogError::Gap { saga, .. } if saga == handle.id()), "{error}");
}

/// Notices are read off the records of the machine. Nobody else has words for one, here or over the wire; a
/// connection that breaks is told as that, and its sagas wait for it to come back.
///
/// By: compile error, run
#[tokio::test]
async fn ledger_09_a_failure_behind_the_coordinators_back() {
    diagnosed(9, &["expected `Event`, found `Notice`"]);
    let mut open = yard::Open::new(Default::default()).await;
    let mut porter = open.porter().await;
    let carry = open.coordinator.start(Carry { bytes: 1 }).await.expect("accepted");
    let (_, _, content) = porter.message().await;
    porter.say(&serde_json::json!({"notice": {"notice": "saga_completed", "saga": carry.id()}})).await;
    assert_eq!(porter.refusal().await.0, "unexpected");
    open.left().await;
    assert!(!carry.has_ended(), "a connection that is dropped ends nothing");
    let mut porter = open.porter_again(&porter, 1).await;
    let answer = serde_json::json!({"handled": ["Carried"]});
    let answered = serde_json::json!({"answered": {"key": content["key"], "attempt": 1, "answer": answer}});
    porter.say(&crate::wire::guest::message(1, &answered)).await;
    assert_eq!(soon(carry.outcome()).await, Outcome::Completed(()));
}

/// A host that only says what its commands came to.
struct Host;

impl Participant for Host {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HostCommand, cx: &Context<Mux>) -> Result<(), Refusal> {
        match command {
            HostCommand::OpenWindow { label } if label.is_empty() => Ok(()),
            HostCommand::OpenWindow { label } if label == "w1" => {
                cx.emit(opened());
                Err(Refusal::Quitting)
            }
            HostCommand::OpenWindow { .. } => panic!("no such window"),
            _ => Ok(()),
        }
    }
}

/// A handler returns a `Result`, and its refusal is the saga's typed cause without any more code. One that says
/// neither which label it opened nor no, or that panics, is no success: its saga is stuck, and says why.
///
/// By: compile error, run
#[tokio::test]
async fn ledger_12_an_actions_failure_has_no_producer() {
    diagnosed(12, &["expected `Result<(), Refusal>`, found `()`", "expected `Result<(), Refusal>`, found `String`"]);
    let builder = Coordinator::builder().saga::<Careful>().log(MemoryLog::new()).participant(Host);
    let coordinator = builder.start().await.expect("it starts");
    let open = async |label: &str| {
        let handle = coordinator.start(Careful { label: label.to_owned() }).await.expect("accepted");
        soon(handle.settled()).await
    };
    let Settled::Ended(outcome) = open("w1").await else { panic!("it was refused") };
    assert_eq!(why(Some(&outcome)).refusal(), Some(Refusal::Quitting));
    let Settled::Stuck(reason) = open("").await else { panic!("nothing was opened") };
    assert!(reason.contains("WindowOpened"), "{reason}");
    let Settled::Stuck(reason) = open("w2").await else { panic!("it panicked") };
    assert!(reason.contains("no such window"), "{reason}");
}

/// The kind of a cause is what was recorded, whatever words stand beside it: a refusal and a failure that say "timed
/// out" are a refusal and a failure.
///
/// By: run
#[test]
fn ledger_19_the_outcome_is_guessed_from_the_text_timed_out() {
    let refusal = Refusal::StoreFailed { reason: "timed out".to_owned() };
    let mut refused = SagaTest::start(open());
    refused.reply(opened());
    refused.refuse(refusal.clone());
    refused.handled();
    let cause = why(refused.outcome());
    assert!(cause.message().contains("timed out"));
    assert_eq!((cause.kind(), cause.refusal()), (CauseKind::Refused, Some(refusal)));

    let mut failed = SagaTest::start(Careful { label: "w1".to_owned() });
    failed.reply(Event::WindowOpened { label: "w2".to_owned() });
    let cause = why(failed.outcome());
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Failed, "timed out"));

    let mut late = SagaTest::start(open());
    late.reply(opened());
    late.advance(Duration::from_secs(10));
    late.settle(Fate::Never);
    late.handled();
    assert_eq!((why(late.outcome()).kind(), why(late.outcome()).step()), (CauseKind::TimedOut, "save"));
}

/// A timeout is a transition like any other: what may have been done is settled, and what was done is undone in
/// reverse, the step that timed out included if it took effect after all.
///
/// By: run
#[test]
fn ledger_20_a_timeout_drops_the_future_and_nothing_is_compensated() {
    for (fate, undone) in [(Fate::Never, vec![]), (Fate::Done(vec![]), vec![Command::SaveLayout { rows: 0 }])] {
        let mut saga = SagaTest::start(open());
        saga.reply(opened());
        saga.advance(Duration::from_secs(10));
        assert_eq!((saga.sent(), saga.asked()), (vec![], vec![Command::SaveLayout { rows: 1 }]));
        saga.settle(fate);
        for undo in undone.into_iter().chain([Command::CloseWindow { label: "w1".to_owned() }]) {
            assert_eq!((saga.sent(), saga.modes()), (vec![undo], vec![Mode::Compensation]));
            saga.restart();
            saga.handled();
        }
        assert_eq!(why(saga.outcome()).kind(), CauseKind::TimedOut);
    }
}

/// A cancel is one transition. Before the pivot it wins, also over an answer that is on its way; while the pivot is
/// in doubt it waits for what became of it; after it, it is refused, and the saga goes on.
///
/// By: run
#[test]
fn ledger_36_keep_and_proceed_race() {
    let mut kept = SagaTest::start(Proceed { tab: 1 });
    assert_eq!(kept.cancel(), CancelReply::Requested);
    kept.handled_to(&Command::CreateTab { tab: 1 });
    assert_eq!(kept.sent(), [Command::DeleteTab { tab: 1 }], "the answer does not take it forward");
    kept.handled();
    assert_eq!(why(kept.outcome()).kind(), CauseKind::Cancelled);

    for (fate, next) in
        [(Fate::Never, Command::DeleteTab { tab: 1 }), (Fate::Done(vec![]), Command::SaveLayout { rows: 1 })]
    {
        let mut racing = SagaTest::start(Proceed { tab: 1 });
        racing.handled();
        assert_eq!(racing.cancel(), CancelReply::Requested);
        assert_eq!((racing.sent(), racing.asked()), (vec![], vec![Command::MoveTab { tab: 1, to: 1 }]));
        racing.settle(fate);
        assert_eq!(racing.sent(), [next]);
    }

    let mut proceeding = SagaTest::start(Proceed { tab: 1 });
    proceeding.handled();
    proceeding.handled();
    assert_eq!(proceeding.cancel(), CancelReply::PastPivot);
    proceeding.handled();
    assert_eq!(proceeding.outcome(), Some(&Outcome::Completed(())));
}

/// A start that is not accepted is an error to its caller, and a notice with the reason for a trigger; what a
/// `require` rejects, and what a participant refuses, is told with its reason too.
///
/// By: run
#[tokio::test]
async fn ledger_37_a_rejected_pre_check_is_silent() {
    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Refill>().log(MemoryLog::new())).await;
    let mut notices = coordinator.notices();
    let refill = |label: &str| Refill { promoted: label.to_owned() };
    let holder = coordinator.start(refill("w1")).await.expect("accepted");
    let asked = desk.next().await;
    let error = coordinator.start(refill("w2")).await.expect_err("one is enough");
    assert!(error.to_string().contains("holds its key"), "{error}");
    coordinator.publish(Event::WindowPromoted { label: "w3".to_owned() }).await.expect("published");
    let (event, reason) = notice(&mut notices, |notice| match notice {
        Notice::StartRefused { event: Some(event), reason, .. } => Some((event, reason)),
        _ => None,
    })
    .await;
    assert!(event == "WindowPromoted" && reason.contains("holds its key"), "{event}: {reason}");
    asked.refuse(Refusal::PoolFull);
    assert_eq!(why(Some(&soon(holder.outcome()).await)).refusal(), Some(Refusal::PoolFull));
    let rejected = coordinator.start(refill("")).await.expect("accepted");
    let cause = notice(&mut notices, |notice| match notice {
        Notice::SagaCompensated { saga, cause, .. } if saga == rejected.id() => Some(cause),
        _ => None,
    })
    .await;
    assert_eq!((cause.kind(), cause.message()), (CauseKind::Required, "a window has a label"));
}

/// What followed in a record, each with the step that it followed for.
fn followed(record: &RecordRow) -> Vec<(String, String)> {
    let data: Value = serde_json::from_str(&record.data).expect("a record is JSON");
    let changes = data["then"].as_array().expect("what followed").iter().filter_map(Value::as_object).flatten();
    let of_step = |content: &Value| content["step"].as_str().unwrap_or_default().to_owned();
    changes.map(|(name, content)| (name.clone(), of_step(content))).collect()
}

/// The record with which a saga ends closes every step that was open; the log has nothing that still waits.
///
/// By: run
#[tokio::test]
async fn ledger_43_steps_stay_pending_after_a_timeout() {
    let mut log = MemoryLog::new();
    let (coordinator, _silent) = Desk::open(Coordinator::builder().saga::<Both>().log(log.clone())).await;
    let handle = coordinator.start(Both { label: "w1".to_owned(), tab: 1 }).await.expect("accepted");
    assert_eq!(why(Some(&soon(handle.outcome()).await)).kind(), CauseKind::Deadline);
    let mut reader = log.reader().expect("it can be read");
    let records = reader.records(handle.id(), 1, 100).expect("its records");
    let [begun, ended] = [records.first(), records.last()].map(|record| followed(record.expect("a record")));
    let said = |steps: &[(&str, &str)]| -> Vec<_> {
        steps.iter().map(|(what, step)| ((*what).to_owned(), (*step).to_owned())).collect()
    };
    assert_eq!(begun, said(&[("sent", "open"), ("sent", "create")]));
    assert_eq!(ended[1..], said(&[("withdrawn", "open"), ("withdrawn", "create"), ("ended", "")]));
    let standing = reader.saga(handle.id()).expect("it can be read").expect("it is there").summary.standing;
    assert_eq!((standing.status, standing.waiting_for, standing.until), (Status::Compensated, None, None));
    assert!(log.recover().expect("it can be read").open.is_empty());
}
