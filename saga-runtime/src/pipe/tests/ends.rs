//! The two ends as tests hold them: a coordinator's desk, and a stranger who speaks bytes.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::bus::{PARTICIPANTS, Shop};
use crate::bus::{Delivery, FromParticipant, Horizon, Report, SessionId, ToParticipant};
use crate::log::ReceivedRow;
use crate::message::fingerprint;
use crate::pipe::endpoint::BUS_SOCKET;
use crate::pipe::transport::Listen;
use crate::pipe::{Endpoint, Lines, PipeEvent, PipeOptions, PipeServer};

/// Longer than anything takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens in the end; a panic if it does not.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// Options under which a test need not wait.
pub(super) fn quick() -> PipeOptions {
    PipeOptions {
        reconnect: Duration::from_millis(1),
        reconnect_at_most: Duration::from_millis(5),
        ..PipeOptions::default()
    }
}

/// A directory of one's own.
pub(super) fn place() -> (TempDir, Endpoint) {
    let home = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().expect("a directory");
    let endpoint = Endpoint::in_dir(home.path());
    (home, endpoint)
}

/// The coordinator's end.
pub(super) struct Desk {
    pub(super) server: PipeServer,
    pub(super) lines: Lines<Shop>,
}

impl Desk {
    pub(super) fn open(endpoint: &Endpoint) -> Self {
        Self::open_with(endpoint, quick(), Vec::new())
    }

    pub(super) fn open_with(endpoint: &Endpoint, options: PipeOptions, received: Vec<ReceivedRow>) -> Self {
        let (server, lines) = PipeServer::bind(endpoint, options, PARTICIPANTS, received).expect("bound");
        Self { server, lines }
    }

    pub(super) fn over(listener: impl Listen, options: PipeOptions) -> Self {
        let (server, lines) = PipeServer::serve(listener, options, PARTICIPANTS, Vec::new());
        Self { server, lines }
    }

    pub(super) fn ask(&self, message: ToParticipant<Shop>) {
        self.lines.participants["host"].send(message).expect("the line is there");
    }

    pub(super) fn deliver(&self, delivery: Delivery<Shop>) {
        self.ask(ToParticipant::Deliver(delivery, Horizon::ALL));
    }

    /// The next thing that a participant says.
    pub(super) async fn said(&mut self) -> FromParticipant<Shop> {
        soon(self.lines.said.recv()).await.expect("the lines are there").1
    }

    /// Until the host connects: its session, and whether it was resumed.
    pub(super) async fn connected(&mut self) -> (SessionId, bool) {
        loop {
            if let FromParticipant::Connected { session, resumed } = self.said().await {
                return (session, resumed);
            }
        }
    }

    pub(super) async fn disconnected(&mut self) -> String {
        loop {
            if let FromParticipant::Disconnected { reason } = self.said().await {
                return reason;
            }
        }
    }

    /// The next report, with its number, passing over all else.
    pub(super) async fn report(&mut self) -> (SessionId, u64, Report<Shop>) {
        loop {
            if let FromParticipant::Report { session, number, report } = self.said().await {
                return (session, number, report);
            }
        }
    }

    /// The next report, and that it is recorded.
    pub(super) async fn record(&mut self) -> Report<Shop> {
        let (_, number, report) = self.report().await;
        self.ask(ToParticipant::Recorded(number));
        report
    }

    /// Until so many deliveries have been taken over.
    pub(super) async fn taken(&mut self, mut count: usize) {
        while count > 0 {
            if let FromParticipant::Taken(taken) = self.said().await {
                count = count.checked_sub(taken).expect("no more than were delivered");
            }
        }
    }

    pub(super) async fn event(&mut self) -> PipeEvent {
        soon(self.lines.events.recv()).await.expect("the server is there")
    }
}

/// Somebody who connects and says what it likes.
pub(super) struct Stranger {
    stream: BufReader<UnixStream>,
}

impl Stranger {
    pub(super) async fn enter(endpoint: &Endpoint) -> Self {
        let stream = endpoint.socket(BUS_SOCKET).connect().await.expect("connected");
        Self { stream: BufReader::new(stream) }
    }

    /// Enters, and introduces itself as the host.
    pub(super) async fn host(endpoint: &Endpoint, session: &str) -> Self {
        let mut stranger = Self::enter(endpoint).await;
        stranger.say(&hello("host", session)).await;
        let welcome = stranger.hear().await.expect("a frame");
        assert_eq!(welcome["welcome"]["protocol"], 1, "{welcome}");
        stranger
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        // Whoever is refused early may find the connection closed.
        let _ = soon(self.stream.get_mut().write_all(bytes)).await;
    }

    pub(super) async fn say(&mut self, frame: &Value) {
        self.write(format!("{frame}\n").as_bytes()).await;
    }

    /// The next frame; none when the connection is closed.
    pub(super) async fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        match soon(self.stream.read_line(&mut line)).await {
            Ok(count) if count > 0 => Some(serde_json::from_str(&line).expect("a whole frame")),
            _ => None,
        }
    }

    /// The next frame that is no ping.
    pub(super) async fn hear_frame(&mut self) -> Option<Value> {
        loop {
            match self.hear().await {
                Some(frame) if frame.get("ping").is_some() => {}
                other => return other,
            }
        }
    }

    /// The code and message of the error with which the connection ends, and nothing after it.
    pub(super) async fn refusal(&mut self) -> (String, String) {
        let frame = self.hear_frame().await.expect("an error frame");
        let error = &frame["error"];
        let text = |field: &str| error[field].as_str().unwrap_or_else(|| panic!("no {field} in {frame}")).to_owned();
        assert_eq!(self.hear().await, None, "closed after the error");
        (text("code"), text("message"))
    }
}

/// A hello that is welcome.
pub(super) fn hello(participant: &str, session: &str) -> Value {
    serde_json::json!({"hello": {
        "protocol": 1, "role": "participant", "participant": participant, "session": session, "memory": "volatile",
        "bus": "shop", "fingerprint": fingerprint::<Shop>(), "acknowledged": 0, "sent": 0, "max_frame": 1_048_576,
    }})
}
