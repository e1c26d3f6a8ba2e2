//! What is said of the fate of a key, what is barred by it, and what may be forgotten.

use super::bus::{Command, Event};
use super::promises;
use super::stand::{Stand, done, handled, key, refused, text, work};
use crate::bus::{Horizon, Report};
use crate::message::{ExchangeKey, Fate, LogId, Memory, SagaId};

promises! {
    what_was_never_begun_is_barred,
    what_was_done_is_told_with_its_events,
    what_runs_is_told_to_run,
    what_was_refused_is_barred,
    what_broke_is_unknown_and_barred,
    what_waits_for_its_turn_is_barred,
    what_is_behind_the_horizon_has_expired,
    what_is_open_behind_the_lowest_is_remembered,
    a_horizon_is_that_of_one_log,
}

async fn what_was_never_begun_is_barred(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Never);
    for attempt in 1..=2 {
        coordinator.ask(key(1, 0), attempt, work("late"));
        assert_eq!(coordinator.runs().await, 0, "a late command of a barred key is not done, and not answered");
    }
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Never);
}

async fn what_was_done_is_told_with_its_events(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.done(key(1, 0), Command::Recite { label: text("a") }).await;
    for _ in 0..2 {
        let events = vec![Event::Announced { label: text("a") }, done("a", 1)];
        assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Done(events));
    }
    coordinator.ask(key(1, 0), 2, Command::Recite { label: text("a") });
    let events = vec![Event::Announced { label: text("a") }, done("a", 1)];
    assert_eq!(coordinator.hear().await, handled(key(1, 0), 2, events), "it is not barred by the question");
}

async fn what_runs_is_told_to_run(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::Defer { label: text("a") });
    coordinator.until_it_ran(1).await;
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Running);
    coordinator.ask(key(2, 0), 1, Command::Release { label: text("a") });
    let reports = [coordinator.hear().await, coordinator.hear().await];
    assert!(reports.contains(&handled(key(1, 0), 1, vec![done("a", 1)])), "{reports:?}");
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Done(vec![done("a", 1)]));
}

async fn what_was_refused_is_barred(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::WorkLater { label: text("a") });
    assert_eq!(coordinator.hear().await, refused(key(1, 0), 1));
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Never);
    coordinator.ask(key(1, 0), 2, Command::WorkLater { label: text("a") });
    assert_eq!(coordinator.runs().await, 0);
}

/// Unless it was undone: then nothing was done.
async fn what_broke_is_unknown_and_barred(stand: &mut Stand) {
    let fate = if stand.memory == Memory::Transactional { Fate::Never } else { Fate::Unknown };
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::Break { label: text("a") });
    coordinator.hear().await;
    assert_eq!(coordinator.fate(key(1, 0)).await, fate);
    coordinator.ask(key(1, 0), 2, Command::Break { label: text("a") });
    assert_eq!(coordinator.runs().await, 0, "a late command of a barred key is not answered");
    assert_eq!(coordinator.fate(key(1, 0)).await, fate);
}

async fn what_waits_for_its_turn_is_barred(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::WorkSlowly { label: text("a"), milliseconds: 300 });
    coordinator.ask(key(1, 1), 1, work("b"));
    coordinator.settle(key(1, 1));
    // The fate may have to wait until it is durable.
    let reports = [coordinator.hear().await, coordinator.hear().await];
    assert!(reports.contains(&Report::Fate { key: key(1, 1), fate: Fate::Never }), "{reports:?}");
    assert!(reports.contains(&handled(key(1, 0), 1, vec![done("a", 1)])), "{reports:?}");
    assert_eq!(coordinator.done(key(1, 2), work("c")).await, [done("c", 2)], "the second one is not done");
}

/// Neither done nor answered, whether it was known before or not.
async fn what_is_behind_the_horizon_has_expired(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.done(key(1, 0), work("a")).await;
    coordinator.horizon = Horizon { lowest: saga(5), older: Vec::new() };
    coordinator.done(key(5, 0), work("b")).await;
    for stale in [key(1, 0), key(4, 0)] {
        coordinator.ask(stale, 2, work("c"));
        coordinator.settle(stale);
    }
    assert_eq!(coordinator.runs().await, 2);
    assert_eq!(coordinator.done(key(6, 0), work("d")).await, [done("d", 3)]);
}

async fn what_is_open_behind_the_lowest_is_remembered(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    for saga in 1..=3 {
        coordinator.done(key(saga, 0), work("a")).await;
    }
    coordinator.horizon = Horizon { lowest: saga(9), older: vec![saga(2), saga(7)] };
    coordinator.ask(key(2, 0), 2, work("a"));
    assert_eq!(coordinator.hear().await, handled(key(2, 0), 2, vec![done("a", 2)]));
    assert_eq!(coordinator.fate(key(7, 0)).await, Fate::Never);
    coordinator.ask(key(3, 0), 2, work("a"));
    assert_eq!(coordinator.runs().await, 3);
}

async fn a_horizon_is_that_of_one_log(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    let elsewhere = ExchangeKey { log: LogId::from_bits(0x1e55), ..key(1, 0) };
    coordinator.done(elsewhere, work("a")).await;
    coordinator.horizon = Horizon { lowest: saga(9), older: Vec::new() };
    coordinator.done(key(9, 0), work("b")).await;
    coordinator.horizon = Horizon::ALL;
    coordinator.ask(elsewhere, 2, work("a"));
    assert_eq!(coordinator.hear().await, handled(elsewhere, 2, vec![done("a", 1)]));
    assert_eq!(coordinator.done(ExchangeKey { saga: saga(2), ..elsewhere }, work("c")).await, [done("c", 3)]);
}

fn saga(number: u64) -> SagaId {
    SagaId::new(number).expect("checks count from 1")
}
