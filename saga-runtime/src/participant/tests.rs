//! The driver and the contract of a handler, seen from the coordinator's end of a line in its process.

use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::test_bus::{AgentMux, Command, Event, How, Refusal, Srv, key};
use super::*;
use crate::bus::{Delivery, FromParticipant, Horizon, Payload, Report, ToParticipant};
use crate::message::{Answer, Command as _, CommandInfo, Event as _, ExchangeKey, Fate};

/// A participant, and the coordinator's end of its line.
struct Rig {
    line: mpsc::UnboundedSender<ToParticipant<AgentMux>>,
    said: mpsc::Receiver<(&'static str, FromParticipant<AgentMux>)>,
    /// How many deliveries it has taken over, as far as that was heard.
    taken: usize,
    reporters: mpsc::UnboundedReceiver<Reporter<AgentMux>>,
    gate: &'static Semaphore,
}

impl Rig {
    fn new() -> Self {
        Self::with(ParticipantOptions::default())
    }

    fn with(options: ParticipantOptions) -> Self {
        let (reports, said) = mpsc::channel(64);
        let (given, reporters) = mpsc::unbounded_channel();
        let gate: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let line = spawn(Srv { gate, reporters: given }, options, reports);
        Self { line, said, taken: 0, reporters, gate }
    }

    fn deliver(&self, delivery: Delivery<AgentMux>) {
        self.line.send(ToParticipant::Deliver(delivery, Horizon::ALL)).expect("the line is there");
    }

    fn send(&self, key: ExchangeKey, attempt: u32, command: Command) {
        self.deliver(command_delivery(key, attempt, Payload::Typed(command)));
    }

    async fn settle(&mut self, key: ExchangeKey) -> Fate<Event> {
        self.deliver(Delivery::Settle { key });
        match self.heard().await {
            Report::Fate { fate, .. } => fate,
            other => panic!("a fate was asked for, and {other:?} came"),
        }
    }

    async fn heard(&mut self) -> Report<AgentMux> {
        self.next_report().await.expect("the participant reports")
    }

    /// None when it has stopped.
    async fn next_report(&mut self) -> Option<Report<AgentMux>> {
        loop {
            match self.said.recv().await?.1 {
                FromParticipant::Report { report, .. } => return Some(report),
                FromParticipant::Taken(more) => self.taken += more,
                _ => {}
            }
        }
    }

    /// Hears how much it has taken over by now.
    async fn settle_taken(&mut self) {
        tokio::task::yield_now().await;
        while let Ok((_, said)) = self.said.try_recv() {
            match said {
                FromParticipant::Taken(more) => self.taken += more,
                FromParticipant::Report { report, .. } => panic!("nothing is to be reported, and {report:?} came"),
                _ => {}
            }
        }
    }

    /// Drops the line. What it still says until it has stopped.
    async fn stop(self) -> Vec<Report<AgentMux>> {
        let Self { line, said, reporters, gate, .. } = self;
        drop(line);
        let mut rig = Self { line: mpsc::unbounded_channel().0, said, taken: 0, reporters, gate };
        let mut reports = Vec::new();
        while let Some(report) = rig.next_report().await {
            reports.push(report);
        }
        reports
    }

    async fn answer(&mut self, key: ExchangeKey, attempt: u32, command: Command) -> Answer<Event, Refusal> {
        self.send(key, attempt, command);
        self.next_answer(key, attempt).await
    }

    async fn next_answer(&mut self, of: ExchangeKey, to: u32) -> Answer<Event, Refusal> {
        match self.heard().await {
            Report::Answered { key, attempt, answer } => {
                assert_eq!((key, attempt), (of, to));
                answer
            }
            other => panic!("an answer was awaited, and {other:?} came"),
        }
    }

