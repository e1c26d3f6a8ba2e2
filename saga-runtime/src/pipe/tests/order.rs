//! What goes right: commands arrive, answers are recorded, windows hold.

use super::bus::{Ask, Shop, key, promoted, spawn, spawned};
use super::ends::{Desk, Stranger, place, quick, soon};
use crate::bus::{Delivery, FromParticipant, Horizon, Payload, Report, ToParticipant};
use crate::message::{Answer, Fate, Memory, SagaId};
use crate::pipe::{ClientError, PipeClient, PipeEvent, PipeOptions};

fn label(delivery: Delivery<Shop>) -> String {
    let Delivery::Command { command, .. } = delivery else { panic!("a command") };
    match command.into_typed().expect("a command of the bus") {
        Ask::Spawn { label } => label,
        Ask::Store | Ask::Ring => panic!("not for the host"),
    }
}

#[tokio::test]
async fn a_command_is_delivered_answered_and_recorded() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    assert!(!desk.connected().await.1);
    assert!(matches!(desk.said().await, FromParticipant::CaughtUp));

    let horizon = Horizon { lowest: SagaId::new(9).expect("not zero"), older: vec![SagaId::FIRST] };
    desk.ask(ToParticipant::Deliver(spawn(1), horizon.clone()));
    let (delivery, told) = soon(deliveries.recv()).await.expect("delivered");
    assert_eq!(delivery.key(), key(1));
    assert_eq!(told, horizon);
    assert_eq!(label(delivery), "w1");
    desk.taken(1).await;

    let recorded = client.report(spawned(1)).await.expect("queued");
    assert_eq!(desk.record().await, spawned(1));
    soon(recorded).await.expect("recorded");
}

#[tokio::test]
async fn settling_and_refusing_pass_too() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::None, quick());
    desk.connected().await;
    desk.deliver(Delivery::Settle { key: key(3) });
    let (delivery, _) = soon(deliveries.recv()).await.expect("delivered");
    assert!(matches!(delivery, Delivery::Settle { key: asked } if asked == key(3)));
    let reports = [
        Report::Fate { key: key(3), fate: Fate::Never },
        Report::Fate { key: key(3), fate: Fate::Done(vec![super::bus::Say::Spawned { label: "w".to_owned() }]) },
        Report::Answered { key: key(4), attempt: 2, answer: Answer::Refused(super::bus::No::Full) },
        Report::Answered { key: key(5), attempt: 1, answer: Answer::Broken("it panicked".to_owned()) },
    ];
    for report in reports {
        let recorded = client.report(report.clone()).await.expect("queued");
        assert_eq!(desk.record().await, report);
        soon(recorded).await.expect("recorded");
    }
}

/// Rule: attempts.same-bytes
#[tokio::test]
async fn the_recorded_bytes_are_the_delivered_bytes() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (_client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    desk.connected().await;
    let bytes = r#"{ "Spawn" : {"label":"\u00e4", "extra":1.50e0} }"#;
    let command = Payload::Encoded(serde_json::from_str(bytes).expect("JSON"));
    desk.deliver(Delivery::Command { key: key(1), attempt: 1, saga: "s".into(), step: "t".into(), command });
    let (delivery, _) = soon(deliveries.recv()).await.expect("delivered");
    let Delivery::Command { command: Payload::Encoded(arrived), .. } = delivery else { panic!("bytes") };
    assert_eq!(arrived.get(), bytes);
}

/// Rule: participants.publish-recorded
#[tokio::test]
async fn an_event_is_published_only_once_it_is_recorded() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, _task) = PipeClient::<Shop>::publisher(&endpoint, "clock", quick());
    let mut published = Box::pin(client.publish(super::bus::Say::Ticked));
    let number = tokio::select! {
        _ = &mut published => panic!("not recorded yet"),
        (_, number, report) = desk.report() => {
            assert_eq!(report, Report::Published(super::bus::Say::Ticked));
            number
        }
    };
    desk.lines.participants["clock"].send(ToParticipant::Recorded(number)).expect("the line is there");
    soon(published).await.expect("recorded");
}

