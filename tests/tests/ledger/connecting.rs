//! What went wrong between processes: stale connections, gaps, mirrors that drift, reports to nobody.

use std::collections::BTreeSet;
use std::time::Duration;

use saga_runtime::coordinator::Options;
use saga_runtime::message::fingerprint;
use saga_runtime::participant::PublishError;
use saga_runtime::pipe::{ClientError, PipeOptions, Subscriber, SubscriberEvent};
use saga_runtime::prelude::*;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::desk::{Desk, soon, why};
use super::mux::{Command, Event, Mux};
use crate::wire::guest::{Guest, message};
use crate::wire::yard::{self, Carry, Objection, Ring, Yard};

saga! {
    saga Save(rows: u32) on Mux {
        trigger LayoutChanged { rows };
        concurrency allow;
        deadline 1m;
        step save {
            send SaveLayout { rows };
            compensate none because "it is saved again";
        }
    }
}

/// The bus of a porter that was built later.
mod newer {
    use saga_runtime::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Yard)]
    pub(super) enum Order {
        #[to(Porter)]
        Carry { load: String, carefully: bool },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Yard)]
    pub(super) enum Call {
        #[from(Porter)]
        Knocked,
    }

    pub(super) struct Yard;
    impl Bus for Yard {
        const NAME: &'static str = "yard";
        type Command = Order;
        type Event = Call;
        type Refusal = String;
    }

    pub(super) struct Porter;

    impl Participant for Porter {
        type Command = PorterCommand;
        const MEMORY: Memory = Memory::Volatile;

        async fn handle(&self, _: PorterCommand, _: &Context<Yard>) -> Result<(), String> {
            Ok(())
        }
    }
}

fn answered(command: &Value, answer: &Value) -> Value {
    message(1, &json!({"answered": {"key": command["key"], "attempt": 1, "answer": answer}}))
}

/// The next message is a command with this number, and with so many bytes to carry.
async fn commanded(porter: &mut Guest, number: u64, bytes: usize) -> Value {
    let (came, name, content) = porter.message().await;
    assert_eq!((came, name.as_str()), (number, "command"), "{content}");
    assert_eq!(content["command"], json!({"Carry": {"load": "x".repeat(bytes)}}));
    content
}

/// One task owns what waits for a participant and the connection to it. A newer connection fences the older one,
/// which is closed and can say nothing more; what waited goes to the newer one, whole and in order.
///
/// By: run
#[tokio::test]
async fn ledger_15_a_stale_connection_writes_to_the_new_host() {
    let mut open = yard::Open::new(Options::default()).await;
    let mut stale = open.porter().await;
    let mut carries = Vec::new();
    for bytes in 1..=3 {
        carries.push(open.coordinator.start(Carry { bytes }).await.expect("accepted"));
    }
    let first = commanded(&mut stale, 1, 1).await;
    for bytes in 2..=3 {
        commanded(&mut stale, bytes, usize::try_from(bytes).expect("it is small")).await;
    }
    let mut fresh = open.porter().await;
    stale.say(&answered(&first, &json!({"handled": ["Carried"]}))).await;
    assert_eq!(stale.refusal().await.0, "fenced");
    let again = commanded(&mut fresh, 1, 1).await;
    assert_eq!(again["key"], first["key"]);
    commanded(&mut fresh, 2, 2).await;
    commanded(&mut fresh, 3, 3).await;
    fresh.say(&answered(&again, &json!({"refused": "Tired"}))).await;
    let cause = why(Some(&soon(carries[0].outcome()).await));
    assert_eq!(cause.refusal(), Some(Objection::Tired), "what the stale one said does not count");
}

/// A command that says `#[live_only]` is worthless later: while nobody is connected its step fails at once, and
/// whoever comes then does not get it.
///
/// By: run
#[tokio::test]
async fn ledger_16_a_ui_probe_is_buffered_for_a_future_host() {
    let mut open = yard::Open::new(Options::default()).await;
    open.porter().await.leave();
    open.left().await;
    let probe = open.coordinator.start(Ring { times: 1 }).await.expect("accepted");
    assert_eq!(why(Some(&soon(probe.outcome()).await)).kind(), CauseKind::Disconnected);
    let _carry = open.coordinator.start(Carry { bytes: 1 }).await.expect("accepted");
    let mut porter = open.porter().await;
    commanded(&mut porter, 1, 1).await;
}

/// Both ends compare the fingerprint of what they can say to each other before anything is said: one that was built
/// from other declarations is turned away, and both are told which ones.
///
/// By: run
#[tokio::test]
async fn ledger_17_two_changes_are_safe_only_if_merged_in_order() {
    let mut open = yard::Open::new(Options::default()).await;
    let connected = soon(ParticipantClient::connect(&open.endpoint, newer::Porter)).await;
    let error = connected.expect_err("it is another bus");
    assert!(matches!(error, ClientError::Refused { .. } | ClientError::OtherBus { .. }), "{error}");
    let (_, reason) = open.turned_away().await;
    for told in [error.to_string(), reason] {
        assert!(told.contains(&fingerprint::<Yard>()) && told.contains(&fingerprint::<newer::Yard>()), "{told}");
    }
}

