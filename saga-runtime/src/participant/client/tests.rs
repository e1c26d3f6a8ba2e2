//! Over a real socket, with the coordinator's part played by the test.

use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::*;
use crate::bus::{Delivery, FromParticipant, Horizon, Payload, ToParticipant};
use crate::participant::test_bus::{AgentMux, Command, Event, How, Srv, key};
use crate::pipe::{Lines, PipeServer};

/// A coordinator that serves a directory of its own.
struct Coordinator {
    endpoint: Endpoint,
    lines: Lines<AgentMux>,
    /// Whether it records what it is told.
    records: bool,
    server: PipeServer,
    _directory: tempfile::TempDir,
}

impl Coordinator {
    fn new(options: PipeOptions) -> Self {
        Self::serving(&["srv", "renderer"], options)
    }

    fn serving(participants: &[&'static str], options: PipeOptions) -> Self {
        let directory = tempfile::tempdir().expect("there is a temporary directory");
        let endpoint = Endpoint::in_dir(directory.path().join("bus"));
        let (server, lines) =
            PipeServer::bind(&endpoint, options, participants, Vec::new()).expect("the directory is free");
        Self { endpoint, lines, records: true, server, _directory: directory }
    }

    /// Another life of it, at the same place.
    async fn restart(self) -> Self {
        let Self { endpoint, server, _directory, .. } = self;
        server.stop().await;
        let (server, lines) =
            PipeServer::bind(&endpoint, PipeOptions::default(), &["srv"], Vec::new()).expect("the old one is gone");
        Self { endpoint, lines, records: true, server, _directory }
    }

    fn act(&self, saga: u64, how: How) {
        let command = Payload::Typed(Command::Act(how));
        let delivery =
            Delivery::Command { key: key(saga), attempt: 1, saga: "test".into(), step: "act".into(), command };
        self.tell("srv", ToParticipant::Deliver(delivery, Horizon::ALL));
    }

    fn settle(&self, saga: u64) {
        self.tell("srv", ToParticipant::Deliver(Delivery::Settle { key: key(saga) }, Horizon::ALL));
    }

    fn tell(&self, participant: &str, what: ToParticipant<AgentMux>) {
        self.lines.participants[participant].send(what).expect("the line is there");
    }

    async fn next_report(&mut self) -> Report<AgentMux> {
        loop {
            let (participant, said) = self.lines.said.recv().await.expect("the pipe is there");
            if let FromParticipant::Report { number, report, .. } = said {
                if self.records {
                    self.tell(participant, ToParticipant::Recorded(number));
                }
                return report;
            }
        }
    }
}

struct Rig {
    coordinator: Coordinator,
    client: ParticipantClient<AgentMux>,
    gate: &'static Semaphore,
}

impl Rig {
    async fn new() -> Self {
        Self::with(PipeOptions::default()).await
    }