#[tokio::test]
async fn a_participant_is_there_when_the_coordinator_comes() {
    let (_home, endpoint) = place();
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let first = client.report(Report::Published(promoted("1"))).await.expect("queued");
    let mut desk = Desk::open(&endpoint);
    soon(client.connected()).await.expect("connected");
    assert_eq!(desk.record().await, Report::Published(promoted("1")));
    soon(first).await.expect("recorded");
    assert!(matches!(desk.said().await, FromParticipant::CaughtUp), "after what there was to say");
}

#[tokio::test]
async fn no_more_than_the_window_is_out() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open_with(&endpoint, PipeOptions { window: 2, ..quick() }, Vec::new());
    let mut host = Stranger::host(&endpoint, "life").await;
    desk.connected().await;
    (1..=4).for_each(|saga| desk.deliver(spawn(saga)));
    for number in 1..=2 {
        assert_eq!(host.hear_frame().await.expect("a message")["message"]["number"], number);
    }
    desk.ask(ToParticipant::Withdraw(key(3)));
    desk.taken(1).await;
    host.say(&serde_json::json!({"ack": 1})).await;
    desk.taken(1).await;
    let next = host.hear_frame().await.expect("a message");
    assert_eq!(next["message"]["number"], 3);
    assert_eq!(next["message"]["body"]["command"]["key"], key(4).to_string(), "the withdrawn one never left");
}

#[tokio::test]
async fn a_client_reports_no_more_than_its_window_ahead() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let options = PipeOptions { window: 2, ..quick() };
    let (client, _deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, options);
    let reporter = tokio::spawn(async move {
        for label in 1..=20 {
            let _recorded = client.report(Report::Published(promoted(&label.to_string()))).await.expect("queued");
        }
    });
    assert_eq!(desk.report().await.1, 1);
    assert_eq!(desk.report().await.1, 2);
    assert!(!reporter.is_finished(), "20 reports do not fit");
    for label in 3..=20 {
        desk.ask(ToParticipant::Recorded(label - 2));
        let (_, number, report) = desk.report().await;
        assert_eq!((number, report), (label, Report::Published(promoted(&label.to_string()))));
    }
    soon(reporter).await.expect("all queued");
}

#[tokio::test]
async fn what_no_frame_can_carry_is_told() {
    let (_home, endpoint) = place();
    let options = PipeOptions { max_frame: 4096, ..quick() };
    let mut desk = Desk::open_with(&endpoint, options.clone(), Vec::new());
    let (client, mut deliveries, _task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, options);
    desk.connected().await;
    let command = Payload::Typed(Ask::Spawn { label: "x".repeat(5000) });
    desk.deliver(Delivery::Command { key: key(1), attempt: 1, saga: "s".into(), step: "t".into(), command });
    desk.deliver(spawn(2));
    let PipeEvent::Undeliverable { participant, key: dropped, reason } = desk.event().await else { panic!("told") };
    assert_eq!((participant, dropped), ("host", key(1)));
    assert!(reason.contains("max_frame"), "{reason}");
    desk.taken(2).await;
    assert_eq!(soon(deliveries.recv()).await.expect("the next one").0.key(), key(2));

    let error = client.publish(promoted(&"x".repeat(5000))).await.expect_err("too long");
    assert!(matches!(error, ClientError::Unsendable(_)), "{error}");
}

#[tokio::test]
async fn a_client_closes_when_all_is_recorded_and_nobody_reports_any_more() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, _deliveries, task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    let recorded = client.report(Report::Published(promoted("1"))).await.expect("queued");
    drop(client);
    desk.record().await;
    soon(recorded).await.expect("recorded");
    assert_eq!(soon(task).await.expect("no panic"), Ok(()));
    assert!(desk.disconnected().await.contains("closed"));
}

#[tokio::test]
async fn a_client_closes_when_nobody_takes_its_deliveries() {
    let (_home, endpoint) = place();
    let mut desk = Desk::open(&endpoint);
    let (client, deliveries, task) = PipeClient::<Shop>::connect(&endpoint, "host", Memory::Volatile, quick());
    desk.connected().await;
    drop(deliveries);
    assert_eq!(soon(task).await.expect("no panic"), Ok(()));
    assert_eq!(client.publish(promoted("1")).await, Err(ClientError::Closed));
}
