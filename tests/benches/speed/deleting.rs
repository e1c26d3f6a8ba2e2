//! `DeleteBlock` of the catalogue: the real participant with its database, and the log in another; blocks that have no
//! session, many at once. Beside it the transactions that the two databases need.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use saga_runtime::prelude::*;
use sagas::bus::{AgentMux, BlockId, Refusal, TabId, WorkspaceId};
use sagas::catalogue::DeleteBlock;
use sagas::srv::model::Model;
use sagas::srv::store::{self, Extent, STORE_FILE, Store};
use sagas::srv::{Order, Srv};
use tokio::sync::{mpsc, oneshot};

use super::durable::Counting;
use super::job::{many, one_thread};
use super::measure::{medians, rate, sized};
use super::needed::{self, Writing};
use super::table::{Table, Target, per_second};

/// So many sagas are under way. Those of one workspace queue.
pub(crate) const AT_ONCE: usize = 100;
/// So many blocks are in a tab at first.
const BLOCKS_A_TAB: usize = 5;

/// The name of the log in its directory.
pub(crate) const LOG_FILE: &str = "sagas.db";

pub(crate) fn measure(table: &mut Table) {
    let at_most = Target::AtMost(3.0);
    let both = [(Writing::InOrder, at_most), (Writing::AtOnce, Target::None)];
    row(table, "`DeleteBlock` without a session, 100 at once", sized(5000), AT_ONCE, Line::InProcess, &both);
    row(table, "the same, over a socket", sized(5000), AT_ONCE, Line::Socket, &both[..1]);
    row(table, "the same, over ten workspaces, where they queue", sized(2000), 10, Line::InProcess, &both[..1]);
}

fn row(table: &mut Table, what: &str, blocks: usize, workspaces: usize, line: Line, beside: &[(Writing, Target)]) {
    for (writing, target) in beside {
        let mut commits = 0.0;
        let deletes = || {
            let directory = tempfile::tempdir().expect("a directory for a while");
            let (rate, commits_now) = run(directory.path(), blocks, workspaces, line);
            commits = commits_now;
            rate
        };
        let (here, beside) = medians(3, deletes, || needed::deletes(blocks, workspaces, *writing));
        let here_text = format!("{}, {commits:.3} commits of the log each", per_second(here));
        let beside_text = format!("{} for the transactions of two databases, {}", per_second(beside), writing.text());
        table.row(what, &here_text, &beside_text, beside / here, *target);
    }
}

/// How the participant is reached.
#[derive(Clone, Copy)]
pub(crate) enum Line {
    InProcess,
    Socket,
}

/// Deletes so many blocks, and leaves both databases there: blocks a second, and commits of the log for each.
pub(crate) fn run(directory: &Path, blocks: usize, workspaces: usize, line: Line) -> (f64, f64) {
    let furnished = furnish(directory, blocks, workspaces);
    let (orders_sender, _orders) = mpsc::unbounded_channel();
    let srv = srv(directory, orders_sender);
    let log = Counting::open(&directory.join(LOG_FILE));
    let commits = log.commits();
    let builder = Coordinator::<AgentMux>::builder().saga::<DeleteBlock>().log(log);
    let rate = one_thread().block_on(async {
        match line {
            Line::InProcess => {
                let coordinator = builder.participant(srv).start().await.expect("everything is given");
                all(coordinator, furnished).await
            }
            Line::Socket => {
                let endpoint = Endpoint::in_dir(directory.join("bus"));
                let coordinator = builder.listen(endpoint.clone()).start().await.expect("everything is given");
                let (stop, stopped) = oneshot::channel();
                let other = serve(endpoint, srv, stopped);
                let rate = all(coordinator, furnished).await;
                let _ = stop.send(());
                other.join().expect("the participant ends when it is told");
                rate
            }
        }
    });
    (rate, commits.load(Ordering::Relaxed) as f64 / blocks as f64)
}

async fn all(coordinator: Coordinator<AgentMux>, furnished: Vec<DeleteBlock>) -> f64 {
    let blocks = furnished.len();
    let furnished = Arc::new(furnished);
    let client = coordinator.clone();
    let took = many(blocks, AT_ONCE, move |number| {
        let (coordinator, furnished) = (client.clone(), Arc::clone(&furnished));
        async move {
            let saga = furnished[number as usize].clone();
            let handle = coordinator.start(saga).await.expect("the coordinator runs");
            assert_eq!(handle.outcome().await, Outcome::Completed(()), "there is such a block");
        }
    })
    .await;
    coordinator.stop().await.expect("the disk takes it");
    rate(blocks, took)
}

pub(crate) fn srv(directory: &Path, orders: mpsc::UnboundedSender<Order>) -> Transactional<Srv> {
    let database = store::open(&directory.join(STORE_FILE)).expect("the directory can be written");
    Transactional::new(database, Srv::new(orders)).expect("it has no other participant")
}

/// The participant in a thread of its own, until it is told to stop.
fn serve(endpoint: Endpoint, srv: Transactional<Srv>, stopped: oneshot::Receiver<()>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        one_thread().block_on(async {
            let client = ParticipantClient::connect(endpoint, srv).await.expect("the coordinator knows it");
            tokio::select! {
                _ = client.run() => {}
                _ = stopped => {}
            }
        });
    })
}

/// Makes workspaces with blocks that have no session; how to delete each, with neighbours in different workspaces.
pub(crate) fn furnish(directory: &Path, blocks: usize, workspaces: usize) -> Vec<DeleteBlock> {
    let store = Store::open(&directory.join(STORE_FILE)).expect("the directory can be written");
    let make = |model: &mut Model| -> Result<_, Refusal> {
        let workspaces: Vec<_> = (0..workspaces).map(|_| model.make_workspace()).collect();
        let tabs = blocks.div_ceil(BLOCKS_A_TAB).next_multiple_of(workspaces.len());
        let tabs: Option<Vec<_>> = workspaces
            .iter()
            .cycle()
            .take(tabs)
            .map(|workspace| Some((*workspace, model.make_tab(*workspace)?)))
            .collect();
        let tabs: Vec<(WorkspaceId, TabId)> = tabs.ok_or(Refusal::NoSuchWorkspace)?;
        let mut made = Vec::new();
        for _ in 0..BLOCKS_A_TAB {
            for (workspace, tab) in &tabs {
                let block: BlockId = model.make_block(*tab).ok_or(Refusal::NoSuchTab)?;
                made.push(DeleteBlock { block, tab: *tab, workspace: *workspace });
            }
        }
        model.sessions.clear();
        Ok(made)
    };
    let mut made = store.transact(&Extent::default(), make).expect("it can be written");
    made.truncate(blocks);
    made
}
