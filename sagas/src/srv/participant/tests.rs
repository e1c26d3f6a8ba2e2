//! The srv at the end of a line, without sessions: the test takes its orders.

use std::time::Duration;

use saga_runtime::bus::{Delivery, FromParticipant, Horizon, Payload, Report, ToParticipant};
use saga_runtime::message::{Answer, At, ExchangeKey, LogId};
use saga_runtime::participant::spawn;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::bus::{BlockId, Command, Event, TabId, WorkspaceId};
use crate::srv::model::{Model, Session};
use crate::srv::store::{STORE_FILE, Store};

/// A srv, the coordinator's end of its line, and the taker of its orders.
struct Line {
    home: TempDir,
    store: Store,
    deliver: mpsc::UnboundedSender<ToParticipant<AgentMux>>,
    reports: mpsc::Receiver<(&'static str, FromParticipant<AgentMux>)>,
    orders: mpsc::UnboundedReceiver<Order>,
}

impl Line {
    fn new() -> Self {
        Self::live(tempfile::tempdir().expect("a directory"))
    }

    fn live(home: TempDir) -> Self {
        let path = home.path().join(STORE_FILE);
        let store = Store::open(&path).expect("a database");
        store.begin_life().expect("it can be written");
        let (orders_sender, orders) = mpsc::unbounded_channel();
        let srv = Transactional::new(store::open(&path).expect("a database"), Srv::new(orders_sender));
        let (say, reports) = mpsc::channel(64);
        let deliver = spawn(srv.expect("its own"), ParticipantOptions::default(), say);
        Self { home, store, deliver, reports, orders }
    }

    /// The life ends, and another one begins.
    async fn restart(self) -> Self {
        let Self { home, deliver, mut reports, .. } = self;
        drop(deliver);
        while reports.recv().await.is_some() {}
        Self::live(home)
    }

    fn send(&self, key: ExchangeKey, attempt: u32, command: Command) {
        let command = Payload::Typed(command);
        let delivery = Delivery::Command { key, attempt, saga: "saga".into(), step: "step".into(), command };
        self.deliver.send(ToParticipant::Deliver(delivery, Horizon::ALL)).expect("the srv is there");
    }

    async fn answer(&mut self) -> Answer<Event, Refusal> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.reports.recv()).await;
            let report = next.expect("it reports").expect("it is there");
            if let FromParticipant::Report { report: Report::Answered { answer, .. }, .. } = report.1 {
                return answer;
            }
        }
    }

    async fn ask(&mut self, key: ExchangeKey, command: Command) -> Answer<Event, Refusal> {
        self.send(key, 1, command);
        self.answer().await
    }

    async fn order(&mut self) -> Order {
        let next = tokio::time::timeout(Duration::from_secs(20), self.orders.recv()).await;
        next.expect("it orders").expect("it is there")
    }

    fn whole(&self) -> Model {
        self.store.whole().expect("it can be read")
    }

    /// A workspace with a tab with a block, as a user makes them.
    fn furnished() -> Self {
        let line = Self::new();
        let make = |model: &mut Model| {
            let workspace = model.make_workspace();
            let tab = model.make_tab(workspace).ok_or(Refusal::NoSuchWorkspace)?;
            model.make_block(tab).ok_or(Refusal::NoSuchTab)
        };
        line.store.transact(&Extent::default(), make).expect("it can be written");
        line
    }
}

fn key(saga: u64) -> ExchangeKey {
    let saga = SagaId::new(saga).expect("a number that is not zero");
    ExchangeKey { log: LogId::from_bits(7), saga, at: At::step(0) }
}

fn handled(event: Event) -> Answer<Event, Refusal> {
    Answer::Handled(vec![event])
}

const DONE: Answer<Event, Refusal> = Answer::Handled(Vec::new());
const BLOCK: BlockId = BlockId(1);
const END: Command = Command::EndSession { block: BLOCK };
const START: Command = Command::StartSession { block: BLOCK };

