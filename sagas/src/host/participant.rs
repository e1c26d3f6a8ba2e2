//! The host as a participant: its commands, and what it does for each.

use saga_runtime::prelude::*;

use super::Host;
use super::windows::Place;
use crate::bus::{AgentMux, Event, HostCommand, Refusal};

impl Participant for Host {
    type Command = HostCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: HostCommand, cx: &Context<AgentMux>) -> Result<(), Refusal> {
        let asked_by = cx.key().to_string();
        let reply = match command {
            HostCommand::SpawnPoolWindow => {
                let label = self.spawn(Place::Pool, &asked_by).await?;
                Event::PoolWindowAdded { label }
            }
            HostCommand::SpawnWindow => {
                let label = self.spawn(Place::Desk, &asked_by).await?;
                Event::WindowOpened { label }
            }
            HostCommand::CloseWindow { label } => return self.close(&label, cx.mode()),
            HostCommand::RunCommand { session, command } => {
                let run = self.run(&session, &command)?;
                Self::report_end(run, cx.reporter());
                return Ok(());
            }
            HostCommand::ReapPanes { label } => {
                self.reap(&label).await?;
                Event::PanesReaped
            }
            HostCommand::DrainPoolIfLast { label: _ } if self.drain_if_last() => Event::PoolDrained,
            HostCommand::DrainPoolIfLast { label: _ } => Event::PoolNotLast,
        };
        cx.emit(reply);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use saga_runtime::bus::{Delivery, FromParticipant, Horizon, Payload, Report, ToParticipant};
    use saga_runtime::message::{Answer, At, ExchangeKey, LogId};
    use saga_runtime::participant::spawn;
    use tokio::sync::mpsc;

    use super::*;
    use crate::bus::{Command, Label, Session};
    use crate::host::HostOptions;
    use crate::host::state::WindowState;
    use crate::terminal::SessionEvent;

    /// A host and the coordinator's end of its line.
    struct Line {
        host: Host,
        deliver: mpsc::UnboundedSender<ToParticipant<AgentMux>>,
        reports: mpsc::Receiver<(&'static str, FromParticipant<AgentMux>)>,
        _told: mpsc::UnboundedReceiver<Event>,
    }

    impl Line {
        fn new() -> Self {
            let (host, told) = Host::new(HostOptions::default());
            let (say, reports) = mpsc::channel(64);
            let deliver = spawn(host.clone(), ParticipantOptions::default(), say);
            Self { host, deliver, reports, _told: told }
        }

        fn send(&self, key: ExchangeKey, attempt: u32, command: Command) {
            let command = Payload::Typed(command);
            let delivery = Delivery::Command { key, attempt, saga: "saga".into(), step: "step".into(), command };
            self.deliver.send(ToParticipant::Deliver(delivery, Horizon::ALL)).expect("the host is there");
        }

        async fn report(&mut self) -> Report<AgentMux> {
            loop {
                let next = tokio::time::timeout(Duration::from_secs(20), self.reports.recv()).await;
                if let (_, FromParticipant::Report { report, .. }) = next.expect("it reports").expect("it is there") {
                    return report;
                }
            }
        }

        async fn answer(&mut self) -> Answer<Event, Refusal> {
            match self.report().await {
                Report::Answered { answer, .. } => answer,
                other => panic!("an answer was awaited, and {other:?} came"),
            }
        }

        async fn ask(&mut self, key: ExchangeKey, command: Command) -> Answer<Event, Refusal> {
            self.send(key, 1, command);
            self.answer().await
        }
    }

    fn key(saga: u64) -> ExchangeKey {
        let saga = SagaId::new(saga).expect("a number that is not zero");
        ExchangeKey { log: LogId::from_bits(7), saga, at: At::step(0) }
    }

    fn label_of(answer: Answer<Event, Refusal>) -> Label {
        match answer {
            Answer::Handled(events) => match events.as_slice() {
                [Event::PoolWindowAdded { label } | Event::WindowOpened { label }] => label.clone(),
                other => panic!("a window was awaited, and {other:?} came"),
            },
            other => panic!("a window was awaited, and {other:?} came"),
        }
    }

    #[tokio::test]
    async fn one_key_makes_one_window() {
        let mut line = Line::new();
        line.send(key(1), 1, Command::SpawnPoolWindow);
        line.send(key(1), 2, Command::SpawnPoolWindow);
        let label = label_of(line.answer().await);
        line.send(key(1), 3, Command::SpawnPoolWindow);
        assert_eq!(label_of(line.answer().await), label);
        let state = line.host.state();
        assert_eq!(state.windows.len(), 1);
        assert_eq!(state.windows[0].asked_by, Some(key(1).to_string()));
    }

    #[tokio::test]
    async fn two_keys_are_answered_each_by_its_own_window() {
        let mut line = Line::new();
        line.send(key(1), 1, Command::SpawnPoolWindow);
        line.send(key(2), 1, Command::SpawnPoolWindow);
        for _ in 0..2 {
            let Report::Answered { key, answer, .. } = line.report().await else { panic!("an answer was awaited") };
            let label = label_of(answer);
            let state = line.host.state();
            assert_eq!(state.window(&label).expect("it is there").asked_by, Some(key.to_string()));
        }
        assert_eq!(line.ask(key(3), Command::SpawnPoolWindow).await, Answer::Refused(Refusal::PoolFull));
    }

    #[tokio::test]
    async fn a_rollback_closes_what_a_user_could_not() {
        let mut line = Line::new();
        let label = label_of(line.ask(key(1), Command::SpawnWindow).await);
        line.host.type_in(&label, "sleep 1000\n".into()).await.expect("it is there");
        while !line.host.state().window(&label).expect("it is there").is_busy() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let close = Command::CloseWindow { label: label.clone() };
        assert_eq!(line.ask(key(2), close.clone()).await, Answer::Refused(Refusal::Busy));
        let undo = ExchangeKey { at: At::step(0).undo(), ..key(1) };
        assert_eq!(line.ask(undo, close).await, Answer::Handled(vec![]));
        assert_eq!(
            line.ask(key(3), Command::ReapPanes { label: label.clone() }).await,
            Answer::Handled(vec![Event::PanesReaped])
        );
        assert_eq!(
            line.ask(key(4), Command::DrainPoolIfLast { label }).await,
            Answer::Handled(vec![Event::PoolDrained])
        );
    }

    #[tokio::test]
    async fn an_open_window_keeps_its_panes_and_the_pool() {
        let mut line = Line::new();
        let label = label_of(line.ask(key(1), Command::SpawnWindow).await);
        let reap = Command::ReapPanes { label: label.clone() };
        assert_eq!(line.ask(key(2), reap).await, Answer::Refused(Refusal::StillOpen));
        let drain = Command::DrainPoolIfLast { label };
        assert_eq!(line.ask(key(3), drain).await, Answer::Handled(vec![Event::PoolNotLast]));
    }

    /// A window's first session, and how to have a command run in it.
    async fn session(line: &mut Line, saga: u64) -> Session {
        Session { window: label_of(line.ask(key(saga), Command::SpawnWindow).await), pane: 1 }
    }

    fn run(session: &Session, command: &str) -> Command {
        Command::RunCommand { session: session.clone(), command: command.to_owned() }
    }

    #[tokio::test]
    async fn one_key_runs_a_command_once_and_is_answered_when_it_has_finished() {
        let mut line = Line::new();
        let session = session(&mut line, 1).await;
        let command = run(&session, "printf started; read line; echo $line; false");
        line.send(key(2), 1, command.clone());
        line.send(key(2), 2, command.clone());
        line.send(key(3), 1, run(&session, "true"));
        while !line.host.output(&session.window).expect("it is there").ends_with("started") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        line.host.type_in(&session.window, "typed\n".into()).await.expect("it is there");
        let Answer::Handled(first) = line.answer().await else { panic!("it has finished") };
        let [Event::RunCompleted { sequence, status: 1 }] = first[..] else { panic!("{first:?}") };
        assert!(matches!(line.answer().await, Answer::Handled(_)), "the other one");
        line.send(key(2), 3, command);
        assert_eq!(line.answer().await, Answer::Handled(first), "from memory");
        let log = line.host.log(&session).expect("it is there");
        let complete = log.iter().find(|numbered| numbered.number == sequence).map(|numbered| &numbered.event);
        assert!(matches!(complete, Some(SessionEvent::RunComplete { status: 1, .. })), "{log:?}");
        let typed = log.iter().filter(|numbered| matches!(numbered.event, SessionEvent::InputRun { .. })).count();
        assert_eq!(typed, 2, "{log:?}");
    }

    #[tokio::test]
    async fn all_who_wait_are_told_when_the_session_ends() {
        let mut line = Line::new();
        let session = session(&mut line, 1).await;
        for saga in 2..5 {
            line.send(key(saga), 1, run(&session, "sleep 1000"));
        }
        while !line.host.state().window(&session.window).is_some_and(WindowState::is_busy) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        line.host.close(&session.window, Mode::Compensation).expect("it is there");
        for _ in 2..5 {
            assert_eq!(line.answer().await, Answer::Handled(vec![Event::SessionExited]));
        }
        assert_eq!(line.ask(key(5), run(&session, "ls")).await, Answer::Refused(Refusal::NoSuchSession));
    }

    #[tokio::test]
    async fn a_command_for_a_session_of_an_earlier_host_is_refused() {
        let mut first = Line::new();
        let session = session(&mut first, 1).await;
        first.send(key(2), 1, run(&session, "sleep 1000"));
        let mut second = Line::new();
        assert_eq!(second.ask(key(2), run(&session, "sleep 1000")).await, Answer::Refused(Refusal::NoSuchSession));
    }

    #[tokio::test]
    async fn a_session_takes_no_more_commands_than_it_may() {
        let mut line = Line::new();
        let session = session(&mut line, 1).await;
        for saga in 2..67 {
            line.send(key(saga), 1, run(&session, "sleep 1000"));
        }
        assert_eq!(line.answer().await, Answer::Refused(Refusal::TooManyRuns));
    }

    #[tokio::test]
    async fn a_program_of_the_user_gets_no_command_as_its_input() {
        let mut line = Line::new();
        let session = session(&mut line, 1).await;
        line.host.type_in(&session.window, "sleep 1000\n".into()).await.expect("it is there");
        while !line.host.state().window(&session.window).is_some_and(WindowState::is_busy) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(line.ask(key(2), run(&session, "ls")).await, Answer::Refused(Refusal::Busy));
    }
}
