//! What takes too long, in virtual time.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::{Instant, advance};

use super::bus::{Shop, key, promoted, spawn};
use super::ends::{Desk, hello, quick};
use super::memory::Network;
use crate::bus::{Report, ToParticipant};
use crate::message::Memory;
use crate::pipe::frame::ErrorCode;
use crate::pipe::{ClientError, PipeClient, PipeEvent, PipeOptions};

async fn everything(mut stream: DuplexStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("UTF-8, to the end");
    text
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_never_comes_is_not_waited_for() {
    for part in ["", "{\"hello\":{\"protocol\":1,"] {
        let network = Network::new(1024, []);
        let mut desk = Desk::over(network.listen(), PipeOptions::default());
        let began = Instant::now();
        let mut silent = network.connect().expect("connected");
        silent.write_all(part.as_bytes()).await.expect("written");
        let PipeEvent::Refused { code, reason, .. } = desk.event().await else { panic!("refused") };
        assert_eq!((code, reason.as_str()), (ErrorCode::NoHello, "no hello came within 5s"));
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert!(everything(silent).await.contains("\"code\":\"no_hello\""));
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_who_say_nothing_do_not_pile_up() {
    let network = Network::new(1024, []);
    let mut desk = Desk::over(network.listen(), PipeOptions { max_handshakes: 2, ..PipeOptions::default() });
    let _silent = [network.connect(), network.connect()];
    let third = network.connect().expect("connected");
    assert!(matches!(desk.event().await, PipeEvent::Refused { code: ErrorCode::Crowded, .. }));
    assert!(everything(third).await.contains("\"code\":\"crowded\""));
    let patient = PipeOptions::default();
    let client = PipeClient::<Shop>::connect_over(network, "host", Memory::Volatile, patient);
    desk.connected().await;
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn another_users_process_is_refused_at_both_ends() {
    let network = Network::of_strangers();
    let mut desk = Desk::over(network.listen(), quick());
    let stranger = network.connect().expect("connected");
    assert!(everything(stranger).await.contains("\"code\":\"wrong_user\""));
    assert!(matches!(desk.event().await, PipeEvent::Refused { code: ErrorCode::WrongUser, .. }));
    let (_client, _deliveries, task) = PipeClient::<Shop>::connect_over(network, "host", Memory::Volatile, quick());
    assert_eq!(task.await.expect("no panic"), Err(ClientError::WrongUser));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_lives() {
    let network = Network::new(1024, []);
    let mut desk = Desk::over(network.listen(), PipeOptions::default());
    let (client, _deliveries, _task) =
        PipeClient::<Shop>::connect_over(network.clone(), "host", Memory::Volatile, PipeOptions::default());
    desk.connected().await;
    for _ in 0..3600 {
        advance(Duration::from_secs(1)).await;
    }
    let recorded = client.report(Report::Published(promoted("1"))).await.expect("queued");
    desk.record().await;
    recorded.await.expect("recorded");
    assert_eq!(network.used().len(), 0, "still the first connection");
}

#[tokio::test(start_paused = true)]
async fn a_participant_that_goes_silent_is_away() {
    let network = Network::new(1 << 16, []);
    let mut desk = Desk::over(network.listen(), PipeOptions::default());
    let mut host = network.connect().expect("connected");
    host.write_all(format!("{}\n", hello("host", "life")).as_bytes()).await.expect("written");
    desk.connected().await;
    let began = Instant::now();
    assert_eq!(desk.disconnected().await, "nothing was heard for 10s");
    assert_eq!(began.elapsed(), Duration::from_secs(12), "five heartbeats, and one more to be sure");
    assert!(everything(host).await.matches("{\"ping\":{}}\n").count() >= 5);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_goes_silent_is_connected_to_again() {
    let network = Network::new(1024, []);
    let mut mute = network.listen();
    let _client = PipeClient::<Shop>::connect_over(network.clone(), "host", Memory::Volatile, PipeOptions::default());
    let carrier = crate::pipe::transport::Listen::accept(&mut mute).await.expect("connected");
    let mut desk = Desk::over(network.listen(), PipeOptions::default());
    desk.connected().await;
    drop(carrier);
}

/// Says hello, and then makes itself heard without ever reading, until told to.
async fn deaf(stream: DuplexStream) -> BufReader<DuplexStream> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(format!("{}\n", hello("host", "life")).as_bytes()).await.expect("written");
    for _ in 0..20 {
        stream.get_mut().write_all(b"{\"ping\":{}}\n").await.expect("written");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stream
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_gets_whole_frames_in_order_later() {
    let network = Network::new(512, []);
    let mut desk = Desk::over(network.listen(), PipeOptions::default());
    let host = tokio::spawn(deaf(network.connect().expect("connected")));
    desk.connected().await;
    (1..=100).for_each(|saga| desk.deliver(spawn(saga)));
    let mut host = host.await.expect("no panic");
    let mut number = 0;
    while number < 64 {
        let mut line = String::new();
        host.read_line(&mut line).await.expect("a line");
        let frame: Value = serde_json::from_str(&line).expect("a whole frame");
        if let Some(message) = frame.get("message") {
            number += 1;
            assert_eq!(message["number"], number);
            assert_eq!(message["body"]["command"]["key"], key(number).to_string());
        }
        assert!(frame.get("error").is_none(), "{frame}");
    }
    host.get_mut().write_all(format!("{}\n", json!({"ack": 64})).as_bytes()).await.expect("written");
    desk.taken(64).await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_connection_ends_with_whole_frames() {
    // Holds less than a frame, so that one is always half written.
    let network = Network::new(100, []);
    let mut desk = Desk::over(network.listen(), PipeOptions::default());
    let mut old = network.connect().expect("connected");
    old.write_all(format!("{}\n", hello("host", "old")).as_bytes()).await.expect("written");
    desk.connected().await;
    (1..=3).for_each(|saga| desk.deliver(spawn(saga)));
    let mut new = network.connect().expect("connected");
    new.write_all(format!("{}\n", hello("host", "new")).as_bytes()).await.expect("written");
    assert_eq!(desk.disconnected().await, "another connection took its place");
    let text = everything(old).await;
    let frames: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a whole frame")).collect();
    assert!(text.ends_with('\n'));
    assert!(frames[0].get("welcome").is_some(), "{text}");
    assert_eq!(frames.last().expect("frames")["error"]["code"], "fenced", "{text}");
    assert!(frames.iter().all(|frame| frame.get("message").is_none()), "what was not begun is not written: {text}");
    assert_eq!(desk.connected().await.0, "new");
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_busy_does_not_take_its_participants_for_dead() {
    let network = Network::new(1 << 20, []);
    let mut desk = Desk::over(network.listen(), PipeOptions { window: 1000, ..PipeOptions::default() });
    let options = PipeOptions { window: 1000, ..PipeOptions::default() };
    let (client, _deliveries, _task) =
        PipeClient::<Shop>::connect_over(network.clone(), "host", Memory::Volatile, options);
    let mut last = None;
    for label in 1..=1000 {
        last = Some(client.report(Report::Published(promoted(&label.to_string()))).await.expect("queued"));
    }
    for _ in 0..600 {
        advance(Duration::from_secs(1)).await;
    }
    for label in 1..=1000 {
        assert_eq!(desk.report().await.1, label);
    }
    desk.ask(ToParticipant::Recorded(1000));
    last.expect("a thousand").await.expect("recorded");
    assert_eq!(network.used().len(), 0, "still the first connection");
}
