//! Ids in messages, inputs that said nothing, callers who did not listen, and commands for everybody.

use saga_runtime::docs::{self, DocsError};
use saga_runtime::message::{CommandOf, ExchangeKey, ParticipantCommand};
use saga_runtime::prelude::*;
use serde_json::json;

use super::desk::{Desk, soon};
use super::mux::{Command, HostCommand, Mux, SrvCommand};
use super::wrong::diagnosed;

saga! {
    /// Leaves for good.
    saga Leave(label: String) on Mux {
        concurrency allow;
        deadline 1m;

        /// Closes the last window.
        step close {
            send CloseWindow { label };
            compensate none because "it is closed";
        }
    }
}

/// As a program of a later day has it.
mod later {
    use saga_runtime::prelude::*;

    use super::super::mux::Mux;

    saga! {
        /// Leaves for good.
        pub(super) saga Leave(label: String) on Mux {
            concurrency allow;
            deadline 1m;

            /// Closes the last window, and opens another if that was wrong.
            step close {
                send CloseWindow { label };
                compensate OpenWindow { label };
            }
        }
    }
}

fn leave() -> Leave {
    Leave { label: "w1".to_owned() }
}

/// A message has no place for an id: two sagas send the very same command, and the runtime stamps on the envelope
/// whose it is.
///
/// By: cannot be written, run
#[tokio::test]
async fn ledger_10_a_placeholder_saga_id_is_rewritten_before_sending() {
    let (coordinator, mut desk) = Desk::open(Coordinator::builder().saga::<Leave>().log(MemoryLog::new())).await;
    let first = coordinator.start(leave()).await.expect("accepted");
    let second = coordinator.start(leave()).await.expect("accepted");
    let (to_first, to_second) = (desk.next_of(first.id()).await, desk.next_of(second.id()).await);
    let written = serde_json::to_value(&to_first.command).expect("it can be written");
    assert_eq!(written, json!({"CloseWindow": {"label": "w1"}}), "what was declared and nothing else");
    assert_eq!(to_first.command, to_second.command);
    assert_ne!(to_first.key, to_second.key);
    to_second.handled();
    assert_eq!(soon(second.outcome()).await, Outcome::Completed(()));
    assert!(!first.has_ended());
}

/// An id is a number from 1: a zero is no id, whoever makes it, and wherever it comes from.
///
/// By: cannot be written, compile error, run
#[test]
fn ledger_11_id_0_bypasses_deduplication() {
    diagnosed(11, &["cannot initialize a tuple struct which contains private fields"]);
    assert_eq!((SagaId::new(0), SagaId::FIRST.get()), (None, 1));
    assert!("0".parse::<SagaId>().is_err());
    assert!(serde_json::from_value::<SagaId>(json!(0)).is_err());
    let key = |saga: u32| format!("00c0ffee00c0ffee/{saga}/0/0/forward").parse::<ExchangeKey>();
    assert!(key(1).is_ok() && key(0).is_err());
}

/// To start a saga gives a handle, and who drops it is told by the compiler that the saga has not ended.
///
/// By: compile error
#[test]
fn ledger_29_the_caller_acts_before_the_answer() {
    diagnosed(
        29,
        &["a start does nothing unless it is awaited", "a saga that was started has not yet ended: await its outcome"],
    );
}

/// An input that cannot be written does not compile; the log keeps it as it was given.
///
/// By: compile error L23, run
#[tokio::test]
async fn ledger_33_inputs_are_recorded_as_null() {
    diagnosed(33, &["a saga keeps values of `Label`, which lacks `Serialize`, `Deserialize`"]);
    let log = MemoryLog::new();
    let (coordinator, _desk) = Desk::open(Coordinator::builder().saga::<Leave>().log(log.clone())).await;
    let handle = coordinator.start(leave()).await.expect("accepted");
    let kept = log.reader().and_then(|mut reader| reader.saga(handle.id())).expect("it can be read");
    assert_eq!(kept.map(|kept| kept.input), Some(r#"{"label":"w1"}"#.to_owned()));
}

/// Without an arm that rejects what is somebody else's; one more command of the srv would not compile here.
fn table(command: &SrvCommand) -> &'static str {
    match command {
        SrvCommand::PositionOf { .. }
        | SrvCommand::MoveTab { .. }
        | SrvCommand::CreateTab { .. }
        | SrvCommand::DeleteTab { .. } => "tabs",
        SrvCommand::CreateWorkspace | SrvCommand::DeleteWorkspace { .. } => "workspaces",
        SrvCommand::DeleteBlocks { .. } => "blocks",
        SrvCommand::SaveLayout { .. } => "layouts",
    }
}

/// Each participant has an enum of its own commands, which it matches without an arm for those of others; one of
/// another participant in it does not compile, and on the way it is turned back.
///
/// By: compile error, run
#[test]
fn ledger_41_one_flat_enum_of_commands_and_copied_rejection_arms() {
    diagnosed(41, &["expected `HostCommand`, found `SrvCommand`"]);
    let create: CommandOf<Mux> = Command::CreateWorkspace;
    assert_eq!(SrvCommand::narrow(create.clone()).as_ref().map(table), Ok("workspaces"));
    assert_eq!(HostCommand::narrow(create.clone()), Err(create));
}

/// What a saga does is written by the program itself, from its definition; a page that says anything else is stale,
/// and fails with the command that renews it.
///
/// By: run
#[test]
fn ledger_42_comments_say_log_only_long_after_it_is_not() {
    const RENEW: &str = "sagas docs";
    let directory = tempfile::tempdir().expect("a directory");
    docs::write(directory.path(), &[Leave::DEFINITION], RENEW).expect("written");
    docs::check(directory.path(), &[Leave::DEFINITION], RENEW).expect("up to date");
    let stale = |definition| match docs::check(directory.path(), &[definition], RENEW) {
        Err(DocsError::Stale(stale)) => stale.to_string(),
        other => panic!("stale, not {other:?}"),
    };
    let told = stale(later::Leave::DEFINITION);
    assert!(told.contains("leave.md: out of date") && told.contains(RENEW), "{told}");

    let page = directory.path().join(docs::file_name(Leave::DEFINITION));
    let written = std::fs::read_to_string(&page).expect("it is there");
    std::fs::write(&page, written.replace("`CloseWindow`", "nothing (log only)")).expect("it can be changed");
    assert!(stale(Leave::DEFINITION).contains("leave.md: out of date"));
}
