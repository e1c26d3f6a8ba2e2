//! Whoever does not keep to the protocol is told once, sent away and noticed; and nobody else is disturbed.

use std::time::Duration;

use saga_runtime::coordinator::Options;
use serde_json::{Value, json};

use super::guest::{Guest, hello, message};
use super::yard::{Open, soon};

fn line(frame: &Value) -> Vec<u8> {
    format!("{frame}\n").into_bytes()
}

fn knocked(number: u64) -> Value {
    message(number, &json!({"published": "Knocked"}))
}

/// A porter's message with this body.
fn said(body: &Value) -> Vec<u8> {
    line(&message(1, body))
}

fn answered(key: &str, answer: &Value) -> Vec<u8> {
    said(&json!({"answered": {"key": key, "attempt": 1, "answer": answer}}))
}

/// No saga of this log.
const KEY: &str = "00c0ffee00c0ffee/17/0/0/forward";

fn deep(levels: usize) -> Vec<u8> {
    format!("{{\"notice\":{}1{}}}\n", "[".repeat(levels), "]".repeat(levels)).into_bytes()
}

/// What is wrong wherever it is said, with the code that it is answered with.
fn garbage() -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "malformed"),
        (b"\n".to_vec(), "malformed"),
        (b"null\n".to_vec(), "malformed"),
        (vec![0; 64 * 1024].into_iter().chain(*b"\n").collect(), "malformed"),
        (b"{\"ack\":1,\"ack\":1}\n".to_vec(), "malformed"),
        (b"{\"ack\":1}{\"ack\":2}\n".to_vec(), "malformed"),
        (b"{\"ack\":-1}\n".to_vec(), "malformed"),
        (b"{\"ack\":1e400}\n".to_vec(), "malformed"),
        (b"{\"message\":{\"number\":1,\"number\":1,\"body\":{}}}\n".to_vec(), "malformed"),
        (b"{\"ping\":{\"\xc3\x28\":1}}\n".to_vec(), "not_utf8"),
        (b"{\"ping\":\"\xed\xa0\x80\"}\n".to_vec(), "not_utf8"),
        (deep(65), "too_deep"),
        (deep(100_000), "too_deep"),
        (vec![b'['; (1 << 20) + 1], "too_long"),
        (vec![b' '; 3 << 20], "too_long"),
    ]
}

async fn assert_refused(open: &mut Open, guest: &mut Guest, bytes: &[u8], code: &str) {
    guest.write(bytes).await;
    let (said, reason) = guest.refusal().await;
    assert_eq!(said, code, "{}: {reason}", String::from_utf8_lossy(&bytes[..bytes.len().min(100)]));
    assert_eq!(open.turned_away().await.1, reason);
}

#[tokio::test]
async fn who_is_not_introduced_is_told_and_noticed_and_disturbs_nobody() {
    let mut open = Open::new(Options::default()).await;
    let mut twice = String::from_utf8(line(&hello())).expect("JSON");
    twice.insert_str("{\"hello\":{".len(), "\"protocol\":1,");
    let not_a_hello = [(twice.into_bytes(), "malformed"), (line(&knocked(1)), "unexpected")];
    for (bytes, code) in garbage().into_iter().chain(not_a_hello) {
        let mut guest = Guest::enter(&open.endpoint).await;
        assert_refused(&mut open, &mut guest, &bytes, code).await;
        open.assert_sweeps().await;
    }
}

#[tokio::test]
async fn who_was_welcome_is_told_and_noticed_and_disturbs_nobody() {
    let mut open = Open::new(Options::default()).await;
    let not_its_own = [
        (said(&json!({"published": "Swept"})), "not_allowed"),
        (said(&json!({"published": "Carried"})), "not_allowed"),
        (answered(KEY, &json!({"handled": ["Swept"]})), "not_allowed"),
        (said(&json!({"fate": {"key": KEY, "fate": {"done": ["Knocked", "Swept"]}}})), "not_allowed"),
        (said(&json!({"published": {"Unheard": "of"}})), "bad_message"),
        (answered("17", &json!({"handled": []})), "bad_message"),
        (answered(KEY, &json!({"refused": "Unheard"})), "bad_message"),
        (answered(KEY, &json!({"handled": [], "refused": "Tired"})), "bad_message"),
        (said(&json!({"command": {"key": KEY}})), "bad_message"),
        (line(&knocked(2)), "sequence"),
        (line(&knocked(u64::MAX)), "sequence"),
        (line(&json!({"ack": u64::MAX})), "sequence"),
        (line(&hello()), "unexpected"),
        (line(&json!({"snapshot": {}})), "unexpected"),
    ];
    for (bytes, code) in garbage().into_iter().chain(not_its_own) {
        let mut porter = open.porter().await;
        assert_refused(&mut open, &mut porter, &bytes, code).await;
        open.assert_sweeps().await;
    }
}

#[tokio::test]
async fn a_frame_torn_anywhere_is_noticed_and_disturbs_nobody() {
    let mut open = Open::new(Options::default()).await;
    let frame = line(&knocked(1));
    for end in 0..frame.len() {
        let mut porter = open.porter().await;
        porter.write(&frame[..end]).await;
        porter.leave();
        let reason = open.left().await;
        assert!(reason.contains(if end == 0 { "closed" } else { "within a frame" }), "{end}: {reason}");
    }
    open.assert_sweeps().await;
    let mut porter = open.porter().await;
    for byte in &frame {
        porter.write(&[*byte]).await;
    }
    assert_eq!(porter.hear().await, Some(json!({"ack": 1})));
}

#[tokio::test]
async fn a_hello_torn_anywhere_is_noticed_and_disturbs_nobody() {
    let mut open = Open::new(Options::default()).await;
    let frame = line(&hello());
    for end in (0..frame.len()).step_by(11) {
        let mut guest = Guest::enter(&open.endpoint).await;
        guest.write(&frame[..end]).await;
        guest.leave();
        open.turned_away().await;
    }
    open.assert_sweeps().await;
}

#[tokio::test]
async fn a_hello_that_never_comes_is_told_and_noticed_and_disturbs_nobody() {
    let mut options = Options::default();
    options.pipe.handshake = Duration::from_millis(300);
    let mut open = Open::new(options).await;
    let hello = line(&hello());
    for bytes in [&b""[..], &hello[..1], &hello[..hello.len() - 1]] {
        let mut guest = Guest::enter(&open.endpoint).await;
        guest.write(bytes).await;
        open.assert_sweeps().await;
        let (code, reason) = guest.refusal().await;
        assert_eq!(code, "no_hello");
        assert_eq!(open.turned_away().await.1, reason);
    }
}

/// Each is recorded and acknowledged, and others have their turn meanwhile.
#[tokio::test]
async fn a_flood_of_good_frames_disturbs_nobody() {
    let mut open = Open::new(Options::default()).await;
    let mut porter = open.porter().await;
    let flood: Vec<u8> = (1..=20_000).flat_map(|number| line(&knocked(number))).collect();
    let pouring = tokio::spawn(async move {
        porter.write(&flood).await;
        while porter.hear().await.expect("it is not sent away") != json!({"ack": 20_000}) {}
    });
    while !pouring.is_finished() {
        open.assert_sweeps().await;
    }
    soon(pouring).await.expect("every one is acknowledged");
}
