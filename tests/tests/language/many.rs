//! Several sagas in one machine: what moves one of them moves no other.

use std::time::Duration;

use saga_runtime::bus::Report;
use saga_runtime::machine::{Decision, Input, NewSaga};
use saga_runtime::message::{Answer, At, ExchangeKey, SagaId};
use saga_runtime::prelude::*;

use super::bus::Event;
use super::bus::*;
use super::examples::{AgentMux, Event as MuxEvent, PoolRespawnOnPromote};
use super::stage::{LOG, Stage};

fn promoted(label: &str) -> Input<AgentMux> {
    Input::Publish { event: MuxEvent::PoolWindowPromoted { label: label.to_owned() }, token: 0 }
}

fn added(label: &str) -> MuxEvent {
    MuxEvent::PoolWindowAdded { label: label.to_owned() }
}

fn window(label: &str) -> Outcome<String> {
    Outcome::Completed(format!("{label:?}"))
}

/// Rule: end.isolation
/// Rule: steps.await.own-reply
/// Rule: start.concurrency.allow
#[test]
fn two_promotes_in_flight_are_two_sagas_each_completed_by_its_own_window() {
    let mut stage = Stage::new::<PoolRespawnOnPromote>();
    stage.connect();
    stage.tell(promoted("w1"));
    stage.tell(promoted("w2"));
    let (first, second) = (SagaId::FIRST, SagaId::FIRST.next());
    assert_eq!(stage.machine.len(), 2);

    stage.tell(Input::Publish { event: added("of the host alone"), token: 0 });
    assert_eq!((stage.machine.len(), stage.ends()), (2, vec![]), "it completes neither");

    stage.answer(second, 0, 1, Answer::Handled(vec![added("w4")]));
    assert_eq!(stage.ends(), [(second, window("w4"))]);
    stage.answer(first, 0, 1, Answer::Handled(vec![added("w3")]));
    assert_eq!(stage.ends(), [(second, window("w4")), (first, window("w3"))]);
    assert!(stage.machine.is_empty());
}

/// Rule: end.isolation
#[test]
fn one_saga_that_fails_leaves_the_other() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let (first, second) = (stage.start(trip()), stage.start(trip()));
    stage.answer(first, 0, 1, Answer::Refused(Refusal::Closed));
    assert_eq!(stage.ends().len(), 1);
    stage.answer(second, 0, 1, Answer::Handled(vec![charged()]));
    assert_eq!(stage.step(second), "book");
}

/// Rule: bus.own-only
#[test]
fn nobody_answers_for_another_participant() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let saga = stage.start(trip());
    let key = ExchangeKey { log: LOG, saga, at: At::step(0) };
    let report = Report::Answered { key, attempt: 1, answer: Answer::Handled(vec![charged()]) };
    stage.tell(Input::Report { participant: "hotel", report });
    assert_eq!(stage.step(saga), "charge");
    assert!(matches!(stage.decisions.last(), Some(Decision::Late { participant: "hotel", .. })), "but it is shown");
}

/// Rule: attempts.handler-panics
#[test]
fn a_handler_that_breaks_its_contract_makes_its_own_saga_stuck() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let (first, second) = (stage.start(trip()), stage.start(trip()));
    stage.answer(first, 0, 1, Answer::Broken("the handler panicked: out of ink".to_owned()));
    assert!(stage.is_stuck(first) && !stage.is_stuck(second));
    let reason = stage.machine.standing(first).and_then(|standing| standing.reason).unwrap_or_default();
    assert!(reason.contains("out of ink"), "{reason}");
}

