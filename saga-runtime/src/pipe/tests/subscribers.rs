//! Subscribers: everything once, then every change, also those of the time when they were away.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::{broadcast, mpsc};

use super::bus::Shop;
use super::ends::{Desk, Stranger, hello, place, quick, soon};
use crate::message::LogId;
use crate::notice::Position;
use crate::pipe::frame::ErrorCode;
use crate::pipe::{ClientError, Opening, PipeEvent, PipeOptions, Subscriber, SubscriberEvent, Subscription};

/// Answers the next request with this snapshot; gives where the changes go.
async fn admit(desk: &mut Desk, snapshot: &str, capacity: usize) -> broadcast::Sender<Arc<str>> {
    let request = soon(desk.lines.subscribers.recv()).await.expect("a request");
    assert_eq!((request.name.as_str(), &request.position), ("window", &None));
    let (sender, changes) = broadcast::channel(capacity);
    let opening = opening([Opening::Snapshot(snapshot.to_owned())]);
    let subscription = Subscription { resumed: false, opening, changes };
    request.reply.send(subscription).expect("the subscriber waits");
    sender
}

/// Answers the next request, which is to be from this position, with this; gives where the changes go.
async fn readmit(
    desk: &mut Desk,
    position: &str,
    resumed: bool,
    told: impl IntoIterator<Item = Opening>,
) -> broadcast::Sender<Arc<str>> {
    let request = soon(desk.lines.subscribers.recv()).await.expect("a request");
    assert_eq!(request.position.as_deref(), Some(position));
    let (sender, changes) = broadcast::channel(4);
    let subscription = Subscription { resumed, opening: opening(told), changes };
    request.reply.send(subscription).expect("the subscriber waits");
    sender
}

fn opening(told: impl IntoIterator<Item = Opening>) -> mpsc::Receiver<Opening> {
    let (sender, opening) = mpsc::channel(8);
    told.into_iter().for_each(|told| sender.try_send(told).expect("there is room"));
    opening
}

fn change(position: &str) -> Opening {
    Opening::Change(json!({ "position": position }).to_string().into())
}

fn snapshot(position: &str) -> Opening {
    Opening::Snapshot(json!({ "position": position }).to_string())
}

fn told(position: &str) -> SubscriberEvent {
    SubscriberEvent::Change(json!({ "position": position }))
}

fn everything(position: &str) -> SubscriberEvent {
    SubscriberEvent::Snapshot(json!({ "position": position }))
}

async fn next(subscriber: &mut Subscriber) -> SubscriberEvent {
    soon(subscriber.next()).await.expect("something").expect("no error")
}

/// Why it does not connect again, whether or not it was connected before.
async fn last_word(subscriber: &mut Subscriber) -> ClientError {
    loop {
        match soon(subscriber.next()).await.expect("something") {
            Ok(event) => assert_eq!(event, SubscriberEvent::Disconnected),
            Err(error) => return error,
        }
    }
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
async fn a_subscriber_gets_what_it_missed_and_then_everything_anew() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut subscriber = Subscriber::connect(&endpoint, "window", quick());
    let changes = admit(&mut desk, "{\"position\":\"a\"}", 8).await;
    assert_eq!(next(&mut subscriber).await, everything("a"));
    changes.send(json!({ "position": "b" }).to_string().into()).expect("somebody listens");
    changes.send(json!({ "without": "one" }).to_string().into()).expect("somebody listens");
    assert_eq!(next(&mut subscriber).await, told("b"));
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Change(json!({ "without": "one" })));
    drop(desk);
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Disconnected);

    let mut desk = Desk::open(&endpoint);
    let changes = readmit(&mut desk, "b", true, [change("c"), change("d"), snapshot("e")]).await;
    for event in [told("c"), told("d"), everything("e")] {
        assert_eq!(next(&mut subscriber).await, event);
    }
    changes.send(json!({ "position": "f" }).to_string().into()).expect("somebody listens");
    assert_eq!(next(&mut subscriber).await, told("f"));
}

#[tokio::test]
async fn what_has_come_before_the_connection_broke_does_not_come_again() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let from = Position { log: LogId::from_bits(1), record: 2, told: 3, life: None };
    let mut subscriber = Subscriber::resume(&endpoint, "window", from, quick());
    let request = soon(desk.lines.subscribers.recv()).await.expect("a request");
    assert_eq!(request.position.as_deref(), Some("0000000000000001/2/3"));
    let (_sender, changes) = broadcast::channel(4);
    let (sender, opening) = mpsc::channel(4);
    request.reply.send(Subscription { resumed: true, opening, changes }).expect("the subscriber waits");
    for position in ["c", "d"] {
        sender.try_send(change(position)).expect("there is room");
        assert_eq!(next(&mut subscriber).await, told(position));
    }
    // The opening ends before there was a snapshot.
    drop(sender);
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Disconnected);
    let _changes = readmit(&mut desk, "d", false, [snapshot("e")]).await;
    assert_eq!(next(&mut subscriber).await, everything("e"));
}

#[tokio::test]
async fn a_subscriber_that_lags_goes_on_where_it_was() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut subscriber = Subscriber::connect(&endpoint, "window", quick());
    let changes = admit(&mut desk, "{\"position\":\"0\"}", 2).await;
    assert_eq!(next(&mut subscriber).await, everything("0"));
    // More at once than the channel holds, while nobody else runs.
    for number in 1..=3 {
        let change = json!({ "position": number.to_string() }).to_string();
        changes.send(change.into()).expect("somebody listens");
    }
    assert_eq!(next(&mut subscriber).await, SubscriberEvent::Disconnected);
    assert!(matches!(desk.event().await, PipeEvent::Refused { code: ErrorCode::Lagged, .. }));
    let _changes = readmit(&mut desk, "0", true, [change("1"), change("2"), change("3"), snapshot("3")]).await;
    for event in [told("1"), told("2"), told("3"), everything("3")] {
        assert_eq!(next(&mut subscriber).await, event);
    }
}

#[tokio::test]
async fn who_gave_no_position_missed_nothing() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut subscriber = Subscriber::connect(&endpoint, "window", quick());
    let request = soon(desk.lines.subscribers.recv()).await.expect("a request");
    let (_sender, changes) = broadcast::channel(4);
    let subscription = Subscription { resumed: false, opening: opening([change("a"), snapshot("b")]), changes };
    request.reply.send(subscription).expect("the subscriber waits");
    let error = last_word(&mut subscriber).await;
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn a_position_of_any_length_is_refused() {
    let (_home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    let mut stranger = Stranger::enter(&endpoint).await;
    stranger
        .say(&json!({"hello": {"protocol": 1, "role": "subscriber", "participant": "window", "session": "life",
        "position": "x".repeat(129)}}))
        .await;
    assert_eq!(stranger.refusal().await.0, "malformed");
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
    let error = last_word(&mut subscriber).await;
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
