//! Subscribers over a socket: what they have of the sagas is what there is, wherever they were meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use super::super::Options;
use super::families::{Bundle, Later, bundle};
use super::shop::{Depot, Event, Sell, Shop, sell};
use crate::log::SagaLog;
use crate::machine::InFlight;
use crate::notice::{Bracket, BracketBuffer, Mirror, Position, Snapshot, Told, Unit};
use crate::pipe::{PipeOptions, Subscriber, SubscriberEvent};
use crate::prelude::*;

saga! {
    /// Takes a thing, and tells nobody.
    #[ephemeral]
    saga Borrow(item: String) -> u32 on Shop {
        concurrency allow;
        deadline 1h;

        step reserve -> u32 {
            send Reserve { item };
            await Reserved { shelf } => shelf;
            compensate none because "nobody is told";
        }

        return reserve;
    }
}

saga! {
    /// Sells to one at a time.
    saga SellInTurn(item: String) on Shop {
        concurrency queue per item;
        deadline 1h;

        step ship {
            send Ship { item };
            await Shipped => ();
            compensate none because "what is shipped is gone";
        }
    }
}

saga! {
    /// Sells to those who do not wait.
    saga SellAtOnce(item: String) on Shop {
        concurrency allow;
        deadline 1h;

        step ship {
            send Ship { item };
            await Shipped => ();
            within 10ms;
            compensate Release { item };
        }
    }
}

saga! {
    /// Sells some things, all or none.
    saga SellAll(items: Vec<String>) on Shop {
        concurrency allow;
        deadline 1h;

        step reserve -> u32 for item in items, all at once {
            send Reserve { item };
            await Reserved { shelf } => shelf;
            compensate Release { item };
        }

        step ship for item in items {
            send Ship { item };
            await Shipped => ();
            compensate none because "what is shipped is gone";
        }
    }
}

saga! {
    /// Says whether it was quick.
    saga SellQuickly(item: String) -> bool on Shop {
        concurrency allow;
        deadline 1h;

        step ship -> bool {
            send Ship { item };
            within 10ms;
            await {
                Shipped => true,
                timeout => false,
            }
            compensate none because "what is shipped is gone";
        }

        return ship;
    }
}

/// Where coordinators are, one after the other.
pub(super) struct Place {
    home: TempDir,
    options: Options,
}

impl Place {
    pub(super) fn new() -> Self {
        let private = Permissions::from_mode(0o700);
        let home = tempfile::Builder::new().permissions(private).tempdir().expect("a directory");
        let mut options = Options::default();
        options.participant.grace = Duration::ZERO;
        Self { home, options }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::in_dir(self.home.path().join("bus"))
    }

    pub(super) fn log(&self) -> SqliteLog {
        SqliteLog::open(self.home.path().join("sagas.db")).expect("a log")
    }

    pub(super) async fn coordinator(&self, log: impl SagaLog, depot: &Depot) -> Coordinator<Shop> {
        let builder = Coordinator::builder().saga::<Sell>().saga::<Bundle>().saga::<Later>();
        let builder = builder.saga::<Borrow>().saga::<SellInTurn>().saga::<SellAtOnce>().saga::<SellAll>();
        let builder = builder.saga::<SellQuickly>().log(log).participant(depot.clone());
        builder.listen(self.endpoint()).options(self.options.clone()).start().await.expect("it starts")
    }

    /// Somebody who watches from now on.
    pub(super) async fn watcher(&self) -> Watcher {
        self.watch(Subscriber::connect(&self.endpoint(), "window", quick())).await
    }

    /// Somebody who watches from where somebody else was.
    pub(super) async fn watcher_from(&self, position: Position) -> Watcher {
        self.watch(Subscriber::resume(&self.endpoint(), "window", position, quick())).await
    }

    async fn watch(&self, subscriber: Subscriber) -> Watcher {
        let mut watcher = Watcher { subscriber, told: Vec::new(), snapshots: Vec::new(), mirror: Mirror::new() };
        watcher.until_snapshot().await;
        watcher
    }
}

