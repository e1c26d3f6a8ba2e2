//! `#[redact]`: the state keeps the value, and nothing that is shown does.

use std::time::Duration;

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use crate::twin::Twin;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Safe)]
enum Command {
    #[to(Bank)]
    #[replies(Opened)]
    #[refuses(WrongPin)]
    Open {
        account: u64,
        #[redact]
        pin: String,
    },
    #[to(Bank)]
    Close {
        #[redact]
        token: String,
    },
    #[to(Bank)]
    #[refuses(WrongPin)]
    Take { cents: u64 },
    /// Tells a secret, and is told none.
    #[to(Bank)]
    #[replies(Opened)]
    Identify { account: u64 },
    #[to(Bank)]
    Sign(#[redact] String, u32),
    #[to(Bank)]
    Ring,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Safe)]
enum Event {
    Opened {
        drawer: u32,
        #[redact]
        token: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
enum Refusal {
    #[error("wrong")]
    WrongPin,
}

struct Safe;
impl Bus for Safe {
    const NAME: &'static str = "safe";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

const PIN: &str = "pin-8274";
const TOKEN: &str = "token-5519";

saga! {
    saga Withdraw(account: u64, #[redact] pin: String, clumsy: bool) -> String on Safe {
        concurrency queue per pin, account;
        deadline 1m;
        #[redact]
        step token -> String {
            send Open { account, pin };
            await Opened { token, .. } => token;
            compensate Close { token };
        }
        step take {
            send Take { cents: if clumsy { panic!("{pin} and {token} of {account}") } else { account } };
            compensate none because "it is in the pocket";
        }
        return format!("{token} of {account}");
    }

    saga Tell(account: u64, #[redact] pin: String) -> u64 on Safe {
        concurrency allow;
        deadline 1m;
        step take {
            send Take { cents: pin.len() as u64 };
            compensate none because "it is in the pocket";
        }
        return account;
    }
}

fn opened() -> Event {
    Event::Opened { drawer: 4321, token: TOKEN.to_owned() }
}

fn withdraw(clumsy: bool) -> Twin<Withdraw> {
    let saga = Twin::start(Withdraw { account: 17, pin: PIN.to_owned(), clumsy });
    assert_eq!(saga.sent(), [Command::Open { account: 17, pin: PIN.to_owned() }]);
    saga
}

/// All that was told, as JSON and for debugging.
fn told<S: Saga>(saga: &Twin<S>) -> String {
    let notices = saga.notices();
    format!("{} {notices:?}", serde_json::to_string(&notices).expect("notices can be written"))
}

#[track_caller]
fn assert_hidden<S: Saga>(saga: &Twin<S>) {
    let told = told(saga);
    assert!(!told.contains(PIN), "the pin is told: {told}");
    assert!(!told.contains(TOKEN), "the token is told: {told}");
}

/// Rule: redact.state-keeps
#[test]
fn the_state_keeps_what_recovery_needs() {
    let mut saga = withdraw(false);
    saga.reply(opened());
    saga.handled();
    assert_eq!(saga.outcome(), Some(&Outcome::Completed(format!("{TOKEN} of 17"))), "who started it gets the value");
}

/// Rule: redact.state-keeps
#[test]
fn a_compensation_gets_the_value() {
    let mut saga = withdraw(false);
    saga.reply(opened());
    saga.refuse(Refusal::WrongPin);
    assert_eq!(saga.sent(), [Command::Close { token: TOKEN.to_owned() }]);
    saga.handled();
    assert_hidden(&saga);
}

/// Rule: redact.shown
#[test]
fn neither_parameters_nor_outputs_are_told() {
    let mut saga = withdraw(false);
    saga.reply(opened());
    assert_hidden(&saga);
    assert!(told(&saga).contains(r#""account":17"#), "what is not secret is told: {}", told(&saga));
}

/// Rule: redact.return
#[test]
fn a_return_that_mentions_a_secret_is_hidden() {
    let mut saga = withdraw(false);
    saga.reply(opened());
    saga.handled();
    assert!(saga.outcome().is_some());
    assert_hidden(&saga);

    let mut saga = Twin::start(Tell { account: 17, pin: PIN.to_owned() });
    saga.handled();
    let output = saga.notices().into_iter().find_map(|notice| match notice {
        Notice::SagaCompleted { output, .. } => Some(output),
        _ => None,
    });
    assert_eq!(output, Some(17.into()), "one that does not is told");
}

/// Rule: redact.shown
#[test]
fn a_late_answer_is_told_without_its_secret_fields() {
    let mut saga = withdraw(false);
    saga.reply(opened());
    saga.reply_to(&Command::Open { account: 17, pin: PIN.to_owned() }, opened());
    assert_hidden(&saga);
    assert!(told(&saga).contains("4321"), "the other fields are told: {}", told(&saga));
}

/// Rule: redact.panic
#[test]
fn a_panic_does_not_tell() {
    let mut saga = withdraw(true);
    saga.reply(opened());
    assert!(saga.is_stuck());
    assert_hidden(&saga);
}

/// What a test of this file says, in a process of its own.
fn said_by(test: &str) -> String {
    let program = std::env::current_exe().expect("it runs");
    let arguments = ["--exact", &format!("language::redacting::{test}"), "--nocapture"];
    let ended = std::process::Command::new(program).args(arguments).output().expect("the system gives a process");
    let said = String::from_utf8_lossy(&ended.stderr) + String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    said.into_owned()
}

/// Rule: redact.panic
#[test]
fn a_panic_does_not_tell_on_standard_error() {
    let said = said_by("a_panic_does_not_tell");
    assert!(said.contains("an expression of a saga panicked at"), "{said}");
    assert!(!said.contains(PIN) && !said.contains(TOKEN), "{said}");
}

/// Rule: redact.shown
#[test]
fn a_participants_command_is_debugged_without_its_secret_fields() {
    let open = BankCommand::Open { account: 17, pin: PIN.to_owned() };
    assert_eq!(format!("{open:?}"), "Open { account: 17, pin: (redacted) }");
    assert_eq!(format!("{:?}", BankCommand::Sign(PIN.to_owned(), 3)), "Sign((redacted), 3)");
    assert_eq!(format!("{:?}", BankCommand::Ring), "Ring");
    assert_eq!(format!("{:?}", BankCommand::Take { cents: 4 }), "Take { cents: 4 }");
}

/// Panics on whatever it is asked, with words that tell it.
struct Clumsy;

impl Participant for Clumsy {
    type Command = BankCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: BankCommand, context: &Context<Safe>) -> Result<(), Refusal> {
        match command {
            BankCommand::Open { pin, .. } => panic!("{pin} is no pin"),
            BankCommand::Close { token } => {
                context.when_committed(move || panic!("{token} is no token"));
                Ok(())
            }
            BankCommand::Identify { account } => panic!("{TOKEN} is that of {account}"),
            other => panic!("who expects {other:?}?"),
        }
    }
}

saga! {
    saga Identified(account: u64) on Safe {
        concurrency allow;
        deadline 1m;
        step opened {
            send Identify { account };
            compensate none because "it was only looked at";
        }
    }

    saga Taken(cents: u64) on Safe {
        concurrency allow;
        deadline 1m;
        step take {
            send Take { cents };
            compensate none because "it is only money";
        }
    }

    saga Closed(#[redact] token: String) on Safe {
        concurrency allow;
        deadline 1m;
        step close {
            send Close { token };
            compensate none because "it was open before";
        }
    }
}

/// Rule: redact.panic
#[tokio::test]
async fn a_handlers_panic_does_not_tell() {
    let builder = Coordinator::builder().saga::<Withdraw>().saga::<Identified>().saga::<Taken>().saga::<Closed>();
    let coordinator = builder.log(MemoryLog::new()).participant(Clumsy).start().await.expect("it starts");
    let withdraw = coordinator.start(Withdraw { account: 17, pin: PIN.to_owned(), clumsy: false });
    let of_command = withdraw.await.expect("accepted").settled().await;
    let of_reply = coordinator.start(Identified { account: 17 }).await.expect("accepted").settled().await;
    let closed = coordinator.start(Closed { token: TOKEN.to_owned() }).await.expect("accepted");
    assert_eq!(closed.outcome().await, Outcome::Completed(()));
    for said in [format!("{of_command:?}"), format!("{of_reply:?}")] {
        assert!(said.contains("(redacted)") && !said.contains(PIN) && !said.contains(TOKEN), "{said}");
    }
    let Settled::Stuck(told) = coordinator.start(Taken { cents: 4 }).await.expect("accepted").settled().await else {
        panic!("its handler panics")
    };
    assert!(told.contains("who expects Take { cents: 4 }?"), "what is not secret is told: {told}");
}

/// Rule: redact.panic
#[test]
fn a_handlers_panic_does_not_tell_on_standard_error() {
    let said = said_by("a_handlers_panic_does_not_tell");
    assert!(said.contains("a handler panicked at"), "{said}");
    assert!(!said.contains(PIN) && !said.contains(TOKEN), "{said}");
}

/// Rule: redact.shown
#[test]
fn neither_a_refusal_nor_a_deadline_tells() {
    let mut saga = withdraw(false);
    saga.refuse(Refusal::WrongPin);
    assert_hidden(&saga);
    let mut saga = withdraw(false);
    saga.advance(Duration::from_secs(60));
    saga.settle(Fate::Done(vec![opened()]));
    saga.handled();
    assert!(matches!(saga.outcome(), Some(Outcome::Compensated(_))));
    assert_hidden(&saga);
}

/// Rule: redact.state-keeps
#[test]
fn the_serialised_state_has_the_values() {
    let mut saga = withdraw(false);
    saga.reply(opened());
    let state = serde_json::to_string(saga.state()).expect("a state can be written");
    assert!(state.contains(TOKEN), "{state}");
}

/// Rule: redact.key
#[tokio::test]
async fn a_key_that_mentions_a_secret_is_hidden() {
    saga! {
        saga Peek(#[redact] pin: String) on Safe {
            concurrency skip per pin;
            deadline 1m;
            step take {
                send Take { cents: 1 };
                compensate none because "it is in the pocket";
            }
        }
    }
    struct Bank;
    impl Participant for Bank {
        type Command = BankCommand;
        const MEMORY: Memory = Memory::Volatile;
        async fn handle(&self, _: BankCommand, _: &Context<Safe>) -> Result<(), Refusal> {
            std::future::pending().await
        }
    }
    let builder = Coordinator::builder().saga::<Peek>().log(MemoryLog::new()).participant(Bank);
    let coordinator = builder.start().await.expect("it starts");
    let _holder = coordinator.start(Peek { pin: PIN.to_owned() }).await.expect("accepted");
    let error = coordinator.start(Peek { pin: PIN.to_owned() }).await.expect_err("the key is held");
    assert!(!format!("{error} {error:?}").contains(PIN), "{error}");
}
