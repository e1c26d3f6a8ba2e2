//! What outlives a connection, a coordinator, and a participant's process.

use super::bus::Command;
use super::cutting::Budget;
use super::promises;
use super::stand::{Coordinator, Stand, WORKER, done, handled, key, text, work};
use crate::bus::Report;
use crate::log::ReceivedRow;
use crate::message::{Answer, Fate, Memory};

promises! {
    a_participant_waits_for_its_coordinator,
    nothing_is_lost_or_doubled_wherever_the_connection_breaks,
    nothing_is_lost_or_doubled_when_the_introduction_breaks,
    another_coordinator_gets_what_is_not_recorded,
    a_coordinator_that_lost_its_log_is_spoken_to,
    a_command_outlives_the_coordinator_that_sent_it,
    another_life_has_another_session,
    another_life_remembers_what_outlives_it,
    what_was_left_for_later_outlives_a_life_that_remembers,
}

async fn a_participant_waits_for_its_coordinator(stand: &mut Stand) {
    let nobody = stand.listen();
    for _ in 0..3 {
        // Hung up without a word.
        drop(nobody.hello().await);
    }
    drop(nobody);
    let coordinator = stand.restart_coordinator(Vec::new()).await;
    coordinator.connected().await;
    assert_eq!(coordinator.done(key(1, 0), work("a")).await, [done("a", 1)]);
}

async fn nothing_is_lost_or_doubled_wherever_the_connection_breaks(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    let places = || (0..600).step_by(23);
    let reads = places().map(|read| Budget { read, ..Budget::ENDLESS });
    let writes = places().map(|written| Budget { written, ..Budget::ENDLESS });
    let mut rounds = 0;
    for budget in reads.chain(writes) {
        coordinator.cutter.cut_after(budget);
        three_are_done_once(coordinator, rounds * 3).await;
        rounds += 1;
    }
    assert_eq!(coordinator.runs().await, rounds * 3);
    assert!(coordinator.resumed > 20, "only {} connections broke", coordinator.resumed);
}

async fn nothing_is_lost_or_doubled_when_the_introduction_breaks(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    let reads = [1, 90, 250].map(|read| Budget { read, ..Budget::ENDLESS });
    let writes = [1, 90, 180].map(|written| Budget { written, ..Budget::ENDLESS });
    let mut rounds = 0;
    for budget in reads.into_iter().chain(writes) {
        coordinator.cutter.cut_next_after(budget);
        coordinator.cutter.cut_after(Budget::NONE);
        three_are_done_once(coordinator, rounds * 3).await;
        rounds += 1;
    }
    assert_eq!(coordinator.runs().await, rounds * 3);
}

async fn three_are_done_once(coordinator: &mut Coordinator, before: u64) {
    let keys = [before + 1, before + 2, before + 3].map(|saga| key(saga, 0));
    keys.iter().for_each(|key| coordinator.ask(*key, 1, work("a")));
    let mut left = keys.to_vec();
    while !left.is_empty() {
        let report = coordinator.hear().await;
        let Report::Answered { key: answered, attempt: 1, answer: Answer::Handled(_) } = report else {
            panic!("only answers were asked for, and this came: {report:?}")
        };
        let place = left.iter().position(|key| *key == answered);
        left.remove(place.unwrap_or_else(|| panic!("{answered} was answered twice")));
    }
}

async fn another_coordinator_gets_what_is_not_recorded(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.done(key(1, 0), work("a")).await;
    coordinator.ask(key(1, 1), 1, work("b"));
    let (session, number, report) = coordinator.hear_only().await;
    assert_eq!(report, handled(key(1, 1), 1, vec![done("b", 2)]));
    let recorded = ReceivedRow { participant: WORKER.to_owned(), session: session.clone(), number: number - 1 };
    let coordinator = stand.restart_coordinator(vec![recorded]).await;
    assert_eq!(coordinator.connected().await, (session, false));
    assert_eq!(coordinator.hear_only().await.1, number, "it is said again, under its number");
    coordinator.record(number);
    coordinator.ask(key(1, 1), 1, work("b"));
    assert_eq!(coordinator.hear().await, report, "what was done is answered from memory");
    assert_eq!(coordinator.runs().await, 2);
}