    async fn with(pipe_options: PipeOptions) -> Self {
        let coordinator = Coordinator::new(pipe_options.clone());
        let gate: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let srv = Srv { gate, reporters: mpsc::unbounded_channel().0 };
        let options = ParticipantOptions::default();
        let client = ParticipantClient::connect_with(&coordinator.endpoint, srv, options, pipe_options)
            .await
            .expect("the coordinator knows it");
        Self { coordinator, client, gate }
    }
}

fn handled(saga: u64) -> Report<AgentMux> {
    Report::Answered { key: key(saga), attempt: 1, answer: Answer::Handled(vec![]) }
}

/// Runs the client until the returned sender is dropped.
fn run(client: ParticipantClient<AgentMux>) -> (oneshot::Sender<()>, JoinHandle<Result<(), ClientError>>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async {
        let _ = stopped.await;
    };
    (stop, tokio::spawn(client.run_until(until)))
}

#[tokio::test]
async fn it_executes_what_it_is_sent() {
    let Rig { mut coordinator, client, .. } = Rig::new().await;
    let _running = tokio::spawn(client.run());
    coordinator.act(1, How::Nothing);
    assert_eq!(coordinator.next_report().await, handled(1));
    coordinator.settle(1);
    assert_eq!(coordinator.next_report().await, Report::Fate { key: key(1), fate: Fate::Done(vec![]) });
}

/// Rule: participants.publish-recorded
#[tokio::test]
async fn it_publishes_while_it_runs_and_waits_until_that_is_recorded() {
    let Rig { mut coordinator, client, .. } = Rig::new().await;
    let events = client.publishing();
    let _running = tokio::spawn(client.run());
    coordinator.records = false;
    let mut publishing = tokio::spawn(async move { events.publish(Event::TabTouched).await });
    assert_eq!(coordinator.next_report().await, Report::Published(Event::TabTouched));
    let early = tokio::time::timeout(Duration::from_millis(20), &mut publishing).await;
    assert!(early.is_err(), "nothing is recorded yet");
    coordinator.tell("srv", ToParticipant::Recorded(1));
    assert_eq!(publishing.await.expect("it does not panic"), Ok(()));
}

/// Rule: bus.own-only
#[tokio::test]
async fn an_event_of_anothers_is_not_published() {
    let Rig { client, .. } = Rig::new().await;
    let error = client.publish(Event::TabClicked { tab: 1 }).await.expect_err("it is the renderer's");
    assert_eq!(error, PublishError::NotYours { event: "TabClicked", name: "srv".into() });
    let error = client.publish(Event::TabPosition { index: 1 }).await.expect_err("it is a reply");
    assert_eq!(
        error.to_string(),
        "`TabPosition` is not for `srv` to publish; declare it `#[from(..)]` that participant, or publish another"
    );
}

/// Rule: participants.publisher
#[tokio::test]
async fn one_that_only_publishes_needs_no_participant() {
    let mut coordinator = Coordinator::new(PipeOptions::default());
    let endpoint = coordinator.endpoint.clone();
    let publishing = tokio::spawn(async move {
        let client = ParticipantClient::publisher(endpoint, "renderer");
        client.publish(Event::TabClicked { tab: 3 }).await
    });
    assert_eq!(coordinator.next_report().await, Report::Published(Event::TabClicked { tab: 3 }));
    assert_eq!(publishing.await.expect("it does not panic"), Ok(()));
}

#[tokio::test]
async fn a_shutdown_lets_what_runs_end_and_its_answer_be_recorded() {
    let Rig { mut coordinator, client, gate } = Rig::new().await;
    let (stop, running) = run(client);
    coordinator.act(1, How::WaitForGate);
    coordinator.settle(1);
    assert_eq!(coordinator.next_report().await, Report::Fate { key: key(1), fate: Fate::Running });
    drop(stop);
    gate.add_permits(1);
    assert_eq!(coordinator.next_report().await, handled(1));
    assert_eq!(running.await.expect("it does not panic"), Ok(()));
}

#[tokio::test]
async fn a_coordinator_that_was_away_gets_the_answer_and_the_command_runs_once() {
    let Rig { mut coordinator, client, gate } = Rig::new().await;
    let _running = tokio::spawn(client.run());
    coordinator.act(1, How::WaitForGate);
    coordinator.settle(1);
    assert_eq!(coordinator.next_report().await, Report::Fate { key: key(1), fate: Fate::Running });
    let mut coordinator = coordinator.restart().await;
    coordinator.act(1, How::WaitForGate);
    gate.add_permits(2);
    assert_eq!(coordinator.next_report().await, handled(1));
    coordinator.settle(1);
    let done = Report::Fate { key: key(1), fate: Fate::Done(vec![]) };
    while coordinator.next_report().await != done {}
    assert_eq!(gate.available_permits(), 1, "one run took one");
}

#[tokio::test]
async fn an_answer_that_no_frame_can_carry_is_a_complaint() {
    let Rig { mut coordinator, client, .. } =
        Rig::with(PipeOptions { max_frame: 4096, ..PipeOptions::default() }).await;
    let _running = tokio::spawn(client.run());
    coordinator.act(1, How::EmitLong);
    let Report::Answered { answer: Answer::Broken(complaint), .. } = coordinator.next_report().await else {
        panic!("5000 bytes do not fit")
    };
    assert!(complaint.starts_with("the answer was lost: the report cannot be sent"), "{complaint}");
    coordinator.settle(1);
    assert_eq!(coordinator.next_report().await, Report::Fate { key: key(1), fate: Fate::Unknown });
    coordinator.act(2, How::Nothing);
    assert_eq!(coordinator.next_report().await, handled(2), "the pipe is still there");
}

#[tokio::test]
async fn a_participant_that_the_coordinator_does_not_know_is_told_so() {
    let coordinator = Coordinator::serving(&["renderer"], PipeOptions::default());
    let srv = Srv { gate: Box::leak(Box::new(Semaphore::new(0))), reporters: mpsc::unbounded_channel().0 };
    let error = ParticipantClient::connect(&coordinator.endpoint, srv).await.expect_err("nobody sends to it");
    assert!(matches!(&error, ClientError::Refused { name, .. } if name == "srv"), "{error}");
}