/// A connection that breaks is told; messages are numbered, and go on after the last one that was taken over: what
/// was not comes again, under the same number, key and bytes, and nothing is left out.
///
/// By: run
#[tokio::test]
async fn ledger_38_a_disconnect_leaves_gaps_and_a_replay_changes_identity() {
    for taken in [0, 1] {
        let mut open = yard::Open::new(Options::default()).await;
        let mut porter = open.porter().await;
        let first = open.coordinator.start(Carry { bytes: 1 }).await.expect("accepted");
        let before = commanded(&mut porter, 1, 1).await;
        porter.leave();
        open.left().await;
        let _second = open.coordinator.start(Carry { bytes: 2 }).await.expect("accepted");
        let mut porter = open.porter_again(&porter, taken).await;
        if taken == 0 {
            let again = commanded(&mut porter, 1, 1).await;
            let identity = |command: &Value| ["key", "attempt", "command"].map(|field| command[field].clone());
            assert_eq!(identity(&again), identity(&before));
        }
        commanded(&mut porter, 2, 2).await;
        porter.say(&answered(&before, &json!({"handled": ["Carried"]}))).await;
        assert_eq!(soon(first.outcome()).await, Outcome::Completed(()));
    }
}

/// What a subscriber knows of the sagas in flight.
struct Mirror {
    subscriber: Subscriber,
    sagas: BTreeSet<u64>,
}

impl Mirror {
    async fn open(endpoint: &Endpoint) -> Self {
        let subscriber = Subscriber::connect(endpoint, "renderer", PipeOptions::default());
        let mut mirror = Self { subscriber, sagas: BTreeSet::new() };
        match mirror.next().await {
            SubscriberEvent::Snapshot(snapshot) => {
                let sagas = snapshot["sagas"].as_array().expect("all sagas in flight").iter();
                mirror.sagas = sagas.map(|saga| saga["saga"].as_u64().expect("an id")).collect();
            }
            other => panic!("first everything, not {other:?}"),
        }
        mirror
    }

    async fn next(&mut self) -> SubscriberEvent {
        soon(self.subscriber.next()).await.expect("the coordinator runs").expect("it is served")
    }

    /// Applies the changes up to the end of this saga.
    async fn follow_until(&mut self, end: SagaId) {
        loop {
            let SubscriberEvent::Change(change) = self.next().await else { panic!("nothing is missed") };
            let saga = change["saga"].as_u64();
            match (change["notice"].as_str(), saga) {
                (Some("saga_started"), Some(saga)) => assert!(self.sagas.insert(saga), "{change}"),
                (Some("saga_completed"), Some(saga)) => assert!(self.sagas.remove(&saga), "{change}"),
                _ => continue,
            }
            if change["notice"] == "saga_completed" && saga == Some(end.get()) {
                return;
            }
        }
    }
}

/// A subscriber gets all that is in flight, and then each change, in order: what it knows is what somebody who comes
/// later is told at once.
///
/// By: run
#[tokio::test]
async fn ledger_39_mirrors_drift() {
    let home = yard::home();
    let endpoint = Endpoint::in_dir(home.path().join("bus"));
    let builder = Coordinator::builder().saga::<Save>().log(MemoryLog::new()).listen(endpoint.clone());
    let (coordinator, mut desk) = Desk::open(builder).await;
    let save = async |rows| coordinator.start(Save { rows }).await.expect("accepted");
    let (before, kept) = (save(1).await, save(2).await);
    let mut mirror = Mirror::open(&endpoint).await;
    assert_eq!(mirror.sagas, BTreeSet::from([before.id().get(), kept.id().get()]));
    let (short, after, last) = (save(3).await, save(4).await, save(5).await);
    for ended in [&short, &before, &last] {
        desk.next_of(ended.id()).await.handled();
        assert_eq!(soon(ended.outcome()).await, Outcome::Completed(()));
    }
    mirror.follow_until(last.id()).await;
    assert_eq!(mirror.sagas, BTreeSet::from([kept.id().get(), after.id().get()]));
    assert_eq!(mirror.sagas, Mirror::open(&endpoint).await.sagas);
}

/// Whoever reports something waits until it is recorded, also until there is a coordinator; what cannot be reported
/// is a typed error.
///
/// By: run
#[tokio::test]
async fn ledger_40_reports_do_nothing_when_nobody_is_connected() {
    let home = yard::home();
    let endpoint = Endpoint::in_dir(home.path().join("bus"));
    let renderer = ParticipantClient::<Mux>::publisher(&endpoint, "renderer");
    let told = renderer.publish(Event::LayoutChanged { rows: 3 });
    tokio::pin!(told);
    assert!(timeout(Duration::from_millis(50), &mut told).await.is_err(), "nobody has heard it");
    let builder = Coordinator::builder().saga::<Save>().log(MemoryLog::new()).listen(endpoint.clone());
    let (coordinator, mut desk) = Desk::open(builder).await;
    assert_eq!(soon(told).await, Ok(()));
    assert_eq!(desk.next().await.command, Command::SaveLayout { rows: 3 });

    let others = renderer.publish(Event::WindowPromoted { label: "w1".to_owned() }).await;
    assert!(matches!(others, Err(PublishError::NotYours { event: "WindowPromoted", .. })), "{others:?}");
    coordinator.clone().stop().await.expect("it stops");
    assert_eq!(coordinator.publish(Event::LayoutChanged { rows: 4 }).await, Err(CallError::Stopped));
}
