//! Connections and processes that come and go: nothing lost, nothing doubled, no one mistaken for another.

use serde_json::json;

use super::bus::{PARTICIPANTS, Shop, key, promoted, spawn, spawned};
use super::ends::{Desk, Stranger, hello, place, quick, soon};
use crate::bus::{FromParticipant, Report, ToParticipant};
use crate::log::ReceivedRow;
use crate::message::Memory;
use crate::pipe::frame::ErrorCode;
use crate::pipe::{ClientError, EndpointError, PipeClient, PipeEvent, PipeServer};

fn published(number: u64) -> serde_json::Value {
    json!({"message": {"number": number, "body": {"published": {"Promoted": {"label": number.to_string()}}}}})
}

#[tokio::test]
async fn a_session_goes_on_where_it_was() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut host = Stranger::enter(&endpoint).await;
    host.say(&hello("host", "life")).await;
    let coordinator = host.hear().await.expect("a welcome")["welcome"]["session"].clone();
    desk.connected().await;
    (1..=3).for_each(|saga| desk.deliver(spawn(saga)));
    for _ in 0..3 {
        host.hear_frame().await.expect("a message");
    }
    host.say(&published(1)).await;
    host.say(&published(2)).await;
    assert_eq!(desk.record().await, Report::Published(promoted("1")));
    assert_eq!(desk.report().await.1, 2);
    drop(host);
    desk.disconnected().await;
    desk.deliver(spawn(4));

    let mut host = Stranger::enter(&endpoint).await;
    let mut again = hello("host", "life");
    again["hello"]["received"] = json!({"session": coordinator, "number": 1});
    again["hello"]["sent"] = json!(3);
    host.say(&again).await;
    let welcome = host.hear().await.expect("a welcome");
    assert_eq!((&welcome["welcome"]["resumed"], &welcome["welcome"]["received"]), (&json!(true), &json!(1)));
    assert!(desk.connected().await.1, "resumed");
    desk.taken(1).await;
    for number in 2..=4 {
        assert_eq!(host.hear_frame().await.expect("a message")["message"]["number"], number);
    }
    host.say(&published(2)).await;
    host.say(&published(3)).await;
    let FromParticipant::Report { number, .. } = desk.said().await else { panic!("a report") };
    assert_eq!(number, 3, "the second one is not told twice");
    assert!(matches!(desk.said().await, FromParticipant::CaughtUp));
    desk.ask(ToParticipant::Recorded(3));
    assert_eq!(host.hear_frame().await.expect("an ack")["ack"], 3);
}

#[tokio::test]
async fn another_life_gets_nothing_of_what_was_out() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let host = Stranger::host(&endpoint, "first life").await;
    desk.connected().await;
    desk.deliver(spawn(1));
    drop(host);
    desk.disconnected().await;
    desk.deliver(spawn(2));

    let mut host = Stranger::host(&endpoint, "second life").await;
    assert_eq!(desk.connected().await, ("second life".to_owned(), false));
    desk.deliver(spawn(2));
    let message = host.hear_frame().await.expect("a message");
    assert_eq!(message["message"]["number"], 1, "numbered from the start");
    assert_eq!(message["message"]["body"]["command"]["key"], key(2).to_string());
    host.say(&published(1)).await;
    assert_eq!(desk.report().await.1, 1);
}

#[tokio::test]
async fn a_new_connection_fences_the_old_one() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut old = Stranger::host(&endpoint, "old").await;
    desk.connected().await;
    let mut new = Stranger::host(&endpoint, "new").await;
    assert_eq!(old.refusal().await.0, "fenced");
    old.say(&published(1)).await;
    assert_eq!(desk.connected().await.0, "new");
    desk.deliver(spawn(1));
    assert_eq!(new.hear_frame().await.expect("a message")["message"]["number"], 1);
    new.say(&published(1)).await;
    assert_eq!(desk.report().await.0, "new", "the old one is not heard");
}

#[tokio::test]
async fn a_fenced_client_does_not_fight_back() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (_old, _deliveries, task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    desk.connected().await;
    let _new = Stranger::host(&endpoint, "new").await;
    let error = soon(task).await.expect("no panic").expect_err("fenced");
    assert!(matches!(error, ClientError::Refused { code: ErrorCode::Fenced, .. }), "{error}");
}

