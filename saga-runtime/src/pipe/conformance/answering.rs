//! How commands are done and answered.

use super::bus::{Command, Event};
use super::promises;
use super::stand::{Stand, done, handled, key, refused, text, work};
use crate::bus::Report;
use crate::message::{Answer, Memory};

promises! {
    a_command_is_done_and_answered,
    events_come_in_the_order_in_which_they_were_emitted,
    an_event_of_its_own_accord_is_a_message_of_its_own,
    a_handled_command_is_not_done_again,
    a_refusal_says_that_nothing_was_done,
    a_refused_command_is_done_at_a_later_attempt,
    a_broken_command_is_begun_anew_at_a_later_attempt,
    each_attempt_of_a_query_is_answered,
    a_command_that_runs_is_not_begun_again,
    a_slow_command_holds_up_no_other_saga,
    one_sagas_commands_are_done_in_order,
    a_deferred_answer_holds_up_nothing,
    many_commands_are_each_done_once,
}

async fn a_command_is_done_and_answered(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    assert_eq!(coordinator.done(key(1, 0), work("a")).await, [done("a", 1)]);
    assert_eq!(coordinator.done(key(2, 0), work("ä \"\\\n\u{1f980}")).await, [done("ä \"\\\n\u{1f980}", 2)]);
    assert_eq!(coordinator.runs().await, 2);
}

async fn events_come_in_the_order_in_which_they_were_emitted(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    let events = coordinator.done(key(1, 0), Command::Recite { label: text("a") }).await;
    assert_eq!(events, [Event::Announced { label: text("a") }, done("a", 1)]);
}

async fn an_event_of_its_own_accord_is_a_message_of_its_own(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::Announce { label: text("a") });
    let mut reports = [coordinator.hear().await, coordinator.hear().await];
    reports.sort_by_key(|report| matches!(report, Report::Answered { .. }));
    let [published, answered] = reports;
    assert_eq!(published, Report::Published(Event::Announced { label: text("a") }));
    assert_eq!(answered, handled(key(1, 0), 1, vec![done("a", 1)]));
}

/// Whatever attempt of it comes: the answer is the recorded one, and names the latest attempt.
async fn a_handled_command_is_not_done_again(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    for (attempt, latest) in [(1, 1), (1, 1), (3, 3), (2, 3), (3, 3)] {
        coordinator.ask(key(1, 0), attempt, work("a"));
        assert_eq!(coordinator.hear().await, handled(key(1, 0), latest, vec![done("a", 1)]));
    }
    assert_eq!(coordinator.runs().await, 1);
}

async fn a_refusal_says_that_nothing_was_done(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::WorkLater { label: text("a") });
    assert_eq!(coordinator.hear().await, refused(key(1, 0), 1));
    assert_eq!(coordinator.runs().await, 0);
}

async fn a_refused_command_is_done_at_a_later_attempt(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    let later = || Command::WorkLater { label: text("a") };
    for _ in 0..2 {
        coordinator.ask(key(1, 0), 1, later());
        assert_eq!(coordinator.hear().await, refused(key(1, 0), 1));
    }
    for attempt in 2..=3 {
        coordinator.ask(key(1, 0), attempt, later());
        assert_eq!(coordinator.hear().await, handled(key(1, 0), attempt, vec![done("a", 1)]));
    }
    assert_eq!(coordinator.runs().await, 1);
}

async fn a_broken_command_is_begun_anew_at_a_later_attempt(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    for attempt in [1, 1, 2] {
        coordinator.ask(key(1, 0), attempt, Command::Break { label: text("a") });
        match coordinator.hear().await {
            Report::Answered { key: answered, attempt: latest, answer: Answer::Broken(_) } => {
                assert_eq!((answered, latest), (key(1, 0), attempt));
            }
            other => panic!("`Break` was answered with {other:?}"),
        }
    }
}

