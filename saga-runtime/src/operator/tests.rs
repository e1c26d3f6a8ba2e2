use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use super::*;
use crate::pipe::endpoint::{Endpoint, OPERATOR_SOCKET};
use crate::time::Timestamp;

/// Starts saga 7 whatever is asked, and tells what it is told.
#[derive(Clone)]
struct Scripted {
    notices: broadcast::Sender<Notice>,
}

impl Desk for Scripted {
    async fn request(&self, request: Request) -> Response {
        match request {
            Request::Start { name, .. } if name == "none" => Response::Error { message: "no such saga".to_owned() },
            Request::Start { .. } => Response::Started { saga: saga(7) },
            _ => Response::Operated,
        }
    }

    fn follow(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }
}

struct Running {
    _home: TempDir,
    endpoint: Endpoint,
    notices: broadcast::Sender<Notice>,
    server: JoinHandle<()>,
}

impl Running {
    fn new() -> Self {
        let home = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().expect("a directory");
        let endpoint = Endpoint::in_dir(home.path());
        let (notices, _) = broadcast::channel(4);
        let server = Server::bind(&endpoint).expect("bound");
        let server = tokio::spawn(server.serve(Scripted { notices: notices.clone() }));
        Self { _home: home, endpoint, notices, server }
    }

    async fn client(&self) -> Client {
        Client::connect(&self.endpoint).await.expect("connected")
    }

    /// Sends these bytes and nothing more; what comes back until the end.
    async fn says(&self, bytes: &[u8]) -> String {
        let socket = self.endpoint.socket(OPERATOR_SOCKET);
        let mut stream = UnixStream::connect(socket.path()).await.expect("connected");
        // The server may close before it has read all.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("JSON is UTF-8")
    }
}

fn saga(number: u64) -> SagaId {
    SagaId::new(number).expect("not zero")
}

fn unstuck(number: u64) -> Notice {
    Notice::SagaUnstuck { time: Timestamp::EPOCH, saga: saga(number), name: "trip".into() }
}

fn start(name: &str) -> Request {
    Request::Start { name: name.to_owned(), input: serde_json::Value::Null, key: None }
}

#[tokio::test]
async fn requests_are_answered_in_order() {
    let running = Running::new();
    let mut client = running.client().await;
    assert_eq!(client.request(&start("trip")).await.expect("an answer"), Response::Started { saga: saga(7) });
    assert_eq!(client.request(&Request::Participants).await.expect("an answer"), Response::Operated);
}

#[tokio::test]
async fn a_no_is_an_error_with_its_reason() {
    let running = Running::new();
    let mut client = running.client().await;
    let error = client.request(&start("none")).await.expect_err("refused");
    assert_eq!(error.to_string(), "no such saga");
    client.request(&start("trip")).await.expect("the connection is still good");
}

#[tokio::test]
async fn who_follows_a_saga_hears_of_that_one_only() {
    let running = Running::new();
    let mut all = running.client().await.follow(None).await.expect("following");
    let mut one = running.client().await.follow(Some(saga(2))).await.expect("following");
    for number in [1, 2] {
        running.notices.send(unstuck(number)).expect("somebody follows");
    }
    assert_eq!(all.next().await.expect("a notice"), Some(unstuck(1)));
    assert_eq!(all.next().await.expect("a notice"), Some(unstuck(2)));
    assert_eq!(one.next().await.expect("a notice"), Some(unstuck(2)));
}

#[tokio::test]
async fn who_is_too_slow_is_told_what_was_missed() {
    let running = Running::new();
    let mut slow = running.client().await.follow(None).await.expect("following");
    for number in 1..=6 {
        // The server does not run in between: there is one thread, and nothing is awaited.
        running.notices.send(unstuck(number)).expect("somebody follows");
    }
    assert_eq!(slow.next().await.expect("a notice"), Some(Notice::Lagged { missed: 2 }));
    assert_eq!(slow.next().await.expect("a notice"), Some(unstuck(3)));
}

#[tokio::test]
async fn who_follows_learns_that_the_coordinator_stopped() {
    let running = Running::new();
    let mut notices = running.client().await.follow(None).await.expect("following");
    running.server.abort();
    assert_eq!(notices.next().await.expect("an end"), None);
    let error = Client::connect(&running.endpoint).await.expect_err("stopped");
    assert!(error.is_not_running(), "{error}");
}

#[tokio::test]
async fn hostile_lines_get_one_error_and_the_end() {
    let running = Running::new();
    let deep = "[".repeat(100_000) + "\n";
    let long = vec![b'x'; (1 << 20) + 2];
    for bytes in [
        b"not json\n".as_slice(),
        b"\n",
        b"{}\n{}\n",
        br#"{"request":"start"}"#,
        b"{\"request\":\"destroy\"}\n",
        b"{\"request\":\"cancel\",\"saga\":0,\"by\":{\"who\":\"a\",\"why\":\"b\"}}\n",
        b"\xff\xfe\n",
        deep.as_bytes(),
        &long,
    ] {
        let answer = running.says(bytes).await;
        assert_eq!(answer.lines().count(), 1, "{answer}");
        assert!(answer.starts_with(r#"{"response":"error""#), "{answer}");
    }
    running.client().await.request(&start("trip")).await.expect("the others go on");
}

#[tokio::test]
async fn one_operator_too_many_is_told_so() {
    let running = Running::new();
    let mut seated = Vec::new();
    for _ in 0..32 {
        let mut client = running.client().await;
        client.request(&start("trip")).await.expect("a seat");
        seated.push(client);
    }
    let error = running.client().await.request(&start("trip")).await.expect_err("no seat");
    assert!(error.to_string().contains("32 operators are connected"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_silent_lose_their_seat() {
    let running = Running::new();
    let socket = running.endpoint.socket(OPERATOR_SOCKET);
    let mut stream = UnixStream::connect(socket.path()).await.expect("connected");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an end");
    assert!(answer.contains("no request came for 60s"), "{answer}");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_remedy() {
    let home = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().expect("a directory");
    let error = Client::connect(&Endpoint::in_dir(home.path())).await.expect_err("nobody there");
    assert!(error.is_not_running());
    assert!(error.to_string().contains("operator.sock; start it, or give the directory"), "{error}");
}