    /// What the participant complains about when it is asked to act like this.
    async fn complaint(how: How) -> String {
        match Self::new().answer(key(1), 1, Command::Act(how)).await {
            Answer::Broken(complaint) => complaint,
            other => panic!("a complaint was awaited, and {other:?} came"),
        }
    }
}

fn command_delivery(key: ExchangeKey, attempt: u32, command: Payload<Command>) -> Delivery<AgentMux> {
    Delivery::Command { key, attempt, saga: "delete_tab".into(), step: "tab".into(), command }
}

fn encoded(json: &str) -> Payload<Command> {
    Payload::Encoded(serde_json::value::RawValue::from_string(json.to_owned()).expect("the test writes JSON"))
}

fn deleted(workspace: u32, tab: u32) -> Answer<Event, Refusal> {
    Answer::Handled(vec![Event::TabDeleted { blocks: vec![workspace, tab] }])
}

/// Rule: bus.answered
#[tokio::test]
async fn the_example_of_the_contract_works() {
    let mut rig = Rig::new();
    let delete = |workspace| Command::DeleteTab { workspace, tab: 7 };
    assert_eq!(rig.answer(key(1), 1, delete(3)).await, deleted(3, 7));
    assert_eq!(rig.answer(key(2), 1, delete(0)).await, Answer::Refused(Refusal::LastTab));
    let undo = ExchangeKey { at: key(2).at.undo(), ..key(2) };
    assert_eq!(rig.answer(undo, 1, delete(0)).await, deleted(0, 7));
}

#[tokio::test]
async fn recorded_bytes_are_a_command_like_any_other() {
    let mut rig = Rig::new();
    rig.deliver(command_delivery(key(1), 1, encoded(r#"{"DeleteTab":{"workspace":3,"tab":7}}"#)));
    assert_eq!(rig.next_answer(key(1), 1).await, deleted(3, 7));
    assert_eq!(rig.answer(key(1), 2, Command::DeleteTab { workspace: 3, tab: 7 }).await, deleted(3, 7));
}

/// Rule: attempts.from-one
#[tokio::test]
async fn each_attempt_of_a_query_is_told_its_number() {
    let mut rig = Rig::new();
    for attempt in 1..=3 {
        let told = rig.answer(key(1), attempt, Command::PositionOf { tab: 10 }).await;
        assert_eq!(told, Answer::Handled(vec![Event::TabPosition { index: 10 + attempt }]));
    }
}

#[tokio::test]
async fn a_command_without_declared_replies_is_handled_without_one() {
    let mut rig = Rig::new();
    assert_eq!(rig.answer(key(1), 1, Command::Act(How::Nothing)).await, Answer::Handled(vec![]));
    assert_eq!(rig.answer(key(2), 1, Command::Act(How::EmitOwn)).await, Answer::Handled(vec![Event::TabTouched]));
}

#[tokio::test]
async fn an_event_that_is_not_declared_breaks_the_contract() {
    let complaint = Rig::complaint(How::EmitAnothers).await;
    assert_eq!(
        complaint,
        "`srv` emitted `PoolWindowAdded` for `Act`, which is neither one of its replies (none) nor an event from \
         `srv`; declare it in `#[replies]`, or emit another"
    );
}

#[test]
fn handled_without_a_declared_reply_breaks_the_contract() {
    let info = CommandInfo { replies: &["PoolDrained", "PoolNotLast"], ..*Command::Act(How::Nothing).info() };
    let complaint = contract::breach("srv", &info, &[Event::TabTouched.info()]);
    assert_eq!(
        complaint.as_deref(),
        Some(
            "`srv` handled `Act` without one of its declared replies (`PoolDrained`, `PoolNotLast`); emit one before \
             saying handled, or refuse"
        )
    );
}

/// Rule: attempts.handler-panics
#[tokio::test]
async fn a_panic_is_contained_and_its_message_told() {
    assert_eq!(Rig::complaint(How::PanicAfterEmitting).await, "the handler of `Act` panicked: no tab 1");
}

#[tokio::test]
async fn a_panic_leaves_the_fate_unknown_and_the_others_alone() {
    let mut rig = Rig::new();
    rig.answer(key(1), 1, Command::Act(How::PanicAfterEmitting)).await;
    assert_eq!(rig.answer(key(1), 2, Command::DeleteTab { workspace: 1, tab: 2 }).await, deleted(1, 2));
    rig.answer(key(2), 1, Command::Act(How::PanicAfterEmitting)).await;
    assert_eq!(rig.settle(key(2)).await, Fate::Unknown);
}

/// Rule: attempts.events-discarded
#[tokio::test]
async fn the_events_of_a_refused_command_are_discarded() {
    let mut rig = Rig::new();
    let refused = rig.answer(key(1), 1, Command::Act(How::RefuseAfterEmitting)).await;
    assert_eq!(refused, Answer::Refused(Refusal::NotNow));
    assert_eq!(rig.settle(key(1)).await, Fate::Never);
}

/// Rule: participants.deferred
#[tokio::test]
async fn a_reporter_answers_for_the_handler() {
    let mut rig = Rig::new();
    rig.send(key(1), 1, Command::Act(How::Defer));
    let reporter = rig.reporters.recv().await.expect("the handler defers");
    assert_eq!(rig.settle(key(1)).await, Fate::Running);
    reporter.emit(Event::TabTouched);
    reporter.handled();
    assert_eq!(rig.next_answer(key(1), 1).await, Answer::Handled(vec![Event::TabTouched]));

    rig.send(key(2), 1, Command::Act(How::Defer));
    rig.reporters.recv().await.expect("the handler defers").refused(Refusal::NotNow);
    assert_eq!(rig.next_answer(key(2), 1).await, Answer::Refused(Refusal::NotNow));
}

/// Rule: attempts.owes-a-reply
#[tokio::test]
async fn a_reporter_is_bound_by_the_contract_too() {
    let mut rig = Rig::new();
    rig.send(key(1), 1, Command::Act(How::Defer));
    let reporter = rig.reporters.recv().await.expect("the handler defers");
    reporter.emit(Event::TabPosition { index: 1 });
    reporter.handled();
    assert!(matches!(rig.next_answer(key(1), 1).await, Answer::Broken(why) if why.contains("`TabPosition`")));
}

#[tokio::test]
async fn a_dropped_reporter_breaks_the_command_off() {
    let expected = "`srv` dropped `Act` without an answer; let its reporter say handled or refused";
    assert_eq!(Rig::complaint(How::DropReporter).await, expected);

    let mut rig = Rig::new();
    rig.send(key(1), 1, Command::Act(How::Defer));
    drop(rig.reporters.recv().await);
    assert_eq!(rig.next_answer(key(1), 1).await, Answer::Broken(expected.to_owned()));
}

#[tokio::test]
async fn the_first_answer_counts() {
    let mut rig = Rig::new();
    let refused = rig.answer(key(1), 1, Command::Act(How::RefuseBesideReporter)).await;
    assert_eq!(refused, Answer::Refused(Refusal::NotNow));
    rig.reporters.recv().await.expect("the handler took one").handled();
    assert_eq!(rig.settle(key(1)).await, Fate::Never);
}

/// Rule: participants.in-order
#[tokio::test]
async fn one_sagas_commands_wait_for_each_other_and_another_sagas_do_not() {
    let mut rig = Rig::new();
    let second = ExchangeKey { at: crate::message::At::step(1), ..key(1) };
    rig.send(key(1), 1, Command::Act(How::WaitForGate));
    rig.send(second, 1, Command::Act(How::Nothing));
    assert_eq!(rig.answer(key(2), 1, Command::Act(How::Nothing)).await, Answer::Handled(vec![]));
    assert_eq!(rig.settle(key(1)).await, Fate::Running);
    rig.gate.add_permits(1);
    assert_eq!(rig.next_answer(key(1), 1).await, Answer::Handled(vec![]));
    assert_eq!(rig.next_answer(second, 1).await, Answer::Handled(vec![]));
}

#[tokio::test]
async fn a_command_that_cannot_be_read_is_a_complaint_without_its_values() {
    let mut rig = Rig::new();
    rig.deliver(command_delivery(key(1), 1, encoded(r#"{"DeleteTab":{"workspace":"hunter2","tab":7}}"#)));
    let Answer::Broken(complaint) = rig.next_answer(key(1), 1).await else { panic!("it cannot be handled") };
    assert!(complaint.starts_with("step `tab` of saga `delete_tab` sent `srv` what it cannot read (Data error"));
    assert!(!complaint.contains("hunter2"), "{complaint}");
    assert_eq!(rig.settle(key(1)).await, Fate::Never, "nothing was done");
}

#[tokio::test]
async fn anothers_command_is_a_complaint() {
    let mut rig = Rig::new();
    let answer = rig.answer(key(1), 1, Command::SpawnPoolWindow).await;
    let expected = "step `tab` of saga `delete_tab` sent `SpawnPoolWindow` to `srv`, but it is for `host`; check how \
                    the line is connected";
    assert_eq!(answer, Answer::Broken(expected.to_owned()));
}

#[tokio::test]
async fn a_full_inbox_takes_nothing_more() {
    let mut rig = Rig::with(ParticipantOptions { at_once: 1, waiting: 2, ..ParticipantOptions::default() });
    for number in 1..=4 {
        rig.send(key(number), 1, Command::Act(How::WaitForGate));
    }
    rig.settle_taken().await;
    assert_eq!(rig.taken, 3, "one runs, two wait, and the fourth stays outside");
    rig.gate.add_permits(4);
    for number in 1..=4 {
        assert_eq!(rig.next_answer(key(number), 1).await, Answer::Handled(vec![]));
    }
    rig.settle_taken().await;
    assert_eq!(rig.taken, 4);
}

#[tokio::test]
async fn a_stop_lets_what_runs_end_and_starts_nothing() {
    let rig = Rig::with(ParticipantOptions { at_once: 1, ..ParticipantOptions::default() });
    rig.send(key(1), 1, Command::Act(How::WaitForGate));
    rig.send(key(2), 1, Command::Act(How::Nothing));
    tokio::task::yield_now().await;
    let gate = rig.gate;
    let (reports, ()) = tokio::join!(rig.stop(), async { gate.add_permits(1) });
    let expected = Report::Answered { key: key(1), attempt: 1, answer: Answer::Handled(vec![]) };
    assert_eq!(reports, [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_off_what_does_not_end() {
    let rig = Rig::with(ParticipantOptions { grace: Duration::from_secs(5), ..ParticipantOptions::default() });
    rig.send(key(1), 1, Command::Act(How::WaitForGate));
    let began = tokio::time::Instant::now();
    assert_eq!(rig.stop().await, []);
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_does_not_hold_up_a_stop() {
    let grace = Duration::from_secs(5);
    let rig = Rig::with(ParticipantOptions { at_once: 1, waiting: 1, grace });
    for number in 1..=4 {
        rig.send(key(number), 1, Command::Act(How::WaitForGate));
    }
    let began = tokio::time::Instant::now();
    assert_eq!(rig.stop().await, []);
    assert_eq!(began.elapsed(), grace);
}