/// Rule: steps.await.events-in-order
#[test]
fn events_are_tried_in_the_order_emitted() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let saga = stage.start(trip());
    let events = vec![booked(), Event::Charged { receipt: 1 }, Event::Charged { receipt: 2 }];
    stage.answer(saga, 0, 1, Answer::Handled(events));
    stage.answer(saga, 1, 1, Answer::Handled(vec![booked()]));
    stage.answer(saga, 2, 1, Answer::Handled(vec![]));
    assert_eq!(stage.ends(), [(saga, Outcome::Completed(r#"[1,"12"]"#.to_owned()))]);
}

/// Rule: attempts.handled-any
#[test]
fn handled_counts_from_an_older_attempt() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let saga = stage.start(trip());
    stage.answer(saga, 0, 1, Answer::Handled(vec![charged()]));
    stage.advance(Duration::from_millis(10_100));
    stage.answer(saga, 1, 1, Answer::Handled(vec![booked()]));
    assert_eq!(stage.step(saga), "fly");
}

saga! {
    saga Ring(night: u32) on Travel {
        concurrency allow;
        deadline 1h;
        step ring {
            send RingBell;
            compensate none because "it has rung";
        }
    }
}

/// Rule: steps.disconnected.after-restart
#[test]
fn after_a_restart_nobody_is_away_before_five_seconds() {
    let mut stage = Stage::new::<Ring>();
    stage.connect();
    stage.start(Ring { night: 3 });
    stage.restart();
    stage.advance(Duration::from_millis(4_999));
    assert_eq!(stage.ends(), []);
    stage.advance(Duration::from_millis(1));
    let kinds: Vec<_> = stage.ends().into_iter().map(|(_, end)| end).collect();
    assert!(
        matches!(&kinds[..], [Outcome::Compensated(cause)] if cause.kind() == CauseKind::Disconnected),
        "{kinds:?}"
    );
}

/// Rule: time.answers-win
#[test]
fn after_a_restart_answers_that_are_there_win_over_deadlines_that_passed() {
    let mut stage = Stage::new::<Ring>();
    stage.connect();
    let saga = stage.start(Ring { night: 3 });
    stage.now = stage.now.after(Duration::from_secs(2 * 3600));
    stage.restart();
    stage.tell(Input::Tick);
    stage.tell(Input::Connected { participant: "hotel", resumed: true });
    stage.answer(saga, 0, 1, Answer::Handled(vec![]));
    stage.tell(Input::CaughtUp { participant: "hotel" });
    stage.tell(Input::Tick);
    assert_eq!(stage.ends(), [(saga, Outcome::Completed("null".to_owned()))]);
}

#[test]
fn after_a_restart_deadlines_that_passed_fire_when_everybody_has_been_heard() {
    let mut stage = Stage::new::<Ring>();
    stage.connect();
    stage.start(Ring { night: 3 });
    stage.now = stage.now.after(Duration::from_secs(2 * 3600));
    stage.restart();
    stage.connect();
    stage.advance(Duration::ZERO);
    assert!(matches!(&stage.ends()[..], [(_, Outcome::Compensated(cause))] if cause.kind() == CauseKind::Deadline));
}

/// Rule: attempts.same-bytes
#[test]
fn a_participant_that_begins_anew_gets_what_is_unanswered_again() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let saga = stage.start(trip());
    let key = ExchangeKey { log: LOG, saga, at: At::step(0) };
    stage.begin_anew("bank");
    assert!(matches!(stage.decisions[..], [Decision::Deliver { key: again, attempt: 1, .. }] if again == key));
}

#[test]
fn a_participant_that_begins_anew_is_asked_for_fates_again() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let saga = stage.start(trip());
    let key = ExchangeKey { log: LOG, saga, at: At::step(0) };
    stage.tell(Input::Cancel { saga, by: None, token: 0 });
    let asked_again =
        |stage: &Stage<Travel>| matches!(stage.decisions[..], [Decision::Ask { key: again, .. }] if again == key);
    stage.begin_anew("bank");
    assert!(asked_again(&stage));
    let report = Report::Fate { key, fate: Fate::Running };
    stage.tell(Input::Report { participant: "bank", report });
    stage.advance(Duration::from_secs(1));
    stage.begin_anew("bank");
    assert!(asked_again(&stage), "after *running* too");
}

/// Rule: start.same-key
#[test]
fn the_same_key_is_the_same_saga() {
    let mut stage = Stage::new::<Trip>();
    stage.connect();
    let start = || Input::Start { saga: NewSaga::of(trip()), key: Some("order-17".to_owned()), token: 0 };
    stage.tell(start());
    stage.tell(start());
    assert_eq!(stage.machine.len(), 1);
}
