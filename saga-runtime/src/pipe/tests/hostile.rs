//! Those who do not keep to the protocol: each told once, closed and noticed, and nobody else disturbed.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};

use super::bus::{Mall, Shop, key, promoted, spawn};
use super::ends::{Desk, Stranger, hello, place, quick, soon};
use crate::bus::Report;
use crate::message::{Memory, fingerprint};
use crate::pipe::endpoint::BUS_SOCKET;
use crate::pipe::frame::ErrorCode;
use crate::pipe::{ClientError, Endpoint, EndpointError, PipeClient, PipeEvent, PipeOptions};

/// Says this first, and gives the code and the message with which it is refused; and that it is noticed.
async fn first_words(desk: &mut Desk, endpoint: &Endpoint, bytes: &[u8]) -> (String, String) {
    let mut stranger = Stranger::enter(endpoint).await;
    stranger.write(bytes).await;
    let refusal = stranger.refusal().await;
    let PipeEvent::Refused { code, reason, .. } = desk.event().await else { panic!("noticed") };
    assert_eq!((code.to_string(), reason), refusal);
    refusal
}

fn line(frame: &Value) -> Vec<u8> {
    format!("{frame}\n").into_bytes()
}

/// A hello with one field replaced.
fn hello_but(field: &str, value: Value) -> Vec<u8> {
    let mut frame = hello("host", "life");
    frame["hello"][field] = value;
    line(&frame)
}

