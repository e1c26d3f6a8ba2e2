//! Where a participant is proved: the coordinator's end of its pipe, as the checks hold it.

use std::time::Duration;

use tokio::time::timeout;

use super::bus::{Command, Conformance, Event, Refusal};
use super::cutting::{Budget, CutListener, Cutter};
use super::raw::Listening;
use super::{Running, Start};
use crate::bus::{Delivery, FromParticipant, Horizon, Payload, Report, SessionId, ToParticipant};
use crate::log::ReceivedRow;
use crate::message::{Answer, At, ExchangeKey, Fate, LogId, Memory, SagaId};
use crate::pipe::endpoint::BUS_SOCKET;
use crate::pipe::frame::ErrorCode;
use crate::pipe::{Endpoint, Lines, PipeEvent, PipeOptions, PipeServer};

/// The name of whoever is proved.
pub(super) const WORKER: &str = "worker";

/// Longer than anything takes that is kept.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens in the end; a panic with these words if it does not.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing came within {PATIENCE:?}"),
    }
}

/// One endpoint with a participant, and whatever of a coordinator a check needs.
pub(super) struct Stand {
    /// Of the participant.
    pub(super) memory: Memory,
    endpoint: Endpoint,
    start: Start,
    participant: Option<Running>,
    coordinator: Option<Coordinator>,
}

impl Stand {
    pub(super) fn new(memory: Memory, endpoint: Endpoint, start: Start) -> Self {
        Self { memory, endpoint, start, participant: None, coordinator: None }
    }

    /// A coordinator that keeps to the rules, and a participant that has connected to it.
    pub(super) async fn converse(&mut self) -> &mut Coordinator {
        self.serve(Vec::new());
        self.start();
        let coordinator = self.coordinator();
        coordinator.connected().await;
        coordinator
    }

    pub(super) fn coordinator(&mut self) -> &mut Coordinator {
        self.coordinator.as_mut().expect("a check has a coordinator before it speaks with it")
    }

    /// Starts a participant, in the place of the one before.
    pub(super) fn start(&mut self) {
        self.end();
        self.participant = Some((self.start)(&self.endpoint));
    }

    /// Ends the participant.
    pub(super) fn end(&mut self) {
        self.participant = None;
    }

    /// The coordinator dies with all that it has not recorded, and another one takes its place, which knows this.
    pub(super) async fn restart_coordinator(&mut self, received: Vec<ReceivedRow>) -> &mut Coordinator {
        self.assert_kept_to_the_protocol();
        if let Some(old) = self.coordinator.take() {
            old.cutter.cut_after(Budget::NONE);
            old.server.stop().await;
        }
        self.serve(received);
        self.coordinator()
    }

    /// A socket at which a check says and hears every byte itself; and a participant that finds it.
    pub(super) fn listen(&mut self) -> Listening {
        let socket = self.endpoint.socket(BUS_SOCKET).bind().and_then(|socket| socket.listen());
        let (listener, guard) = socket.expect("the endpoint is the check's own");
        self.start();
        Listening { listener, _guard: guard }
    }

    /// Panics if the coordinator had to close the connection for what came over it.
    pub(super) fn assert_kept_to_the_protocol(&mut self) {
        let Some(coordinator) = &mut self.coordinator else { return };
        while let Ok(event) = coordinator.lines.events.try_recv() {
            assert!(is_cut(&event), "{event}");
        }
    }

    fn serve(&mut self, received: Vec<ReceivedRow>) {
        let socket = self.endpoint.socket(BUS_SOCKET).bind().and_then(|socket| socket.listen());
        let (listener, guard) = socket.expect("the endpoint is the check's own");
        let cutter = Cutter::default();
        let listener = CutListener { listener, cutter: cutter.clone(), _guard: guard };
        let (server, lines) = PipeServer::serve(listener, PipeOptions::default(), &[WORKER], received);
        self.coordinator = Some(Coordinator { server, lines, cutter, horizon: Horizon::ALL, resumed: 0, looks: 0 });
    }
}

/// The end of a coordinator that keeps to the rules.
pub(super) struct Coordinator {
    server: PipeServer,
    lines: Lines<Conformance>,
    pub(super) cutter: Cutter,
    /// Goes with every delivery.
    pub(super) horizon: Horizon,
    /// How often the participant came back.
    pub(super) resumed: usize,
    looks: u32,
}

impl Coordinator {
    /// Has a command done.
    pub(super) fn ask(&self, key: ExchangeKey, attempt: u32, command: Command) {
        let command = Payload::Typed(command);
        let (saga, step) = ("proof".into(), format!("step{}", key.at.step).into());
        self.deliver(Delivery::Command { key, attempt, saga, step, command });
    }

    /// Has the first attempt of a command done, and gives the events with which it is handled.
    pub(super) async fn done(&mut self, key: ExchangeKey, command: Command) -> Vec<Event> {
        self.ask(key, 1, command);
        match self.hear().await {
            Report::Answered { key: answered, attempt: 1, answer: Answer::Handled(events) } if answered == key => {
                events
            }
            other => panic!("{key} was to be handled at attempt 1, and this came: {other:?}"),
        }
    }