async fn each_attempt_of_a_query_is_answered(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.done(key(1, 0), work("a")).await;
    for attempt in 1..=3 {
        coordinator.ask(key(1, 1), attempt, Command::Look { label: text("b") });
        let seen = Event::Seen { label: text("b"), runs: 1 };
        assert_eq!(coordinator.hear().await, handled(key(1, 1), attempt, vec![seen]));
    }
}

/// The one answer names the latest attempt.
async fn a_command_that_runs_is_not_begun_again(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    for attempt in [1, 1, 2] {
        coordinator.ask(key(1, 0), attempt, Command::Defer { label: text("a") });
    }
    coordinator.until_it_ran(1).await;
    coordinator.ask(key(2, 0), 1, Command::Release { label: text("a") });
    let reports = [coordinator.hear().await, coordinator.hear().await];
    assert!(reports.contains(&handled(key(1, 0), 2, vec![done("a", 1)])), "{reports:?}");
    assert!(reports.contains(&handled(key(2, 0), 1, vec![done("a", 2)])), "{reports:?}");
    assert_eq!(coordinator.runs().await, 2);
}

/// But for a memory in whose transactions only one command is done at a time.
async fn a_slow_command_holds_up_no_other_saga(stand: &mut Stand) {
    let one_at_a_time = stand.memory == Memory::Transactional;
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::WorkSlowly { label: text("slow"), milliseconds: 1000 });
    coordinator.ask(key(2, 0), 1, work("quick"));
    let answered = |report| match report {
        Report::Answered { key, .. } => key,
        other => panic!("nobody asked for this: {other:?}"),
    };
    let mut order = [answered(coordinator.hear().await), answered(coordinator.hear().await)];
    if one_at_a_time {
        order.sort_by_key(|key| std::cmp::Reverse(key.saga));
    }
    assert_eq!(order, [key(2, 0), key(1, 0)]);
}

async fn one_sagas_commands_are_done_in_order(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::WorkSlowly { label: text("0"), milliseconds: 100 });
    (1..=4).for_each(|step| coordinator.ask(key(1, step), 1, work(&step.to_string())));
    for step in 0..=4 {
        let events = vec![done(&step.to_string(), u64::from(step) + 1)];
        assert_eq!(coordinator.hear().await, handled(key(1, step), 1, events));
    }
}

/// Not even a command of the same saga.
async fn a_deferred_answer_holds_up_nothing(stand: &mut Stand) {
    let coordinator = stand.converse().await;
    coordinator.ask(key(1, 0), 1, Command::Defer { label: text("a") });
    assert_eq!(coordinator.done(key(1, 1), work("b")).await, [done("b", 2)]);
    assert_eq!(coordinator.done(key(2, 0), work("c")).await, [done("c", 3)]);
    coordinator.ask(key(1, 2), 1, Command::Release { label: text("a") });
    let reports = [coordinator.hear().await, coordinator.hear().await];
    assert!(reports.contains(&handled(key(1, 0), 1, vec![done("a", 1)])), "{reports:?}");
}

async fn many_commands_are_each_done_once(stand: &mut Stand) {
    const SAGAS: u64 = 10;
    const STEPS: u16 = 50;
    let coordinator = stand.converse().await;
    for step in 0..STEPS {
        (1..=SAGAS).for_each(|saga| coordinator.ask(key(saga, step), 1, work("a")));
    }
    let mut next = vec![0; usize::try_from(SAGAS).expect("few") + 1];
    for _ in 0..SAGAS * u64::from(STEPS) {
        let Report::Answered { key: answered, attempt: 1, answer: Answer::Handled(_) } = coordinator.hear().await
        else {
            panic!("only answers were asked for")
        };
        let next = &mut next[usize::try_from(answered.saga.get()).expect("few")];
        assert_eq!(answered.at.step, *next, "saga {} is answered in order", answered.saga);
        *next += 1;
    }
    assert_eq!(coordinator.runs().await, SAGAS * u64::from(STEPS));
}