#[tokio::test]
async fn a_command_that_comes_again_is_done_once() {
    let mut line = Line::new();
    let created = handled(Event::WorkspaceCreated { workspace: WorkspaceId(1) });
    assert_eq!(line.ask(key(1), Command::CreateWorkspace).await, created);
    let mut line = line.restart().await;
    line.send(key(1), 2, Command::CreateWorkspace);
    assert_eq!(line.answer().await, created);
    assert_eq!(line.whole().workspaces.len(), 1);
}

#[tokio::test]
async fn the_guard_of_the_last_tab_is_in_the_transaction_of_the_delete() {
    let mut line = Line::furnished();
    assert_eq!(
        line.ask(key(1), Command::CreateTab { workspace: WorkspaceId(1) }).await,
        handled(Event::TabCreated { tab: TabId(2) })
    );
    let delete = |tab| Command::DeleteTab { workspace: WorkspaceId(1), tab: TabId(tab), cascade: false };
    line.send(key(2), 1, delete(1));
    line.send(key(3), 1, delete(2));
    let answers = [line.answer().await, line.answer().await];
    assert!(answers.contains(&Answer::Refused(Refusal::LastTab)), "{answers:?}");
    assert_eq!(line.whole().tabs.len(), 1);
}

#[tokio::test]
async fn a_session_is_ordered_to_end_and_answered_when_it_has() {
    let mut line = Line::furnished();
    line.send(key(1), 1, END);
    let order = line.order().await;
    assert_eq!(order.then, Then::End(BLOCK));
    assert_eq!(line.whole().sessions[&BLOCK], Session::Ending, "it is committed");
    line.store.session_ended(BLOCK).expect("it can be written");
    order.reporter.handled();
    assert_eq!(line.answer().await, DONE);
    assert_eq!(line.ask(key(2), END).await, DONE);
    assert!(line.orders.try_recv().is_err(), "the second found none");
}

#[tokio::test]
async fn a_session_that_stays_is_a_refusal_and_may_be_ended_again() {
    let mut line = Line::furnished();
    line.send(key(1), 1, END);
    let order = line.order().await;
    line.store.session_stays(BLOCK).expect("it can be written");
    order.reporter.refused(Refusal::SessionStays);
    assert_eq!(line.answer().await, Answer::Refused(Refusal::SessionStays));
    line.send(key(1), 2, END);
    line.order().await.reporter.handled();
    assert_eq!(line.answer().await, DONE);
}

#[tokio::test]
async fn what_a_life_leaves_of_sessions_is_resumed() {
    let mut line = Line::furnished();
    line.send(key(1), 1, END);
    let order = line.order().await;
    assert_eq!(order.then, Then::End(BLOCK));
    let mut line = line.restart().await;
    line.send(key(1), 2, END);
    assert_eq!(line.answer().await, DONE, "it has died with its life");
    assert!(line.orders.try_recv().is_err());

    line.send(key(2), 1, START);
    let _order = line.order().await;
    let mut line = line.restart().await;
    let order = line.order().await;
    assert_eq!(order.then, Then::Start(BLOCK));
    line.send(key(2), 2, START);
    order.reporter.handled();
    assert_eq!(line.answer().await, DONE);
}

#[tokio::test]
async fn a_rollback_that_deletes_with_sessions_is_answered_once_with_what_it_deleted() {
    let mut line = Line::furnished();
    let undo = ExchangeKey { at: At::step(0).undo(), ..key(1) };
    let delete = Command::DeleteTab { workspace: WorkspaceId(1), tab: TabId(1), cascade: false };
    line.send(undo, 1, delete.clone());
    let order = line.order().await;
    assert_eq!(order.then, Then::EndAll(vec![BLOCK]));
    let mut line = line.restart().await;
    line.send(undo, 2, delete);
    assert_eq!(line.answer().await, handled(Event::TabDeleted { blocks: vec![BLOCK] }));
    assert_eq!(line.whole().sessions.len(), 0);
}
