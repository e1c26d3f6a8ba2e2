//! A coordinator's end of which a check says and hears every frame itself.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::bus::{Command, Conformance};
use super::stand::soon;
use crate::message::{Bus, ExchangeKey, fingerprint};
use crate::pipe::endpoint::SocketGuard;

/// A socket that participants find.
pub(super) struct Listening {
    pub(super) listener: UnixListener,
    /// The socket is there as long as this is.
    pub(super) _guard: SocketGuard,
}

impl Listening {
    /// The next connection, and the hello with which it begins.
    pub(super) async fn hello(&self) -> (Raw, Value) {
        let (stream, _) = soon("a connection", self.listener.accept()).await.expect("the socket is there");
        let mut raw = Raw { stream: BufReader::new(stream) };
        let mut hello = raw.hear("a hello").await;
        (raw, hello["hello"].take())
    }

    /// The next connection, welcomed as by a coordinator that knows nothing of it.
    pub(super) async fn welcomed(&self) -> Raw {
        let (mut raw, hello) = self.hello().await;
        raw.say(&welcome(&hello["acknowledged"], false)).await;
        raw
    }

    /// Whether somebody connects within this time.
    pub(super) async fn is_visited_within(&self, time: std::time::Duration) -> bool {
        timeout(time, self.listener.accept()).await.is_ok()
    }
}

/// A welcome to somebody whose messages are recorded up to this number.
pub(super) fn welcome(received: &Value, resumed: bool) -> Value {
    json!({"welcome": {
        "protocol": 1, "bus": Conformance::NAME, "fingerprint": fingerprint::<Conformance>(), "session": "the run",
        "resumed": resumed, "received": received, "max_frame": 1 << 20,
    }})
}

/// A message with a command.
pub(super) fn command(number: u64, key: ExchangeKey, command: &Command) -> Value {
    json!({"message": {"number": number, "body": {"command": {
        "key": key, "attempt": 1, "saga": "proof", "step": "raw", "horizon": {"lowest": 1}, "command": command,
    }}}})
}

/// A connection.
pub(super) struct Raw {
    stream: BufReader<UnixStream>,
}

impl Raw {
    pub(super) async fn say(&mut self, frame: &Value) {
        self.write(format!("{frame}\n").as_bytes()).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        let written = soon("the participant to read", self.stream.get_mut().write_all(bytes)).await;
        written.unwrap_or_else(|error| panic!("the participant closed the connection: {error}"));
    }

    /// The next frame; none when the connection is closed.
    pub(super) async fn next(&mut self, what: &str) -> Option<Value> {
        let mut line = Vec::new();
        match soon(what, self.stream.read_until(b'\n', &mut line)).await {
            Ok(count) if count > 0 => {}
            _ => return None,
        }
        assert_eq!(line.pop(), Some(b'\n'), "the connection was closed within a frame");
        let frame: Value = serde_json::from_slice(&line).unwrap_or_else(|error| panic!("a line is no JSON: {error}"));
        assert_eq!(frame.as_object().map(serde_json::Map::len), Some(1), "a frame has one field: {frame}");
        Some(frame)
    }

    /// The next frame, whatever it is.
    pub(super) async fn hear(&mut self, what: &str) -> Value {
        match self.next(what).await {
            Some(frame) => frame,
            None => panic!("{what} was to come, and the connection was closed"),
        }
    }

    /// The next frame of this name, passing over all others.
    pub(super) async fn hear_some(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.hear(name).await;
            match frame.get_mut(name) {
                Some(content) => return content.take(),
                None => assert!(frame.get("error").is_none(), "`{name}` was to come, and this came: {frame}"),
            }
        }
    }

    /// Until this number, or a later one, is acknowledged.
    pub(super) async fn hear_ack(&mut self, number: u64) {
        while self.hear_some("ack").await.as_u64().expect("an ack is a number") < number {}
    }

    /// Says ping; gives all messages that came before it was answered.
    pub(super) async fn messages_before_pong(&mut self) -> Vec<Value> {
        self.say(&json!({"ping": {}})).await;
        let mut messages = Vec::new();
        loop {
            let mut frame = self.hear("a pong").await;
            if frame.get("pong").is_some() {
                return messages;
            }
            messages.extend(frame.get_mut("message").map(Value::take));
        }
    }

    /// The code of the error with which the connection ends, and nothing after it.
    pub(super) async fn refusal(&mut self) -> String {
        loop {
            let frame = self.hear("an error").await;
            if let Some(error) = frame.get("error") {
                let code = error["code"].as_str().expect("an error has a code").to_owned();
                assert!(error["message"].is_string(), "an error has a message: {frame}");
                assert_eq!(self.next("the end").await, None, "an error is the last frame");
                return code;
            }
        }
    }

    /// Until the connection is closed, whatever is said before.
    pub(super) async fn closed(&mut self) {
        while self.next("the end of the connection").await.is_some() {}
    }
}
