//! Somebody at the socket who says what it likes, byte by byte.

use saga_runtime::message::fingerprint;
use saga_runtime::prelude::Endpoint;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::yard::{Yard, soon};

pub(crate) struct Guest {
    stream: Option<BufReader<UnixStream>>,
    /// Of the coordinator.
    session: String,
}

impl Guest {
    pub(crate) async fn enter(endpoint: &Endpoint) -> Self {
        let stream = endpoint.socket("bus.sock").connect().await.expect("the coordinator listens");
        Self { stream: Some(BufReader::new(stream)), session: String::new() }
    }

    /// Says hello as the porter of this life, and is welcomed.
    pub(crate) async fn introduce(&mut self, received: Option<Value>) -> Value {
        let mut hello = hello();
        if let Some(received) = received {
            hello["hello"]["received"] = received;
        }
        self.say(&hello).await;
        let mut welcome = self.hear().await.expect("a welcome");
        let welcome = welcome["welcome"].take();
        self.session = welcome["session"].as_str().unwrap_or_else(|| panic!("welcomed, not {welcome}")).to_owned();
        welcome
    }

    /// Goes on with a session in which so many messages were taken over.
    pub(crate) async fn resume(&mut self, before: &Self, taken: u64) {
        let welcome = self.introduce(Some(json!({"session": before.session, "number": taken}))).await;
        assert_eq!(welcome["resumed"], true, "{welcome}");
    }

    pub(crate) fn leave(&mut self) {
        self.stream = None;
    }

    /// Whoever is refused early may find the connection closed.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = soon(self.stream().get_mut().write_all(bytes)).await;
    }

    pub(crate) async fn say(&mut self, frame: &Value) {
        self.write(format!("{frame}\n").as_bytes()).await;
    }

    /// The next frame that is no ping; none when the connection is closed.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            match soon(self.stream().read_line(&mut line)).await {
                Ok(count) if count > 0 => {}
                _ => return None,
            }
            let frame: Value = serde_json::from_str(&line).expect("a whole frame");
            if frame.get("ping").is_none() {
                return Some(frame);
            }
        }
    }

    /// The next message: its number, its name and its content.
    pub(crate) async fn message(&mut self) -> (u64, String, Value) {
        let frame = self.hear().await.expect("a message");
        let body = frame["message"]["body"].as_object().unwrap_or_else(|| panic!("a message, not {frame}"));
        let (name, content) = body.iter().next().expect("a name");
        (frame["message"]["number"].as_u64().expect("a number"), name.clone(), content.clone())
    }

    /// The code and message of the error with which the connection ends, and nothing after it.
    pub(crate) async fn refusal(&mut self) -> (String, String) {
        let frame = self.hear().await.expect("an error frame");
        let text = |field: &str| frame["error"][field].as_str().unwrap_or_else(|| panic!("{frame}")).to_owned();
        let refusal = (text("code"), text("message"));
        assert_eq!(self.hear().await, None, "closed after one error");
        refusal
    }

    fn stream(&mut self) -> &mut BufReader<UnixStream> {
        self.stream.as_mut().expect("a guest who left says nothing")
    }
}

/// A hello that is welcome.
pub(crate) fn hello() -> Value {
    json!({"hello": {
        "protocol": 1, "role": "participant", "participant": "porter", "session": "life", "memory": "volatile",
        "bus": "yard", "fingerprint": fingerprint::<Yard>(), "acknowledged": 0, "sent": 0, "max_frame": 1 << 20,
    }})
}

pub(crate) fn message(number: u64, body: &Value) -> Value {
    json!({"message": {"number": number, "body": body}})
}