fn quick() -> PipeOptions {
    let (reconnect, reconnect_at_most) = (Duration::from_millis(1), Duration::from_millis(5));
    PipeOptions { reconnect, reconnect_at_most, ..PipeOptions::default() }
}

/// A subscriber with all that it was told.
pub(super) struct Watcher {
    subscriber: Subscriber,
    pub(super) told: Vec<Told>,
    pub(super) snapshots: Vec<Snapshot>,
    mirror: Mirror,
}

impl Watcher {
    async fn hear(&mut self) {
        let event = timeout(Duration::from_secs(20), self.subscriber.next()).await.expect("in time");
        match event.expect("it goes on").expect("it is let in") {
            SubscriberEvent::Snapshot(snapshot) => {
                let snapshot: Snapshot = serde_json::from_value(snapshot).expect("a snapshot");
                self.mirror.snapshot(&snapshot);
                self.snapshots.push(snapshot);
            }
            SubscriberEvent::Change(change) => {
                let told: Told = serde_json::from_value(change).expect("a change");
                self.mirror.change(&told);
                self.told.push(told);
            }
            SubscriberEvent::Disconnected => {}
        }
    }

    async fn until_snapshot(&mut self) -> &Snapshot {
        let known = self.snapshots.len();
        while self.snapshots.len() == known {
            self.hear().await;
        }
        &self.snapshots[known]
    }

    /// Until so many sagas have ended that were told of.
    async fn until_ended(&mut self, count: usize) {
        while self.told.iter().filter(|told| told.notice.is_end()).count() < count {
            self.hear().await;
        }
    }

    fn in_flight(&self) -> Vec<InFlight> {
        self.mirror.sagas().cloned().collect()
    }

    fn notices(&self) -> Vec<Notice> {
        notices(&self.told)
    }
}

/// What is about a saga.
fn notices(told: &[Told]) -> Vec<Notice> {
    let notices = told.iter().map(|told| told.notice.clone());
    notices.filter(|notice| notice.saga().is_some() && !matches!(notice, Notice::SagaMoved { .. })).collect()
}

/// Some of everything that can happen to a saga, until all of it is over.
async fn play(coordinator: &Coordinator<Shop>) {
    let good = coordinator.start(sell("hat")).await.expect("accepted");
    let bad = coordinator.start(sell("bad")).await.expect("accepted");
    let family = coordinator.start(bundle("hat", "bad")).await.expect("accepted");
    let later = coordinator.start(Later { item: "hat".to_owned() }).await.expect("accepted");
    let all = coordinator.start(some_and_a_bad_one()).await.expect("accepted");
    let first = coordinator.start(SellInTurn { item: "hat".to_owned() }).await.expect("accepted");
    let second = coordinator.start(SellInTurn { item: "hat".to_owned() }).await.expect("accepted");
    operate(coordinator).await;
    order(coordinator).await;
    let _ = tokio::join!(good.outcome(), bad.outcome(), family.outcome(), later.outcome());
    let _ = tokio::join!(first.outcome(), second.outcome(), all.outcome());
}

fn some_and_a_bad_one() -> SellAll {
    SellAll { items: ["hat", "coat", "bad"].map(str::to_owned).to_vec() }
}

/// A saga that is stuck, is retried in vain, and is ended.
async fn operate(coordinator: &Coordinator<Shop>) {
    let cursed = coordinator.start(sell("cursed")).await.expect("accepted");
    for action in [Operator::Retry, Operator::End] {
        let Settled::Stuck(_) = cursed.settled().await else { panic!("nothing releases it") };
        let by = EndedBy { who: "ann".to_owned(), why: "enough".to_owned() };
        coordinator.operate(cursed.id(), action, by).await.expect("it is stuck");
    }
    let _ = cursed.outcome().await;
}

