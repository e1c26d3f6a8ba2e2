//! Participants of the ledger's bus whose answers a test gives, one by one; and lives of a coordinator that end as a
//! killed process does.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::time::Duration;

use saga_runtime::coordinator::{Builder, Options};
use saga_runtime::message::{ExchangeKey, ParticipantCommand};
use saga_runtime::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::mux::{Command, Event, HostCommand, Mux, Refusal, SrvCommand};

/// Longer than anything takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens in the end; a panic if it does not.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// A command that waits for the test's answer.
pub(super) struct Asked {
    pub(super) command: Command,
    pub(super) key: ExchangeKey,
    reporter: Reporter<Mux>,
}

impl Asked {
    pub(super) fn reply(self, event: Event) {
        self.reporter.emit(event);
        self.reporter.handled();
    }

    pub(super) fn handled(self) {
        self.reporter.handled();
    }

    pub(super) fn refuse(self, refusal: Refusal) {
        self.reporter.refused(refusal);
    }

    /// Whose it is, and why it is sent.
    pub(super) fn of(&self) -> (SagaId, Mode) {
        (self.key.saga, self.key.at.mode)
    }
}

/// A participant that leaves every answer to the test.
struct Played<C> {
    asks: UnboundedSender<Asked>,
    commands: PhantomData<fn(C)>,
}

impl<C: ParticipantCommand<Bus = Mux> + Into<Command>> Participant for Played<C> {
    type Command = C;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: C, cx: &Context<Mux>) -> Result<(), Refusal> {
        let asked = Asked { command: command.into(), key: cx.key(), reporter: cx.reporter() };
        // A test that is over asks for nothing more.
        let _ = self.asks.send(asked);
        Ok(())
    }
}

/// What the participants are asked.
pub(super) struct Desk {
    asked: UnboundedReceiver<Asked>,
    /// Came, while the test waited for another.
    passed_over: VecDeque<Asked>,
}

impl Desk {
    /// Starts a coordinator whose host and srv are played by the test.
    pub(super) async fn open(builder: Builder<Mux>) -> (Coordinator<Mux>, Self) {
        let (asks, asked) = unbounded_channel();
        let host = Played::<HostCommand> { asks: asks.clone(), commands: PhantomData };
        let srv = Played::<SrvCommand> { asks, commands: PhantomData };
        let coordinator = builder.participant(host).participant(srv).options(hasty()).start().await;
        (coordinator.expect("it starts"), Self { asked, passed_over: VecDeque::new() })
    }

    /// What is asked next.
    pub(super) async fn next(&mut self) -> Asked {
        match self.passed_over.pop_front() {
            Some(asked) => asked,
            None => soon(self.asked.recv()).await.expect("the coordinator runs"),
        }
    }

    /// What this saga asks next; what others ask stays for later.
    pub(super) async fn next_of(&mut self, saga: SagaId) -> Asked {
        if let Some(place) = self.passed_over.iter().position(|asked| asked.key.saga == saga) {
            return self.passed_over.remove(place).expect("it is there");
        }
        loop {
            let asked = soon(self.asked.recv()).await.expect("the coordinator runs");
            if asked.key.saga == saga {
                return asked;
            }
            self.passed_over.push_back(asked);
        }
    }
}

/// Handlers that wait for ever are not waited for.
pub(super) fn hasty() -> Options {
    let mut options = Options::default();
    options.participant.grace = Duration::ZERO;
    options
}

/// The life of a process: all that still runs when `work` is done is cut off where it is, as by `kill -9`.
pub(super) fn life<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

/// The next notice of which this makes something.
pub(super) async fn notice<T>(notices: &mut Notices, pick: impl Fn(Notice) -> Option<T>) -> T {
    loop {
        let notice = soon(notices.next()).await.expect("the coordinator runs");
        if let Some(found) = pick(notice) {
            return found;
        }
    }
}

/// Why it was compensated.
#[track_caller]
pub(super) fn why<T: std::fmt::Debug>(outcome: Option<&Outcome<T>>) -> Cause {
    match outcome {
        Some(Outcome::Compensated(cause)) => cause.clone(),
        other => panic!("compensated, not {other:?}"),
    }
}
