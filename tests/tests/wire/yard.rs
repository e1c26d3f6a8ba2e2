//! A yard with a porter, whom a test plays itself, and a sweeper, who goes on working whatever happens to the porter.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use saga_runtime::coordinator::Options;
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::guest::Guest;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Yard)]
pub(crate) enum Order {
    #[to(Porter)]
    #[replies(Carried)]
    Carry { load: String },
    /// Worthless later.
    #[to(Porter)]
    #[live_only]
    Ring,
    #[to(Porter)]
    Hush,
    #[to(Sweeper)]
    #[replies(Swept)]
    Sweep,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Yard)]
pub(crate) enum Call {
    Carried,
    Swept,
    #[from(Porter)]
    Knocked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Objection {
    #[error("tired")]
    Tired,
}

pub(crate) struct Yard;
impl Bus for Yard {
    const NAME: &'static str = "yard";
    type Command = Order;
    type Event = Call;
    type Refusal = Objection;
}

saga! {
    /// So many bytes of which the saga itself keeps none.
    pub(crate) saga Carry(bytes: usize) on Yard {
        concurrency allow;
        deadline 1h;
        step carry {
            send Carry { load: "x".repeat(bytes) };
            await Carried => ();
            compensate none because "it may lie there";
        }
    }

    /// Does not wait for long.
    pub(crate) saga Hurry(bytes: usize) on Yard {
        concurrency allow;
        deadline 200ms;
        step carry {
            send Carry { load: "x".repeat(bytes) };
            await Carried => ();
            compensate none because "it may lie there";
        }
    }

    pub(crate) saga Ring(times: u32) on Yard {
        concurrency allow;
        deadline 1h;
        step ring {
            send Ring;
            compensate none because "it has rung";
        }
    }

    pub(crate) saga RingAndHush(times: u32) on Yard {
        concurrency allow;
        deadline 1h;
        step ring {
            send Ring;
            compensate Hush;
        }
    }

    pub(crate) saga Sweep(times: u32) on Yard {
        concurrency allow;
        deadline 1h;
        step sweep {
            send Sweep;
            await Swept => ();
            compensate none because "clean is clean";
        }
    }
}

struct Sweeper;

impl Participant for Sweeper {
    type Command = SweeperCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: SweeperCommand, cx: &Context<Yard>) -> Result<(), Objection> {
        match command {
            SweeperCommand::Sweep => cx.emit(Call::Swept),
        }
        Ok(())
    }
}

/// Longer than anything takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happens in the end; a panic if it does not.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// A directory in which a bus may live.
pub(crate) fn home() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().expect("a directory")
}

/// A coordinator with a sweeper at its socket.
pub(crate) struct Open {
    pub(crate) coordinator: Coordinator<Yard>,
    pub(crate) notices: Notices,
    pub(crate) endpoint: Endpoint,
    sweeper: JoinHandle<()>,
    _home: TempDir,
}

impl Open {
    pub(crate) async fn new(options: Options) -> Self {
        Self::with(MemoryLog::new(), options).await
    }

    pub(crate) async fn with(log: impl SagaLog, options: Options) -> Self {
        let home = home();
        let endpoint = Endpoint::in_dir(home.path().join("bus"));
        let builder = Coordinator::<Yard>::builder().options(options).log(log).listen(endpoint.clone());
        let builder = builder.saga::<Carry>().saga::<Hurry>().saga::<Ring>().saga::<RingAndHush>().saga::<Sweep>();
        let coordinator = builder.start().await.expect("it starts");
        let client = ParticipantClient::connect(&endpoint, Sweeper).await.expect("it is expected");
        let sweeper = tokio::spawn(async move { client.run().await.expect("it is never sent away") });
        let notices = coordinator.notices();
        let mut open = Self { coordinator, notices, endpoint, sweeper, _home: home };
        open.assert_sweeps().await;
        open
    }

    /// The sweeper works, over the connection that it has had all along.
    pub(crate) async fn assert_sweeps(&mut self) {
        let sweep = self.coordinator.start(Sweep { times: 1 }).await.expect("it is accepted");
        assert_eq!(soon(sweep.outcome()).await, Outcome::Completed(()));
        assert!(!self.sweeper.is_finished());
    }

    /// The next notice of which this makes something.
    pub(crate) async fn notice<T>(&mut self, pick: impl Fn(Notice) -> Option<T>) -> T {
        loop {
            let notice = soon(self.notices.next()).await.expect("the coordinator runs");
            if let Some(found) = pick(notice) {
                return found;
            }
        }
    }

    /// Who is turned away next, and why.
    pub(crate) async fn turned_away(&mut self) -> (String, String) {
        self.notice(|notice| match notice {
            Notice::ConnectionRefused { peer, reason, .. } => Some((peer, reason)),
            _ => None,
        })
        .await
    }

    /// Until the porter is away; why.
    pub(crate) async fn left(&mut self) -> String {
        self.notice(|notice| match notice {
            Notice::ParticipantDisconnected { participant, reason, .. } => {
                assert_eq!(participant, "porter", "nobody else goes: {reason}");
                Some(reason)
            }
            _ => None,
        })
        .await
    }

    /// A porter who begins to work.
    pub(crate) async fn porter(&mut self) -> Guest {
        let mut porter = Guest::enter(&self.endpoint).await;
        porter.introduce(None).await;
        self.arrived().await;
        porter
    }

    /// The porter whose session this was, who is back and has taken over so many messages.
    pub(crate) async fn porter_again(&mut self, before: &Guest, taken: u64) -> Guest {
        let mut porter = Guest::enter(&self.endpoint).await;
        porter.resume(before, taken).await;
        self.arrived().await;
        porter
    }

    async fn arrived(&mut self) {
        self.notice(|notice| matches!(notice, Notice::ParticipantConnected { .. }).then_some(())).await;
    }
}