async fn a_coordinator_that_lost_its_log_is_spoken_to(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.done(key(1, 0), work("a")).await;
    assert_eq!(coordinator.runs().await, 1);
    let coordinator = stand.restart_coordinator(Vec::new()).await;
    assert!(!coordinator.connected().await.1);
    coordinator.ask(key(2, 0), 1, work("b"));
    coordinator.hear_until(&handled(key(2, 0), 1, vec![done("b", 2)])).await;
}

async fn a_command_outlives_the_coordinator_that_sent_it(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::Defer { label: text("a") });
    coordinator.until_it_ran(1).await;
    let coordinator = stand.restart_coordinator(Vec::new()).await;
    coordinator.connected().await;
    coordinator.ask(key(1, 0), 1, Command::Defer { label: text("a") });
    coordinator.ask(key(2, 0), 1, Command::Release { label: text("a") });
    coordinator.hear_until(&handled(key(1, 0), 1, vec![done("a", 1)])).await;
    coordinator.ask(key(3, 0), 1, work("b"));
    coordinator.hear_until(&handled(key(3, 0), 1, vec![done("b", 3)])).await;
}

async fn another_life_has_another_session(stand: &mut Stand) {
    stand.converse().await.done(key(1, 0), work("a")).await;
    let coordinator = another_life(stand).await;
    coordinator.done(key(2, 0), work("b")).await;
}

async fn another_life_remembers_what_outlives_it(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.done(key(1, 0), work("a")).await;
    assert_eq!(coordinator.fate(key(2, 0)).await, Fate::Never);
    let memory = stand.memory;
    let coordinator = another_life(stand).await;
    if memory != Memory::Transactional {
        let fate = coordinator.fate(key(1, 0)).await;
        assert_eq!(fate, if memory == Memory::None { Fate::Unknown } else { Fate::Never }, "its effects died with it");
        assert_eq!(coordinator.done(key(3, 0), work("b")).await, [done("b", 1)]);
        return;
    }
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Done(vec![done("a", 1)]));
    coordinator.ask(key(1, 0), 2, work("a"));
    assert_eq!(coordinator.hear().await, handled(key(1, 0), 2, vec![done("a", 1)]));
    coordinator.ask(key(2, 0), 1, work("late"));
    assert_eq!(coordinator.runs().await, 1, "what was barred stays barred");
    assert_eq!(coordinator.done(key(3, 0), work("b")).await, [done("b", 2)]);
}

async fn what_was_left_for_later_outlives_a_life_that_remembers(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::Defer { label: text("a") });
    coordinator.until_it_ran(1).await;
    let memory = stand.memory;
    let coordinator = another_life(stand).await;
    coordinator.ask(key(1, 0), 1, Command::Defer { label: text("a") });
    coordinator.until_it_ran(1).await;
    assert_eq!(coordinator.fate(key(1, 0)).await, Fate::Running);
    coordinator.ask(key(2, 0), 1, Command::Release { label: text("a") });
    let reports = [coordinator.hear().await, coordinator.hear().await];
    assert!(reports.contains(&handled(key(1, 0), 1, vec![done("a", 1)])), "{memory:?}: {reports:?}");
    assert_eq!(coordinator.runs().await, 2, "{memory:?}: it is done once, and released once");
}

async fn another_life(stand: &mut Stand) -> &mut Coordinator {
    stand.end();
    stand.coordinator().disconnected().await;
    stand.start();
    let coordinator = stand.coordinator();
    assert!(!coordinator.connected().await.1, "another life has another session");
    coordinator
}
