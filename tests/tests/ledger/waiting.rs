//! Answers that went to the wrong saga or to nobody, and waits without an end.

use std::time::Duration;

use saga_runtime::prelude::*;

use super::desk::{Desk, life, notice, soon, why};
use super::mux::{Command, Event, HostCommand, Mux, Refusal};
use super::wrong::diagnosed;

saga! {
    /// Every window that is promoted out of the pool is replaced.
    saga Respawn(promoted: String) -> String on Mux {
        trigger WindowPromoted { label: promoted };
        concurrency allow;
        deadline 30s;
        step refill -> String {
            send SpawnPoolWindow;
            await PoolWindowAdded { label } => label;
            compensate none because "the next promote refills the pool";
        }
        return refill;
    }

    /// One at a time.
    saga Refill(seconds: f64) on Mux {
        concurrency queue;
        deadline { Duration::from_secs_f64(seconds) };
        step refill {
            send SpawnPoolWindow;
            await PoolWindowAdded { .. } => ();
            compensate none because "the next promote refills the pool";
        }
    }

    /// Saves what is left of a window that is gone.
    saga CleanUp(label: String) on Mux {
        trigger WindowClosed { label, crashed } if !crashed => { label };
        concurrency allow;
        deadline 30s;
        step save {
            send SaveLayout { rows: 1 };
            compensate none because "it is saved again";
        }
        step closed {
            await WindowClosed { label: gone, .. } where gone == label => ();
        }
    }

    /// Over when the window says that it is gone.
    saga Close(label: String) on Mux {
        concurrency allow;
        deadline 30s;
        step closed {
            send CloseWindow { label };
            await WindowClosed { label: gone, .. } where gone == label => ();
            compensate none because "what is closed is closed";
        }
    }

    /// A window that can be used.
    saga Open(label: String) on Mux {
        concurrency allow;
        deadline 10s;
        step open {
            send OpenWindow { label };
            await WindowOpened { .. } => ();
            compensate CloseWindow { label };
        }
        step look {
            query StateOf { label };
            await {
                WindowState { usable } if usable => (),
                WindowState { .. } => fail "the window cannot be used",
            }
        }
    }
}

fn respawn(promoted: &str) -> Respawn {
    Respawn { promoted: promoted.to_owned() }
}

fn added(label: &str) -> Event {
    Event::PoolWindowAdded { label: label.to_owned() }
}

fn closed(label: &str, crashed: bool) -> Event {
    Event::WindowClosed { label: label.to_owned(), crashed }
}

/// Two sagas of a kind wait, each for its own answer: a refill of the host's own accord moves neither, and each
/// answer moves the saga whose command it answers. To await an event that is no answer, without a `where`, does not
/// compile.
///
/// By: compile error L17, run
#[tokio::test]
async fn ledger_01_the_first_refill_completes_every_saga() {
    diagnosed(1, &["`PoolWindowAdded` is no reply to `OpenWindow`, so no one answers this await"]);
    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Respawn>().log(MemoryLog::new())).await;
    let first = coordinator.start(respawn("w1")).await.expect("accepted");
    let second = coordinator.start(respawn("w2")).await.expect("accepted");
    let (to_first, to_second) = (desk.next_of(first.id()).await, desk.next_of(second.id()).await);
    coordinator.publish(added("of the host alone")).await.expect("published");
    assert!(!first.has_ended() && !second.has_ended(), "it completes neither");
    to_second.reply(added("w4"));
    assert_eq!(soon(second.outcome()).await, Outcome::Completed("w4".to_owned()));
    assert!(!first.has_ended(), "it completes the other alone");
    to_first.reply(added("w3"));
    assert_eq!(soon(first.outcome()).await, Outcome::Completed("w3".to_owned()));
}

/// A saga says when its time is over, and what a start does while another one runs; otherwise it does not compile.
/// One whose participant never answers ends at its deadline, and the one that waits behind it begins.
///
/// By: compile error L01, compile error L02, run
#[tokio::test]
async fn ledger_02_a_stalled_saga_blocks_all_later_ones() {
    diagnosed(2, &["`Refill` has no `deadline`", "`Refill` has no `concurrency`"]);
    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Refill>().log(MemoryLog::new())).await;
    let stalled = coordinator.start(Refill { seconds: 0.2 }).await.expect("accepted");
    let _never_answered = desk.next_of(stalled.id()).await;
    let next = coordinator.start(Refill { seconds: 60.0 }).await.expect("accepted");
    desk.next_of(next.id()).await.reply(added("w"));
    assert_eq!(soon(next.outcome()).await, Outcome::Completed(()));
    assert_eq!(why(Some(&soon(stalled.outcome()).await)).kind(), CauseKind::Deadline);
}

