//! What nobody wants any more is not delivered to a participant that comes back.

use saga_runtime::coordinator::Options;
use saga_runtime::prelude::*;
use serde_json::{Value, json};

use super::guest::{Guest, message};
use super::yard::{Carry, Hurry, Open, Ring, RingAndHush, soon};

/// The next message is this command.
async fn commanded(porter: &mut Guest, number: u64, command: Value) -> Value {
    let (came, name, content) = porter.message().await;
    assert_eq!((came, name.as_str(), &content["command"]), (number, "command", &command), "{content}");
    content["key"].clone()
}

/// In the place of a command there is nothing to do.
async fn withdrawn(porter: &mut Guest, number: u64, key: &Value) {
    assert_eq!(porter.message().await, (number, "withdrawn".to_owned(), json!({"key": key})));
}

/// What is sent now is the next message: nothing was left of what was sent before.
async fn carries(open: &mut Open, porter: &mut Guest, number: u64) {
    let carry = open.coordinator.start(Carry { bytes: 1 }).await.expect("it is accepted");
    let key = commanded(porter, number, json!({"Carry": {"load": "x"}})).await;
    let answer = json!({"answered": {"key": key, "attempt": 1, "answer": {"handled": ["Carried"]}}});
    porter.say(&json!({"ack": number})).await;
    porter.say(&message(1, &answer)).await;
    assert_eq!(soon(carry.outcome()).await, Outcome::Completed(()));
}

fn why<T: std::fmt::Debug>(outcome: Outcome<T>) -> CauseKind {
    match outcome {
        Outcome::Compensated(cause) => cause.kind(),
        other => panic!("compensated, not {other:?}"),
    }
}

#[tokio::test]
async fn a_live_only_command_is_not_sent_to_whoever_comes_later() {
    let mut open = Open::new(Options::default()).await;
    let ring = open.coordinator.start(Ring { times: 1 }).await.expect("it is accepted");
    assert_eq!(why(soon(ring.outcome()).await), CauseKind::Disconnected);
    let mut porter = open.porter().await;
    carries(&mut open, &mut porter, 1).await;
}

#[tokio::test]
async fn a_live_only_command_that_was_on_its_way_is_not_sent_again() {
    let mut open = Open::new(Options::default()).await;
    let mut porter = open.porter().await;
    let ring = open.coordinator.start(Ring { times: 1 }).await.expect("it is accepted");
    let key = commanded(&mut porter, 1, json!("Ring")).await;
    porter.leave();
    assert_eq!(why(soon(ring.outcome()).await), CauseKind::Disconnected);
    let mut porter = open.porter_again(&porter, 0).await;
    withdrawn(&mut porter, 1, &key).await;
    carries(&mut open, &mut porter, 2).await;
}

#[tokio::test]
async fn a_live_only_command_is_asked_about_and_not_sent_again() {
    let mut open = Open::new(Options::default()).await;
    let mut porter = open.porter().await;
    let ring = open.coordinator.start(RingAndHush { times: 1 }).await.expect("it is accepted");
    let key = commanded(&mut porter, 1, json!("Ring")).await;
    porter.leave();
    open.left().await;
    open.notice(|notice| matches!(notice, Notice::SagaCompensating { .. }).then_some(())).await;
    let mut porter = open.porter_again(&porter, 0).await;
    withdrawn(&mut porter, 1, &key).await;
    let (number, name, content) = porter.message().await;
    assert_eq!((number, name.as_str(), &content["key"]), (2, "settle", &key));
    porter.say(&message(1, &json!({"fate": {"key": key, "fate": "never"}}))).await;
    assert_eq!(why(soon(ring.outcome()).await), CauseKind::Disconnected);
}

#[tokio::test]
async fn what_an_ended_saga_sent_is_not_delivered_when_its_participant_is_back() {
    let mut open = Open::new(Options::default()).await;
    let mut porter = open.porter().await;
    let on_its_way = open.coordinator.start(Hurry { bytes: 2 }).await.expect("it is accepted");
    let key = commanded(&mut porter, 1, json!({"Carry": {"load": "xx"}})).await;
    porter.leave();
    open.left().await;
    let waiting = open.coordinator.start(Hurry { bytes: 3 }).await.expect("it is accepted");
    for hurry in [on_its_way, waiting] {
        assert_eq!(why(soon(hurry.outcome()).await), CauseKind::Deadline);
    }
    let mut porter = open.porter_again(&porter, 0).await;
    withdrawn(&mut porter, 1, &key).await;
    carries(&mut open, &mut porter, 2).await;
}

#[tokio::test]
async fn what_an_open_saga_sent_is_delivered_when_its_participant_is_back() {
    let mut open = Open::new(Options::default()).await;
    let mut porter = open.porter().await;
    let _carry = open.coordinator.start(Carry { bytes: 2 }).await.expect("it is accepted");
    commanded(&mut porter, 1, json!({"Carry": {"load": "xx"}})).await;
    porter.leave();
    open.left().await;
    let mut porter = open.porter_again(&porter, 0).await;
    commanded(&mut porter, 1, json!({"Carry": {"load": "xx"}})).await;
}
