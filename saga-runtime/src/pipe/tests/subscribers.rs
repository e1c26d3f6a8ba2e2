//! Subscribers: everything once, then every change, and a new beginning rather than a gap.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::broadcast;

use super::bus::Shop;
use super::ends::{Desk, Stranger, hello, place, quick, soon};
use crate::pipe::frame::ErrorCode;
use crate::pipe::{ClientError, PipeEvent, PipeOptions, Subscriber, SubscriberEvent, Subscription};

/// Answers the next request with this snapshot; gives where the changes go.
async fn admit(desk: &mut Desk, snapshot: &str, capacity: usize) -> broadcast::Sender<Arc<str>> {
    let request = soon(desk.lines.subscribers.recv()).await.expect("a request");
    assert_eq!(request.name, "window");
    let (sender, changes) = broadcast::channel(capacity);
    request.reply.send(Subscription { snapshot: snapshot.to_owned(), changes }).expect("the subscriber waits");
    sender
}

async fn next(subscriber: &mut Subscriber) -> SubscriberEvent {
    soon(subscriber.next()).await.expect("something").expect("no error")
}

async fn raw_subscriber(desk: &Desk, endpoint: &crate::pipe::Endpoint) -> Stranger {
    assert!(!desk.lines.subscribers.is_closed());
    let mut stranger = Stranger::enter(endpoint).await;
    stranger
        .say(&json!({"hello": {"protocol": 1, "role": "subscriber", "participant": "window", "session": "life",
        "max_frame": 1_048_576}}))
        .await;
    stranger
}

#[tokio::test]
async fn a_subscriber_gets_the_snapshot_and_then_the_changes() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut subscriber = Subscriber::connect(&endpoint, "window", quick());
    let changes = admit(&mut desk, "{\"sagas\": []}", 8).await;
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Snapshot(json!({"sagas": []})));
    for number in 1..=3 {
        changes.send(format!("{{\"change\":{number}}}").into()).expect("somebody listens");
        assert_eq!(next(&mut subscriber).await, SubscriberEvent::Change(json!({"change": number})));
    }
}

#[tokio::test]
async fn a_subscriber_begins_anew_when_the_coordinator_is_back() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut subscriber = Subscriber::connect(&endpoint, "window", quick());
    let changes = admit(&mut desk, "1", 8).await;
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Snapshot(json!(1)));
    changes.send("2".into()).expect("somebody listens");
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Change(json!(2)));
    drop(desk);
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Disconnected);
    let mut desk = Desk::open(&endpoint);
    let _changes = admit(&mut desk, "3", 8).await;
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Snapshot(json!(3)));
}

#[tokio::test]
async fn a_subscriber_that_lags_is_told_and_closed() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut slow = raw_subscriber(&desk, &endpoint).await;
    let changes = admit(&mut desk, "0", 4).await;
    let change: Arc<str> = format!("\"{}\"", "x".repeat(100_000)).into();
    // More than the socket, the connection and the channel hold together.
    for _ in 0..100 {
        changes.send(change.clone()).expect("it is not dropped for being slow alone");
        tokio::task::yield_now().await;
    }
    assert!(slow.hear_frame().await.expect("a welcome").get("welcome").is_some());
    assert_eq!(slow.hear_frame().await.expect("a snapshot"), json!({"snapshot": 0}));
    let last = loop {
        match slow.hear_frame().await.expect("a last word") {
            frame if frame.get("notice").is_some() => {}
            frame => break frame,
        }
    };
    assert_eq!(last["error"]["code"], "lagged", "{last}");
    assert_eq!(slow.hear().await, None);
    assert!(matches!(desk.event().await, PipeEvent::Refused { code: ErrorCode::Lagged, .. }));
}

#[tokio::test]
async fn a_subscriber_has_nothing_to_say() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut loud = raw_subscriber(&desk, &endpoint).await;
    let _changes = admit(&mut desk, "0", 4).await;
    assert!(loud.hear_frame().await.expect("a welcome").get("welcome").is_some());
    assert_eq!(loud.hear_frame().await.expect("a snapshot"), json!({"snapshot": 0}));
    loud.say(&json!({"message": {"number": 1, "body": {"published": "Ticked"}}})).await;
    assert_eq!(loud.refusal().await.0, "unexpected");
}

#[tokio::test]
async fn subscribers_do_not_crowd_out_participants() {
    let (_home, endpoint) = place();
    let options = PipeOptions { max_subscribers: 1, max_handshakes: 1, ..quick() };
    let mut desk = Desk::open_with(&endpoint, options, Vec::new());
    let _first = Subscriber::connect(&endpoint, "window", quick());
    let _changes = admit(&mut desk, "0", 4).await;
    let mut second = raw_subscriber(&desk, &endpoint).await;
    assert_eq!(second.refusal().await.0, "crowded");
    let mut host = Stranger::enter(&endpoint).await;
    host.say(&hello("host", "life")).await;
    assert!(host.hear_frame().await.expect("a welcome").get("welcome").is_some());
}

#[tokio::test]
async fn a_snapshot_that_is_too_long_is_told_for_good() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut subscriber = Subscriber::connect(&endpoint, "window", PipeOptions { max_frame: 1024, ..quick() });
    let _changes = admit(&mut desk, &format!("\"{}\"", "x".repeat(1024)), 4).await;
    let error = soon(subscriber.next()).await.expect("something").expect_err("too long");
    assert!(matches!(error, ClientError::Refused { code: ErrorCode::TooLong, .. }), "{error}");
    assert!(soon(subscriber.next()).await.is_none());
}

#[tokio::test]
async fn a_subscriber_that_says_its_bus_must_say_the_right_one() {
    let (_home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    let mut stranger = Stranger::enter(&endpoint).await;
    stranger
        .say(&json!({"hello": {"protocol": 1, "role": "subscriber", "participant": "window", "session": "life",
        "bus": "mall", "fingerprint": crate::message::fingerprint::<Shop>(), "max_frame": 1_048_576}}))
        .await;
    assert_eq!(stranger.refusal().await.0, "other_bus");
}
