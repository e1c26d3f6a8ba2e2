//! Sagas of all kinds on one workspace wait for each other: with a coordinator, and a small srv that keeps its tabs in
//! memory and stays shut until a test opens it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use saga_runtime::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::bus::{AgentMux, Event, Refusal, SrvCommand, TabId, WorkspaceId};

type Tabs = BTreeMap<WorkspaceId, Vec<TabId>>;

/// Tabs without blocks. It knows the guard of the last tab, and no compensations.
#[derive(Clone)]
struct SmallSrv {
    tabs: Arc<Mutex<Tabs>>,
    open: watch::Sender<bool>,
}

impl SmallSrv {
    /// With these tabs in workspaces 1, 2 and 3.
    fn shut(tabs: [&[u64]; 3]) -> Self {
        let tabs =
            (1..).zip(tabs).map(|(number, tabs)| (WorkspaceId(number), tabs.iter().copied().map(TabId).collect()));
        Self { tabs: Arc::new(Mutex::new(tabs.collect())), open: watch::channel(false).0 }
    }

    fn open(&self) {
        self.open.send_replace(true);
    }

    fn tabs(&self) -> MutexGuard<'_, Tabs> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tabs of a workspace; none if it is not there.
    fn tabs_of(&self, workspace: u64) -> Option<Vec<u64>> {
        Some(self.tabs().get(&WorkspaceId(workspace))?.iter().map(|tab| tab.0).collect())
    }

    fn create(&self) -> WorkspaceId {
        let mut tabs = self.tabs();
        let next = WorkspaceId(tabs.keys().last().map_or(1, |last| last.0 + 1));
        tabs.insert(next, Vec::new());
        next
    }

    fn delete(&self, workspace: WorkspaceId) -> Result<(), Refusal> {
        let mut tabs = self.tabs();
        match tabs.get(&workspace) {
            None => Err(Refusal::NoSuchWorkspace),
            Some(left) if !left.is_empty() => Err(Refusal::NotEmpty),
            Some(_) => {
                tabs.remove(&workspace);
                Ok(())
            }
        }
    }

    /// Where the tab was, and how many are left.
    fn take(&self, workspace: WorkspaceId, tab: TabId, cascade: bool) -> Result<(u32, u32), Refusal> {
        let mut tabs = self.tabs();
        let tabs = tabs.get_mut(&workspace).ok_or(Refusal::NoSuchTab)?;
        let at = tabs.iter().position(|known| *known == tab).ok_or(Refusal::NoSuchTab)?;
        if tabs.len() == 1 && !cascade {
            return Err(Refusal::LastTab);
        }
        tabs.remove(at);
        let count = |number| u32::try_from(number).expect("few tabs");
        Ok((count(at), count(tabs.len())))
    }
}

impl Participant for SmallSrv {
    type Command = SrvCommand;
    const MEMORY: Memory = Memory::Volatile;

    async fn handle(&self, command: SrvCommand, cx: &Context<AgentMux>) -> Result<(), Refusal> {
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        match command {
            SrvCommand::CreateWorkspace => cx.emit(Event::WorkspaceCreated { workspace: self.create() }),
            SrvCommand::DeleteWorkspace { workspace } => self.delete(workspace)?,
            SrvCommand::ContentsOf { workspace } => {
                let tabs = self.tabs().get(&workspace).cloned().ok_or(Refusal::NoSuchWorkspace)?;
                cx.emit(Event::WorkspaceContents { tabs, blocks: Vec::new() });
            }
            SrvCommand::DeleteTab { workspace, tab, cascade } => {
                self.take(workspace, tab, cascade)?;
                cx.emit(Event::TabDeleted { blocks: Vec::new() });
            }
            SrvCommand::MoveTab { tab, from, to, cascade, .. } => {
                let (was_at, left) = self.take(from, tab, cascade)?;
                self.tabs().entry(to).or_default().push(tab);
                cx.emit(Event::TabMoved { was_at, left });
            }
            other => panic!("no test needs it: {other:?}"),
        }
        Ok(())
    }
}

async fn coordinator(srv: &SmallSrv) -> Coordinator<AgentMux> {
    let builder = Coordinator::builder()
        .saga::<TearOffTab>()
        .saga::<RestoreTornOffTab>()
        .saga::<DeleteTab>()
        .saga::<DeleteWorkspace>()
        .log(MemoryLog::new())
        .participant(srv.clone());
    builder.start().await.expect("it starts")
}

async fn start<S: Saga<Bus = AgentMux>>(coordinator: &Coordinator<AgentMux>, saga: S) -> Handle<S> {
    coordinator.start(saga).await.expect("it is accepted")
}

/// The next saga that has to wait, and for which.
async fn queued(notices: &mut Notices) -> (SagaId, Option<SagaId>) {
    loop {
        if let Notice::SagaQueued { saga, behind, .. } = notices.next().await.expect("the coordinator runs") {
            return (saga, behind);
        }
    }
}