/// A saga that an event starts.
async fn order(coordinator: &Coordinator<Shop>) {
    let mut notices = coordinator.notices();
    coordinator.publish(Event::Ordered { item: "coat".to_owned() }).await.expect("published");
    let started = loop {
        match notices.next().await.expect("the coordinator runs") {
            Notice::SagaStarted { saga, input, .. } if input["item"] == "coat" => break saga,
            _ => {}
        }
    };
    coordinator.attach::<Sell>(started).await.expect("known").outcome().await;
}

/// How many sagas end in [`play`], and how many of them no other one runs.
const ENDS: usize = 12;
const FAMILIES: usize = 9;

#[tokio::test]
async fn a_mirror_is_what_a_new_snapshot_says_after_every_change() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let mut watcher = place.watcher().await;
    let peeking = async {
        let mut peeked = Vec::new();
        for _ in 0..20 {
            peeked.extend(place.watcher().await.snapshots);
        }
        peeked
    };
    let ((), peeked) = tokio::join!(play(&coordinator), peeking);
    let peeked: BTreeMap<_, _> = peeked.into_iter().map(|snapshot| (number(snapshot.position), snapshot)).collect();
    let mut compared = BTreeSet::new();
    let last = number(place.watcher().await.snapshots[0].position);
    loop {
        let at = watcher.told.last().map_or(number(watcher.snapshots[0].position), |told| number(told.position));
        if let Some(snapshot) = peeked.get(&at) {
            assert_eq!(watcher.in_flight(), snapshot.sagas, "after change {at}");
            compared.insert(at);
        }
        if at == last {
            break;
        }
        watcher.hear().await;
    }
    assert_eq!(compared.len(), peeked.len(), "each was at a change");
    assert_eq!(watcher.in_flight(), []);
}

fn number(position: Position) -> u64 {
    position.life.expect("it is told as it happens").number
}