#[tokio::test]
async fn what_is_no_hello_is_refused() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open_with(&endpoint, PipeOptions { max_frame: 4096, ..quick() }, Vec::new());
    let deep = format!("{{\"notice\":{}1{}}}\n", "[".repeat(70), "]".repeat(70));
    let cases: [(&[u8], &str); 9] = [
        (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
        (b"\n", "malformed"),
        (b"{\"hello\":{}}\n", "malformed"),
        (b"{\"hello\":{\"protocol\":1,\"protocol\":1}}\n", "malformed"),
        (b"{\"hello\":\"\xff\xfe\"}\n", "not_utf8"),
        (deep.as_bytes(), "too_deep"),
        (&[b'x'; 5000], "too_long"),
        (b"{\"ack\":1}\n", "unexpected"),
        (b"{\"message\":{\"number\":1,\"body\":{\"published\":\"Ticked\"}}}\n", "unexpected"),
    ];
    for (bytes, code) in cases {
        assert_eq!(first_words(&mut desk, &endpoint, bytes).await.0, code, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn who_is_not_expected_is_refused() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let cases = [
        (hello_but("protocol", json!(2)), "other_protocol", "protocol 1, and this process 2"),
        (hello_but("bus", json!("mall")), "other_bus", "speaks `mall`"),
        (hello_but("fingerprint", json!("00")), "other_bus", "(00)"),
        (hello_but("participant", json!("guest")), "not_allowed", "clock, host, srv"),
        (hello_but("participant", json!("")), "malformed", "1 to 128 bytes"),
        (hello_but("session", json!("x".repeat(129))), "malformed", "1 to 128 bytes"),
        (hello_but("max_frame", json!(1023)), "malformed", "at least 1024"),
        (hello_but("memory", Value::Null), "malformed", "`memory`"),
        (hello_but("role", json!("publisher")), "not_allowed", "connect as a participant"),
        (hello_but("role", json!("operator")), "malformed", "operator"),
    ];
    for (bytes, expected, words) in cases {
        let (code, message) = first_words(&mut desk, &endpoint, &bytes).await;
        assert_eq!(code, expected, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_hello_of_the_future_is_refused_for_its_version() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let future = line(&json!({"hello": {"protocol": 7, "tongue": {"of": "angels"}}}));
    assert_eq!(first_words(&mut desk, &endpoint, &future).await.0, "other_protocol");
}

/// Says this once it is welcome, and gives how it is refused.
async fn next_words(frame: &Value) -> (String, String) {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut host = Stranger::host(&endpoint, "life").await;
    desk.connected().await;
    host.say(frame).await;
    let refusal = host.refusal().await;
    let PipeEvent::Refused { who, code, reason } = desk.event().await else { panic!("noticed") };
    assert!(who.starts_with("`host`"), "{who}");
    assert_eq!((code.to_string(), reason), refusal);
    assert_eq!(desk.disconnected().await, refusal.1);
    // The line is not the worse for it.
    let mut host = Stranger::host(&endpoint, "next life").await;
    desk.connected().await;
    host.say(&message(1, &json!({"published": {"Promoted": {"label": "1"}}}))).await;
    assert_eq!(desk.record().await, Report::Published(promoted("1")));
    refusal
}

fn message(number: u64, body: &Value) -> Value {
    json!({"message": {"number": number, "body": body}})
}

/// Rule: bus.own-only
#[tokio::test]
async fn a_participant_says_only_what_is_its_own() {
    let answer = |event: Value| {
        message(1, &json!({"answered": {"key": key(1).to_string(), "attempt": 1, "answer": {"handled": [event]}}}))
    };
    let cases = [
        (message(1, &json!({"published": "Ticked"})), "Ticked"),
        (message(1, &json!({"published": "Stored"})), "Stored"),
        (message(1, &json!({"published": {"Spawned": {"label": "w"}}})), "Spawned"),
        (answer(json!("Stored")), "Stored"),
        (message(1, &json!({"fate": {"key": key(1).to_string(), "fate": {"done": ["Ticked"]}}})), "Ticked"),
    ];
    for (frame, event) in cases {
        let (code, reason) = next_words(&frame).await;
        assert_eq!(code, "not_allowed", "{frame}");
        assert!(reason.contains(event) && reason.contains("`host`"), "{reason}");
    }
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let bodies = [
        json!({}),
        json!({"published": "Unheard"}),
        json!({"answered": {"key": "1/2", "attempt": 1, "answer": {"handled": []}}}),
        json!({"answered": {"key": key(1).to_string(), "attempt": 1, "answer": {"refused": "Sad"}}}),
        json!({"answered": {"key": key(1).to_string(), "attempt": 1, "answer": {"refused": "Full"}, "more": 1}}),
        json!({"command": {}}),
    ];
    for body in bodies {
        let (code, reason) = next_words(&message(1, &body)).await;
        assert_eq!(code, "bad_message", "{body}");
        assert!(!reason.contains("Unheard") && !reason.contains("Sad"), "values may be secret: {reason}");
    }
}

#[tokio::test]
async fn frames_out_of_place_are_refused() {
    let published = json!({"published": {"Promoted": {"label": "w"}}});
    let cases = [
        (message(2, &published), "sequence"),
        (message(0, &published), "sequence"),
        (json!({"ack": 1}), "sequence"),
        (hello("host", "life"), "unexpected"),
        (json!({"snapshot": {}}), "unexpected"),
        (json!({"error": {"code": "malformed", "message": "no, you"}}), "malformed"),
    ];
    for (frame, code) in cases {
        assert_eq!(next_words(&frame).await.0, code, "{frame}");
    }
}

#[tokio::test]
async fn a_frame_torn_anywhere_harms_nobody() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let frame = line(&message(1, &json!({"published": {"Promoted": {"label": "1"}}})));
    for end in 0..frame.len() {
        let mut host = Stranger::host(&endpoint, "life").await;
        desk.connected().await;
        host.write(&frame[..end]).await;
        drop(host);
        let reason = desk.disconnected().await;
        assert!(reason.contains(if end == 0 { "closed" } else { "within a frame" }), "{end}: {reason}");
    }
    let mut host = Stranger::host(&endpoint, "life").await;
    for part in frame.chunks(7) {
        host.write(part).await;
    }
    assert_eq!(desk.record().await, Report::Published(promoted("1")));
}

#[tokio::test]
async fn pings_are_answered() {
    let (_home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    let mut host = Stranger::host(&endpoint, "life").await;
    host.say(&json!({"ping": {}})).await;
    assert_eq!(host.hear_frame().await, Some(json!({"pong": {}})));
}

#[tokio::test]
async fn a_client_of_another_bus_ends_with_both_named() {
    let (_home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    let (client, _deliveries, task) = PipeClient::<Mall>::connect(&endpoint, "host", Memory::Volatile, quick());
    let error = soon(task).await.expect("no panic").expect_err("another bus");
    let words = error.to_string();
    for part in ["shop", "mall", &fingerprint::<Shop>(), &fingerprint::<Mall>()] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(soon(client.connected()).await, Err(error));
}

#[tokio::test]
async fn a_client_that_is_not_expected_ends() {
    let (_home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    let (client, _task) = PipeClient::<Shop>::publisher(&endpoint, "guest", quick());
    let error = soon(client.publish(promoted("1"))).await.expect_err("not allowed");
    assert!(matches!(error, ClientError::Refused { code: ErrorCode::NotAllowed, .. }), "{error}");
}

#[tokio::test]
async fn a_client_that_says_what_is_not_its_own_ends() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, _task) = PipeClient::<Shop>::publisher(&endpoint, "clock", quick());
    let error = soon(client.publish(promoted("1"))).await.expect_err("not allowed");
    assert!(matches!(error, ClientError::Refused { code: ErrorCode::NotAllowed, .. }), "{error}");
    assert!(matches!(desk.event().await, PipeEvent::Refused { code: ErrorCode::NotAllowed, .. }));
}

#[tokio::test]
async fn a_client_with_longer_frames_than_the_coordinator_ends() {
    let (_home, endpoint) = place();
    let _desk = Desk::open_with(&endpoint, PipeOptions { max_frame: 4096, ..quick() }, Vec::new());
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let error = soon(client.connected()).await.expect_err("longer frames");
    assert_eq!(error, ClientError::SmallerFrames { ours: 1 << 20, theirs: 4096 });
}

#[tokio::test]
async fn a_server_that_does_not_keep_to_the_protocol_is_left() {
    let (_home, endpoint) = place();
    let (listener, _guard) = endpoint.socket(BUS_SOCKET).bind().expect("bound").listen().expect("listening");
    let (client, _deliveries, task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let (mut stream, _) = soon(listener.accept()).await.expect("a connection");
    soon(tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 welcome\r\n")).await.expect("written");
    let error = soon(task).await.expect("no panic").expect_err("no welcome");
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    drop(client);
}

#[tokio::test]
async fn a_client_does_not_trust_a_directory_open_to_others() {
    let (home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    std::fs::set_permissions(home.path(), Permissions::from_mode(0o755)).expect("chmod");
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let error = soon(client.connected()).await.expect_err("open to others");
    assert!(matches!(error, ClientError::Endpoint(EndpointError::NotPrivate { mode: 0o755, .. })), "{error}");
}

#[tokio::test]
async fn a_client_does_not_follow_a_symlink() {
    let (_home, elsewhere) = place();
    let _desk = Desk::open(&elsewhere);
    let (home, endpoint) = place();
    symlink(elsewhere.directory().join(BUS_SOCKET), home.path().join(BUS_SOCKET)).expect("symlink");
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let error = soon(client.connected()).await.expect_err("a symlink");
    assert!(matches!(error, ClientError::Endpoint(EndpointError::Symlink { .. })), "{error}");
}

#[tokio::test]
async fn one_strangers_noise_does_not_disturb_a_participant() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (_client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    desk.connected().await;
    for saga in 1..=20 {
        first_words(&mut desk, &endpoint, b"noise\n").await;
        desk.deliver(spawn(saga));
        assert_eq!(soon(deliveries.recv()).await.expect("delivered").0.key(), key(saga));
    }
}