#[track_caller]
fn refusal<T: std::fmt::Debug>(outcome: Outcome<T>) -> Option<Refusal> {
    match outcome {
        Outcome::Compensated(cause) => cause.refusal(),
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn two_closes_of_the_last_two_tabs_leave_one() {
    let srv = SmallSrv::shut([&[1, 2], &[], &[]]);
    let coordinator = coordinator(&srv).await;
    let mut notices = coordinator.notices();
    let first = start(&coordinator, DeleteTab { workspace: WorkspaceId(1), tab: TabId(1) }).await;
    let second = start(&coordinator, DeleteTab { workspace: WorkspaceId(1), tab: TabId(2) }).await;
    assert_eq!(queued(&mut notices).await, (second.id(), Some(first.id())));
    srv.open();
    assert_eq!(first.outcome().await, Outcome::Completed(()));
    assert_eq!(refusal(second.outcome().await), Some(Refusal::LastTab));
    assert_eq!(srv.tabs_of(1), Some(vec![2]));
}

#[tokio::test]
async fn a_close_waits_for_a_tear_off_and_finds_the_last_tab() {
    let srv = SmallSrv::shut([&[1, 2], &[], &[]]);
    let coordinator = coordinator(&srv).await;
    let mut notices = coordinator.notices();
    let tear_off = start(&coordinator, TearOffTab { tab: TabId(1), source: WorkspaceId(1) }).await;
    let close = start(&coordinator, DeleteTab { workspace: WorkspaceId(1), tab: TabId(2) }).await;
    assert_eq!(queued(&mut notices).await, (close.id(), Some(tear_off.id())));
    srv.open();
    assert_eq!(refusal(close.outcome().await), Some(Refusal::LastTab));
    assert_eq!(tear_off.outcome().await, Outcome::Completed(WorkspaceId(4)));
    assert_eq!((srv.tabs_of(1), srv.tabs_of(4)), (Some(vec![2]), Some(vec![1])));
}

#[tokio::test]
async fn a_restore_holds_both_workspaces_and_no_other() {
    let srv = SmallSrv::shut([&[1], &[2, 3], &[4, 5]]);
    let coordinator = coordinator(&srv).await;
    let mut notices = coordinator.notices();
    let (source, target) = (WorkspaceId(1), WorkspaceId(2));
    let restore = start(&coordinator, RestoreTornOffTab { tab: TabId(1), source, target }).await;
    let on_source = start(&coordinator, DeleteWorkspace { workspace: source }).await;
    let elsewhere = start(&coordinator, DeleteTab { workspace: WorkspaceId(3), tab: TabId(4) }).await;
    let on_target = start(&coordinator, DeleteTab { workspace: target, tab: TabId(1) }).await;
    assert_eq!(queued(&mut notices).await, (on_source.id(), Some(restore.id())));
    assert_eq!(queued(&mut notices).await, (on_target.id(), Some(restore.id())), "not the one elsewhere");
    srv.open();
    assert_eq!(refusal(on_source.outcome().await), Some(Refusal::NoSuchWorkspace));
    for outcome in [restore.outcome().await, elsewhere.outcome().await, on_target.outcome().await] {
        assert_eq!(outcome, Outcome::Completed(()));
    }
    assert_eq!((srv.tabs_of(1), srv.tabs_of(2), srv.tabs_of(3)), (None, Some(vec![2, 3]), Some(vec![5])));
}

#[tokio::test]
async fn a_restore_waits_until_it_can_have_both_workspaces() {
    let srv = SmallSrv::shut([&[1], &[2, 3], &[]]);
    let coordinator = coordinator(&srv).await;
    let mut notices = coordinator.notices();
    let (source, target) = (WorkspaceId(1), WorkspaceId(2));
    let close = start(&coordinator, DeleteTab { workspace: target, tab: TabId(2) }).await;
    let restore = start(&coordinator, RestoreTornOffTab { tab: TabId(1), source, target }).await;
    assert_eq!(queued(&mut notices).await, (restore.id(), Some(close.id())));
    srv.open();
    assert_eq!(close.outcome().await, Outcome::Completed(()));
    assert_eq!(restore.outcome().await, Outcome::Completed(()));
    assert_eq!((srv.tabs_of(1), srv.tabs_of(2)), (None, Some(vec![3, 1])));
}

#[tokio::test]
async fn a_workspace_is_deleted_after_the_tab_that_is_torn_off_it_has_left() {
    let srv = SmallSrv::shut([&[1, 2], &[], &[]]);
    let coordinator = coordinator(&srv).await;
    let mut notices = coordinator.notices();
    let tear_off = start(&coordinator, TearOffTab { tab: TabId(1), source: WorkspaceId(1) }).await;
    let delete = start(&coordinator, DeleteWorkspace { workspace: WorkspaceId(1) }).await;
    assert_eq!(queued(&mut notices).await, (delete.id(), Some(tear_off.id())));
    srv.open();
    assert_eq!(delete.outcome().await, Outcome::Completed(()));
    assert_eq!(tear_off.outcome().await, Outcome::Completed(WorkspaceId(4)));
    assert_eq!((srv.tabs_of(1), srv.tabs_of(4)), (None, Some(vec![1])));
}