#[tokio::test]
async fn a_mirror_hears_also_of_what_is_no_notice() {
    let (place, depot) = (Place::new(), Depot::closed());
    let coordinator = place.coordinator(MemoryLog::new(), &depot).await;
    let mut watcher = place.watcher().await;
    let handle = coordinator.start(SellAtOnce { item: "hat".to_owned() }).await.expect("accepted");
    while !watcher.told.iter().any(|told| matches!(told.notice, Notice::SagaMoved { .. })) {
        watcher.hear().await;
    }
    let asks =
        |saga: &InFlight| saga.standing.waiting_for.as_ref().is_some_and(|what| what.contains("the fate of Ship"));
    assert!(watcher.mirror.saga(handle.id()).is_some_and(asks), "{:?}", watcher.in_flight());
    depot.unlock();
    let _ = handle.outcome().await;
    watcher.until_ended(1).await;
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_step_with_items_tells_which_one_it_is() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(MemoryLog::new(), &depot).await;
    let mut watcher = place.watcher().await;
    let _ = coordinator.start(some_and_a_bad_one()).await.expect("accepted").outcome().await;
    let _ = coordinator.start(sell("hat")).await.expect("accepted").outcome().await;
    watcher.until_ended(2).await;
    let asked = |name: &str, wanted: &str| {
        let notices = watcher.notices();
        let items = notices.into_iter().filter_map(|notice| match notice {
            Notice::StepStarted { name: of, step, item, mode, .. } if of == name && step == wanted => {
                Some((mode, item))
            }
            _ => None,
        });
        items.collect::<Vec<_>>()
    };
    let forward = |item| (Mode::Forward, Some(item));
    assert_eq!(asked("sell_all", "ship"), [0, 1, 2].map(forward));
    let reserved = asked("sell_all", "reserve");
    assert_eq!(reserved[..3], [0, 1, 2].map(forward));
    assert!(reserved[3..].iter().all(|(mode, _)| *mode == Mode::Compensation), "{reserved:?}");
    let undone: BTreeSet<_> = reserved[3..].iter().map(|(_, item)| *item).collect();
    assert_eq!(undone, [0, 1, 2].map(Some).into());
    assert_eq!(asked("sell", "ship"), [(Mode::Forward, None)], "it has no items");
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn what_is_said_after_the_end_is_told_with_the_name_of_its_step() {
    let (place, depot) = (Place::new(), Depot::closed());
    let coordinator = place.coordinator(MemoryLog::new(), &depot).await;
    let mut watcher = place.watcher().await;
    let handle = coordinator.start(SellQuickly { item: "hat".to_owned() }).await.expect("accepted");
    assert_eq!(handle.outcome().await.completed(), Some(false));
    depot.unlock();
    let late = loop {
        watcher.hear().await;
        if let Some(Notice::AnswerLate { what, .. }) = watcher.told.last().map(|told| &told.notice) {
            break what["late"].clone();
        }
    };
    assert_eq!((&late["step"], &late["answer"]), (&"ship".into(), &serde_json::json!({ "handled": ["Shipped"] })));
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn what_was_missed_is_told_again_as_it_was_told() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let mut watcher = place.watcher().await;
    play(&coordinator).await;
    watcher.until_ended(ENDS).await;
    let start = watcher.snapshots[0].position;
    for missed in 0..watcher.told.len() {
        let from = if missed == 0 { start } else { watcher.told[missed - 1].position };
        let again = place.watcher_from(from).await;
        assert_eq!(again.told, watcher.told[missed..], "from {from}");
        assert_eq!((&again.snapshots[0].missing, again.in_flight()), (&None, vec![]));
    }
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn what_was_missed_in_the_life_of_another_coordinator_is_read_off_the_log() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let mut watcher = place.watcher().await;
    play(&coordinator).await;
    watcher.until_ended(ENDS).await;
    coordinator.stop().await.expect("it stops");

    let coordinator = place.coordinator(place.log(), &depot).await;
    let start = watcher.snapshots[0].position;
    for missed in 0..watcher.told.len() {
        let from = if missed == 0 { start } else { watcher.told[missed - 1].position };
        let again = place.watcher_from(from).await;
        assert_eq!(again.notices(), notices(&watcher.told[missed..]), "from {from}");
        assert_eq!(again.snapshots[0].missing, None);
    }
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn what_is_no_longer_kept_is_read_off_the_log() {
    let (mut place, depot) = (Place::new(), Depot::open());
    place.options.notices_kept = 2;
    let coordinator = place.coordinator(MemoryLog::new(), &depot).await;
    let mut watcher = place.watcher().await;
    play(&coordinator).await;
    watcher.until_ended(ENDS).await;
    let again = place.watcher_from(watcher.snapshots[0].position).await;
    assert_eq!(again.notices(), watcher.notices());
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn before_anybody_watches_nothing_is_told_and_nothing_told_twice() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    coordinator.start(sell("hat")).await.expect("accepted").outcome().await;
    let position = place.watcher().await.snapshots[0].position;
    coordinator.stop().await.expect("it stops");
    let coordinator = place.coordinator(place.log(), &depot).await;
    assert_eq!(place.watcher_from(position).await.notices(), []);
    coordinator.start(sell("hat")).await.expect("accepted").outcome().await;
    let again = place.watcher_from(position).await;
    assert!(again.notices().iter().all(|notice| notice.saga() == SagaId::new(2)), "{:?}", again.notices());
    assert!(matches!(again.notices()[..], [Notice::SagaStarted { .. }, .., Notice::SagaCompleted { .. }]));
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_gap_is_told_with_its_reason() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(MemoryLog::new(), &depot).await;
    let position = place.watcher().await.snapshots[0].position;
    coordinator.stop().await.expect("it stops");
    let coordinator = place.coordinator(MemoryLog::new(), &depot).await;
    let again = place.watcher_from(position).await;
    let missing = again.snapshots[0].missing.clone().expect("it is another log");
    assert!(missing.contains("another log") && again.told.is_empty(), "{missing}");
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_record_that_is_gone_or_damaged_is_a_gap() {
    let (place, depot) = (Place::new(), Depot::open());
    let coordinator = place.coordinator(place.log(), &depot).await;
    let position = place.watcher().await.snapshots[0].position;
    coordinator.start(sell("hat")).await.expect("accepted").outcome().await;
    coordinator.stop().await.expect("it stops");
    for (harm, reason) in [
        ("DELETE FROM record WHERE position = 2", "record 2 is no longer in the log"),
        ("UPDATE record SET data = '{}' WHERE position = 3", "record 3 of saga 1 is damaged"),
    ] {
        let file = rusqlite::Connection::open(place.home.path().join("sagas.db")).expect("it is there");
        assert_eq!(file.execute(harm, []), Ok(1));
        drop(file);
        let coordinator = place.coordinator(place.log(), &depot).await;
        let again = place.watcher_from(position).await;
        let missing = again.snapshots[0].missing.clone().expect("not all can be told");
        assert!(missing.contains(reason), "{missing}");
        coordinator.stop().await.expect("it stops");
    }
}

#[tokio::test]
async fn an_ephemeral_saga_is_told_of_and_dies_with_its_coordinator() {
    let (place, depot) = (Place::new(), Depot::closed());
    let log = MemoryLog::new();
    let coordinator = place.coordinator(log.clone(), &depot).await;
    let mut watcher = place.watcher().await;
    let mut brackets = BracketBuffer::new();
    assert_eq!(brackets.snapshot(&watcher.snapshots[0]), []);
    let _ = coordinator.start(Borrow { item: "hat".to_owned() }).await.expect("accepted");
    watcher.hear().await;
    watcher.hear().await;
    assert!(matches!(watcher.in_flight()[..], [InFlight { ephemeral: true, .. }]));
    assert!(watcher.told.drain(..).all(|told| brackets.change(told).is_none()));
    coordinator.stop().await.expect("it stops");

    let coordinator = place.coordinator(log.reopen(), &depot).await;
    let void = brackets.snapshot(watcher.until_snapshot().await);
    assert_eq!(void.iter().map(|bracket| bracket.is_whole).collect::<Vec<_>>(), [false]);
    assert_eq!((watcher.in_flight(), brackets.open().count()), (vec![], 0));
    coordinator.stop().await.expect("it stops");
}

#[tokio::test]
async fn every_bracket_comes_once_and_whole_through_restarts() {
    let (place, depot) = (Place::new(), Depot::open());
    let (mut brackets, mut closed) = (BracketBuffer::new(), Vec::<Bracket>::new());
    let mut heard = 0;
    let mut coordinator = place.coordinator(place.log(), &depot).await;
    brackets.snapshot(&place.watcher().await.snapshots[0]);
    for round in 1..=4 {
        play(&coordinator).await;
        if round % 2 == 0 {
            coordinator.stop().await.expect("it stops");
            coordinator = place.coordinator(place.log(), &depot).await;
        }
        let watcher = place.watcher_from(brackets.position().expect("it has begun")).await;
        heard += watcher.told.len();
        let units = watcher.told.into_iter().filter_map(|told| brackets.change(told));
        closed.extend(units.filter_map(|unit| match unit {
            Unit::Bracket(bracket) => Some(bracket),
            Unit::Notice(_) => None,
        }));
        assert_eq!(brackets.snapshot(&watcher.snapshots[0]), []);
    }
    // Those that another one runs come with that one.
    let mut sagas: Vec<_> = closed.iter().map(|bracket| bracket.saga.get()).collect();
    sagas.sort_unstable();
    sagas.dedup();
    assert_eq!((sagas.len(), closed.len()), (FAMILIES * 4, FAMILIES * 4));
    assert!(closed.iter().all(|bracket| bracket.is_whole));
    let ends = closed.iter().flat_map(|bracket| &bracket.notices).filter(|notice| notice.is_end()).count();
    assert_eq!(ends, ENDS * 4);
    assert!(heard > ENDS * 4);
    coordinator.stop().await.expect("it stops");
}