#[tokio::test]
async fn another_life_waits_until_the_last_words_of_the_old_one_are_recorded() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut old = Stranger::host(&endpoint, "old").await;
    old.say(&published(1)).await;
    assert_eq!(desk.report().await.1, 1);
    let mut new = Stranger::enter(&endpoint).await;
    new.write(format!("{}\n{}\n", hello("host", "new"), published(1)).as_bytes()).await;
    assert_eq!(old.refusal().await.0, "fenced");
    desk.ask(ToParticipant::Recorded(1));
    assert_eq!(new.hear().await.expect("a welcome")["welcome"]["received"], 0);
    assert_eq!(desk.report().await.0, "new");
    new.say(&json!({"ping": {}})).await;
    assert_eq!(new.hear_frame().await, Some(json!({"pong": {}})), "no ack: it was not the new one's report");
    desk.ask(ToParticipant::Recorded(1));
    assert_eq!(new.hear_frame().await, Some(json!({"ack": 1})));
}

#[tokio::test]
async fn a_coordinator_that_was_restarted_knows_what_was_recorded() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    desk.connected().await;
    desk.deliver(spawn(1));
    soon(deliveries.recv()).await.expect("delivered");
    let first = client.report(spawned(1)).await.expect("queued");
    let second = client.report(Report::Published(promoted("2"))).await.expect("queued");
    let (session, number, _) = desk.report().await;
    assert_eq!(desk.report().await.1, 2, "said, and lost with the coordinator");
    drop(desk);

    let received = ReceivedRow { participant: "host".to_owned(), session: session.clone(), number };
    let mut desk = Desk::open_with(&endpoint, quick(), vec![received]);
    assert_eq!(desk.connected().await, (session, false));
    soon(first).await.expect("recorded by the first one, acknowledged by the second");
    assert_eq!(desk.record().await, Report::Published(promoted("2")));
    soon(second).await.expect("recorded");
    desk.deliver(spawn(1));
    assert_eq!(soon(deliveries.recv()).await.expect("delivered anew").0.key(), key(1));
}

#[tokio::test]
async fn a_log_made_anew_does_not_ask_for_what_is_gone() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let recorded = client.report(Report::Published(promoted("1"))).await.expect("queued");
    desk.record().await;
    soon(recorded).await.expect("recorded");
    drop(desk);

    let mut desk = Desk::open(&endpoint);
    desk.connected().await;
    let recorded = client.report(Report::Published(promoted("2"))).await.expect("queued");
    assert_eq!(desk.report().await.1, 2);
    desk.ask(ToParticipant::Recorded(2));
    soon(recorded).await.expect("recorded");
}

#[tokio::test]
async fn stopping_tells_what_was_recorded_and_removes_the_socket() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let recorded = client.report(Report::Published(promoted("1"))).await.expect("queued");
    desk.record().await;
    soon(desk.server.stop()).await;
    soon(recorded).await.expect("recorded");
    assert!(!endpoint.directory().join("bus.sock").exists());
}

#[tokio::test]
async fn two_coordinators_do_not_share_an_endpoint() {
    let (_home, endpoint) = place();
    let _desk = Desk::open(&endpoint);
    let error = PipeServer::bind::<Shop>(&endpoint, quick(), PARTICIPANTS, Vec::new()).expect_err("in use");
    assert!(matches!(error, EndpointError::InUse { .. }), "{error}");
}

#[tokio::test]
async fn whoever_claims_what_was_never_sent_is_refused_and_takes_nobodys_place() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let mut host = Stranger::enter(&endpoint).await;
    host.say(&hello("host", "life")).await;
    let coordinator = host.hear().await.expect("a welcome")["welcome"]["session"].clone();
    desk.connected().await;
    let mut liar = Stranger::enter(&endpoint).await;
    let mut lie = hello("host", "life");
    lie["hello"]["received"] = json!({"session": coordinator, "number": 5});
    liar.say(&lie).await;
    assert_eq!(liar.refusal().await.0, "sequence");
    assert!(matches!(desk.event().await, PipeEvent::Refused { code: ErrorCode::Sequence, .. }));
    desk.deliver(spawn(1));
    assert_eq!(host.hear_frame().await.expect("a message")["message"]["number"], 1);
}
