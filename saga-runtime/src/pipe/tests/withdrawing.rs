//! Commands that nobody wants any more: whoever has not got one when it is withdrawn never does.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::bus::{Shop, key, ring, spawn};
use super::ends::{Desk, Stranger, hello, place, quick, soon};
use crate::bus::{Delivery, Payload, ToParticipant};
use crate::message::{Memory, fingerprint};
use crate::pipe::endpoint::BUS_SOCKET;
use crate::pipe::{Endpoint, PipeClient, PipeOptions};

/// A host, and the session of the coordinator, to resume it.
async fn enter(desk: &mut Desk, endpoint: &Endpoint) -> (Stranger, Value) {
    let mut host = Stranger::enter(endpoint).await;
    host.say(&hello("host", "life")).await;
    let coordinator = host.hear().await.expect("a welcome")["welcome"]["session"].clone();
    desk.connected().await;
    (host, coordinator)
}

async fn leave(desk: &mut Desk, host: Stranger) {
    drop(host);
    desk.disconnected().await;
}

/// The host is back, and took over nothing.
async fn back(endpoint: &Endpoint, coordinator: Value) -> Stranger {
    let mut host = Stranger::enter(endpoint).await;
    let mut again = hello("host", "life");
    again["hello"]["received"] = json!({"session": coordinator, "number": 0});
    host.say(&again).await;
    let welcome = host.hear().await.expect("a welcome");
    assert_eq!(welcome["welcome"]["resumed"], true, "{welcome}");
    host
}

/// What the next message is, its number and its key.
async fn next(host: &mut Stranger) -> (String, u64, String) {
    let frame = host.hear_frame().await.expect("a message");
    let body = frame["message"]["body"].as_object().expect("a body");
    let (name, content) = body.iter().next().expect("a name");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (name.clone(), frame["message"]["number"].as_u64().expect("a number"), text(&content["key"]))
}

fn message(name: &str, number: u64, saga: u64) -> (String, u64, String) {
    (name.to_owned(), number, key(saga).to_string())
}

#[tokio::test]
async fn what_was_on_its_way_is_not_delivered_to_whoever_resumes() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (mut host, coordinator) = enter(&mut desk, &endpoint).await;
    (1..=3).for_each(|saga| desk.deliver(spawn(saga)));
    for saga in 1..=3 {
        assert_eq!(next(&mut host).await, message("command", saga, saga));
    }
    leave(&mut desk, host).await;
    desk.ask(ToParticipant::Withdraw(key(2)));
    let mut host = back(&endpoint, coordinator).await;
    assert_eq!(next(&mut host).await, message("command", 1, 1));
    assert_eq!(next(&mut host).await, message("withdrawn", 2, 2));
    assert_eq!(next(&mut host).await, message("command", 3, 3));
    host.say(&json!({"ack": 3})).await;
    desk.taken(3).await;
}

#[tokio::test]
async fn what_is_worthless_later_is_not_on_the_next_connection() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (mut host, coordinator) = enter(&mut desk, &endpoint).await;
    let encoded = Payload::Encoded(serde_json::value::to_raw_value("Ring").expect("JSON"));
    let from_log =
        Delivery::Command { key: key(3), attempt: 1, saga: "call".into(), step: "ring".into(), command: encoded };
    for delivery in [ring(1), spawn(2), from_log] {
        desk.deliver(delivery);
    }
    for saga in 1..=3 {
        assert_eq!(next(&mut host).await, message("command", saga, saga), "there is somebody to hear it");
    }
    leave(&mut desk, host).await;
    let mut host = back(&endpoint, coordinator).await;
    assert_eq!(next(&mut host).await, message("withdrawn", 1, 1));
    assert_eq!(next(&mut host).await, message("command", 2, 2));
    assert_eq!(next(&mut host).await, message("withdrawn", 3, 3));
}

#[tokio::test]
async fn what_is_worthless_later_is_not_kept_for_whoever_is_away() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (host, coordinator) = enter(&mut desk, &endpoint).await;
    leave(&mut desk, host).await;
    desk.deliver(ring(1));
    desk.taken(1).await;
    desk.deliver(spawn(2));
    let mut host = back(&endpoint, coordinator).await;
    assert_eq!(next(&mut host).await, message("command", 1, 2));
}

#[tokio::test]
async fn a_client_does_not_hand_over_what_was_withdrawn() {
    let (_home, endpoint) = place();
    let (listener, _guard) = endpoint.socket(BUS_SOCKET).bind().expect("bound").listen().expect("listening");
    // Takes one, and lets the others wait.
    let options = PipeOptions { window: 1, ..quick() };
    let (_client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, options);
    let (stream, _) = soon(listener.accept()).await.expect("a connection");
    let mut stream = BufReader::new(stream);
    let welcome = json!({"welcome": {
        "protocol": 1, "bus": "shop", "fingerprint": fingerprint::<Shop>(), "session": "run", "resumed": false,
        "received": 0, "max_frame": 1 << 20,
    }});
    let command = |number: u64| {
        json!({"message": {"number": number, "body": {"command": {
            "key": key(number), "attempt": 1, "saga": "s", "step": "t", "horizon": {"lowest": 1},
            "command": {"Spawn": {"label": "w"}},
        }}}})
    };
    let withdrawn = json!({"message": {"number": 4, "body": {"withdrawn": {"key": key(2)}}}});
    for frame in [welcome, command(1), command(2), command(3), withdrawn, command(5)] {
        soon(stream.get_mut().write_all(format!("{frame}\n").as_bytes())).await.expect("written");
    }
    // The pong says that all before it has been read.
    soon(stream.get_mut().write_all(b"{\"ping\":{}}\n")).await.expect("written");
    let mut line = String::new();
    while !line.contains("pong") {
        line.clear();
        soon(stream.read_line(&mut line)).await.expect("a line");
    }
    for expected in [1, 3, 5] {
        assert_eq!(soon(deliveries.recv()).await.expect("delivered").0.key(), key(expected));
    }
    while !line.contains("\"ack\":5") {
        line.clear();
        soon(stream.read_line(&mut line)).await.expect("a line");
    }
}