    /// Asks for the fate of a key.
    pub(super) fn settle(&self, key: ExchangeKey) {
        self.deliver(Delivery::Settle { key });
    }

    /// The fate of a key.
    pub(super) async fn fate(&mut self, key: ExchangeKey) -> Fate<Event> {
        self.settle(key);
        match self.hear().await {
            Report::Fate { key: answered, fate } if answered == key => fate,
            other => panic!("the fate of {key} was to come, and this came: {other:?}"),
        }
    }

    /// How often the participant has worked. Asked through a saga of its own: what was asked before has come by then,
    /// and a report that nobody asked for shows here.
    pub(super) async fn runs(&mut self) -> u64 {
        self.looks += 1;
        let key = ExchangeKey { log: LogId::from_bits(1), ..key(1, 0) };
        let command = Payload::Typed(Command::Look { label: text("runs") });
        let look = Delivery::Command { key, attempt: self.looks, saga: "proof".into(), step: "look".into(), command };
        self.tell(ToParticipant::Deliver(look, Horizon::ALL));
        match self.hear().await {
            Report::Answered { key: answered, answer: Answer::Handled(events), .. } if answered == key => {
                match &events[..] {
                    [Event::Seen { runs, .. }] => *runs,
                    other => panic!("`Look` was answered with {other:?}"),
                }
            }
            other => panic!("nobody asked for this: {other:?}"),
        }
    }

    /// Until the participant has worked so often: what it was asked has been begun by then.
    pub(super) async fn until_it_ran(&mut self, runs: u64) {
        while self.runs().await < runs {}
    }

    /// The next report, which is recorded.
    pub(super) async fn hear(&mut self) -> Report<Conformance> {
        let (_, number, report) = self.hear_only().await;
        self.record(number);
        report
    }

    /// Until this report comes, after what an earlier coordinator may have heard and could not acknowledge any more.
    pub(super) async fn hear_until(&mut self, expected: &Report<Conformance>) {
        while self.hear().await != *expected {}
    }

    /// The next report with its session and its number, which is not recorded.
    pub(super) async fn hear_only(&mut self) -> (SessionId, u64, Report<Conformance>) {
        loop {
            match self.said("a report").await {
                FromParticipant::Report { session, number, report } => return (session, number, report),
                FromParticipant::Connected { resumed: true, .. } => self.resumed += 1,
                FromParticipant::Connected { .. } => panic!("it came back as somebody else"),
                _ => {}
            }
        }
    }

    pub(super) fn record(&self, number: u64) {
        self.tell(ToParticipant::Recorded(number));
    }

    /// Until a participant connects: its session, and whether it was resumed.
    pub(super) async fn connected(&mut self) -> (SessionId, bool) {
        loop {
            if let FromParticipant::Connected { session, resumed } = self.said("a connection").await {
                return (session, resumed);
            }
        }
    }

    /// Until the participant is away.
    pub(super) async fn disconnected(&mut self) {
        while !matches!(self.said("the end of a connection").await, FromParticipant::Disconnected { .. }) {}
    }

    async fn said(&mut self, what: &str) -> FromParticipant<Conformance> {
        let Lines { said, events, .. } = &mut self.lines;
        let news = async {
            loop {
                tokio::select! {
                    said = said.recv() => break said.expect("the lines are there").1,
                    Some(event) = events.recv() => assert!(is_cut(&event), "{event}"),
                }
            }
        };
        soon(what, news).await
    }

    fn deliver(&self, delivery: Delivery<Conformance>) {
        self.tell(ToParticipant::Deliver(delivery, self.horizon.clone()));
    }

    fn tell(&self, what: ToParticipant<Conformance>) {
        self.lines.participants[WORKER].send(what).expect("the line is there");
    }
}

/// Whether a hello did not come because its connection was cut.
fn is_cut(event: &PipeEvent) -> bool {
    matches!(event, PipeEvent::Refused { code: ErrorCode::NoHello, .. })
}

/// The key of a step of a saga.
pub(super) fn key(saga: u64, step: u16) -> ExchangeKey {
    ExchangeKey {
        log: LogId::from_bits(0x5eed),
        saga: SagaId::new(saga).expect("checks count from 1"),
        at: At::step(step),
    }
}

pub(super) fn text(label: &str) -> String {
    label.to_owned()
}

pub(super) fn work(label: &str) -> Command {
    Command::Work { label: text(label) }
}

pub(super) fn done(label: &str, runs: u64) -> Event {
    Event::Done { label: text(label), runs }
}

pub(super) fn handled(key: ExchangeKey, attempt: u32, events: Vec<Event>) -> Report<Conformance> {
    Report::Answered { key, attempt, answer: Answer::Handled(events) }
}

pub(super) fn refused(key: ExchangeKey, attempt: u32) -> Report<Conformance> {
    Report::Answered { key, attempt, answer: Answer::Refused(Refusal::NotYet) }
}