/// A saga without a deadline does not compile, unless it says why it needs none. With one it ends, whoever is silent.
///
/// By: compile error L01, run
#[test]
fn ledger_04_a_saga_without_a_timeout_hangs_until_exit() {
    diagnosed(4, &["`Respawn` has no `deadline`", "`deadline none` needs a reason"]);
    let mut saga = SagaTest::start(respawn("w1"));
    saga.advance(Duration::from_millis(29_999));
    assert_eq!(saga.outcome(), None);
    saga.advance(Duration::from_millis(1));
    assert_eq!(why(saga.outcome()).kind(), CauseKind::Deadline);
}

/// The trigger says for which windows the saga starts, so that one that crashed starts none; and a saga that waits
/// for a window that never reports ends at its deadline.
///
/// By: run
#[test]
fn ledger_05_a_crashed_window_never_reports() {
    assert!(CleanUp::triggered_by(&closed("w1", true)).is_none(), "its `if` does not hold");
    let started = CleanUp::triggered_by(&closed("w1", false)).expect("it matches");
    let mut saga = SagaTest::start(started);
    saga.handled();
    saga.event(closed("another", true));
    saga.advance(Duration::from_secs(30));
    assert_eq!(why(saga.outcome()).kind(), CauseKind::Deadline);
}

/// What a step waits for is known before anything leaves: an event that comes while an earlier step is at work, or
/// before its own command is answered, is kept for it, also through a restart.
///
/// By: run
#[test]
fn ledger_06_an_answer_is_dropped_because_its_window_is_already_removed() {
    let mut saga = SagaTest::start(CleanUp { label: "w1".to_owned() });
    saga.event(closed("another", false));
    saga.event(closed("w1", false));
    assert_eq!((saga.sent(), saga.outcome()), (vec![Command::SaveLayout { rows: 1 }], None), "the step has not begun");
    saga.restart();
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())), "it is over when it begins");

    let mut saga = SagaTest::start(Close { label: "w1".to_owned() });
    saga.event(closed("w1", false));
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(())), "before its command is answered");
}

/// A host that answers before anybody could subscribe.
struct Prompt;

impl Participant for Prompt {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, _: HostCommand, cx: &Context<Mux>) -> Result<(), Refusal> {
        cx.emit(added("w2"));
        Ok(())
    }
}

/// Nobody subscribes: who starts a saga gets a handle, and learns how it ends, however fast it was; so does who asks
/// after its end, and after the death of the process.
///
/// By: run
#[test]
fn ledger_07_the_receiver_subscribes_after_the_work_is_spawned() {
    let log = MemoryLog::new();
    let builder = |log| Coordinator::builder().saga::<Respawn>().log(log).participant(Prompt);
    let id = life(async {
        let coordinator = builder(log.clone()).start().await.expect("it starts");
        let mut notices = coordinator.notices();
        let handle = coordinator.start(respawn("w1")).await.expect("accepted");
        let ended = |notice| matches!(notice, Notice::SagaCompleted { .. }).then_some(());
        notice(&mut notices, ended).await;
        assert_eq!(soon(handle.outcome()).await, Outcome::Completed("w2".to_owned()), "it was over before");
        handle.id()
    });
    life(async {
        let coordinator = builder(log.reopen()).start().await.expect("it starts");
        let handle = coordinator.attach::<Respawn>(id).await.expect("it is in the log");
        assert_eq!(soon(handle.outcome()).await, Outcome::Completed("w2".to_owned()));
    });
}

/// What is asked for data is asked with `query`, and what has an effect with `send`: to mix them up does not compile.
///
/// By: compile error L20
#[test]
fn ledger_13_a_query_is_taken_for_an_effect() {
    diagnosed(
        13,
        &[
            "`StateOf` is a query and has no effect: write `query StateOf`",
            "`Quit` has an effect, so it cannot be queried: write `send Quit`",
        ],
    );
}

/// A deadline goes on through suspend and restart: a saga that wakes after it is undone. A last step can ask whether
/// the window can be used, and fails the saga when it cannot.
///
/// By: run
#[test]
fn ledger_14_a_saga_completes_with_an_unusable_window_after_suspend() {
    let label = || "w1".to_owned();
    let opened = || {
        let mut saga = SagaTest::start(Open { label: label() });
        saga.reply(Event::WindowOpened { label: label() });
        saga
    };
    let mut suspended = opened();
    suspended.advance(Duration::from_secs(3600));
    let mut restarted = opened();
    restarted.advance(Duration::from_secs(6));
    restarted.restart();
    restarted.advance(Duration::from_millis(3_999));
    assert!(!restarted.is_compensating());
    restarted.advance(Duration::from_millis(1));
    for mut saga in [suspended, restarted] {
        assert_eq!(saga.sent(), [Command::CloseWindow { label: label() }]);
        saga.handled();
        assert_eq!(why(saga.outcome()).kind(), CauseKind::Deadline);
    }
    let mut unusable = opened();
    unusable.reply(Event::WindowState { usable: false });
    assert_eq!(unusable.sent(), [Command::CloseWindow { label: label() }]);
    unusable.handled();
    assert_eq!(why(unusable.outcome()).message(), "the window cannot be used");
}
