//! Every saga of the catalogue on all its paths with at most two faults.

use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::JoinHandle;
use std::time::Duration;

use saga_runtime::definition::{Compensation, Deadline, Definition, Step};
use saga_runtime::lock::Locked;
use saga_runtime::prelude::*;

use super::*;
use crate::bus::{BlockId, Command, Event, Place, Session, TabId, Timeout, WorkspaceId};

/// What happens to every saga that sends a command.
const EVERYWHERE: [Fault; 7] = [
    Fault::Refused,
    Fault::Disconnected,
    Fault::Late,
    Fault::Twice,
    Fault::Cancelled,
    Fault::Deadline,
    Fault::Restarted,
];

/// What host and srv may say to a command.
pub(super) fn answers(command: &Command) -> Vec<Event> {
    let label = || "new".into();
    let place = Place { column: 0, row: 1, alone: false };
    match command {
        Command::SpawnPoolWindow => vec![Event::PoolWindowAdded { label: label() }],
        Command::SpawnWindow => vec![Event::WindowOpened { label: label() }],
        Command::ReapPanes { .. } => vec![Event::PanesReaped],
        Command::DrainPoolIfLast { .. } => vec![Event::PoolDrained, Event::PoolNotLast],
        Command::RunCommand { .. } => vec![Event::RunCompleted { sequence: 7, status: 0 }, Event::SessionExited],
        Command::CreateWorkspace => vec![Event::WorkspaceCreated { workspace: WorkspaceId(9) }],
        Command::ContentsOf { .. } => {
            vec![Event::WorkspaceContents { tabs: vec![TabId(1), TabId(2)], blocks: vec![BlockId(1), BlockId(2)] }]
        }
        Command::CreateTab { .. } => vec![Event::TabCreated { tab: TabId(9) }],
        Command::DeleteTab { .. } => vec![Event::TabDeleted { blocks: vec![BlockId(1), BlockId(2)] }],
        Command::MoveTab { .. } => {
            vec![Event::TabMoved { was_at: 1, left: 0 }, Event::TabMoved { was_at: 0, left: 1 }]
        }
        Command::DeleteBlock { .. } => vec![Event::BlockDeleted],
        Command::DeleteBlocks { .. } => vec![Event::BlocksDeleted],
        Command::MoveBlock { .. } => vec![Event::BlockMoved { was_at: place }],
        Command::PlaceOf { .. } => vec![Event::BlockPlace { tab: TabId(3), place }],
        Command::CloseWindow { .. }
        | Command::DeleteWorkspace { .. }
        | Command::CloseGaps { .. }
        | Command::StartSession { .. }
        | Command::EndSession { .. } => Vec::new(),
    }
}

/// All sagas, explored.
pub(super) static ALL: LazyLock<All> = LazyLock::new(all);

pub(super) struct All {
    explored: Vec<(&'static Definition, Explored)>,
    /// With states from each of their places.
    pub(super) locked: Vec<Locked>,
}

type Walk = JoinHandle<((&'static Definition, Explored), Locked)>;

fn all() -> All {
    let (block, tab, workspace) = (BlockId(1), TabId(1), WorkspaceId(1));
    let walks = [
        walk(PoolRespawnOnPromote { promoted_label: "w1".into() }),
        walk(WindowCleanupCascade { closed_label: "w1".into() }),
        walk(ReplaceWindow { old: "old".into() }),
        walk(TearOffTab { tab, source: workspace }),
        walk(TearOffBlock { block, source_tab: tab, workspace }),
        walk(RestoreTornOffTab { tab, source: workspace, target: WorkspaceId(2) }),
        walk(PromoteBlockToTab { block, source_tab: tab, workspace }),
        walk(RedockFloatingPane { block, target_tab: tab, workspace }),
        walk(DeleteBlock { block, tab, workspace }),
        walk(DeleteTab { workspace, tab }),
        walk(DeleteWorkspace { workspace }),
        walk(ClosePane { blocks: vec![block, BlockId(2)], tab, workspace }),
        walk(WaitedRun {
            session: Session { window: "w1".into(), pane: 1 },
            command: "ls".into(),
            timeout: Timeout::of(Duration::from_secs(5)),
        }),
    ];
    let (explored, locked) =
        walks.into_iter().map(|walk| walk.join().unwrap_or_else(|panic| resume_unwind(panic))).unzip();
    All { explored, locked }
}

/// All the paths of one saga, beside those of the others.
fn walk<S: Saga<Bus = AgentMux>>(input: S) -> Walk {
    std::thread::spawn(|| {
        let explored = explore::<S>(input, answers);
        let locked = Locked::explored::<S>(&explored);
        ((S::DEFINITION, explored), locked)
    })
}

#[test]
fn every_saga_holds_on_all_its_paths() {
    let names: Vec<_> = ALL.explored.iter().map(|(definition, _)| definition.name).collect();
    assert_eq!(names, DEFINITIONS.map(|definition| definition.name), "each saga of the catalogue is explored");
    for (definition, explored) in &ALL.explored {
        println!(
            "{}: {} states, {} transitions, {} paths; {:?} {:?} {:?}",
            definition.name,
            explored.states(),
            explored.transitions(),
            explored.paths(),
            explored.faults(),
            explored.places(),
            explored.outcomes()
        );
        assert_reached(definition, explored);
        assert!(explored.states() < 1500, "{}: so many states that nobody waits for them", definition.name);
    }
}

#[track_caller]
fn assert_reached(definition: &Definition, explored: &Explored) {
    let name = definition.name;
    for fault in EVERYWHERE {
        assert!(explored.count(fault) > 0 || !applies(definition, fault), "{name}: {fault:?} was not reached");
    }
    if definition.steps.iter().any(|step| step.compensation.undoes()) {
        for fault in [Fault::TimedOut, Fault::Running, Fault::Unknown, Fault::Operated] {
            assert!(explored.count(fault) > 0, "{name}: {fault:?} was not reached");
        }
    }
    for outcome in ["Completed", "Compensated: cancelled", "Compensated: deadline"] {
        let is_possible = outcome != "Compensated: deadline" || name != WaitedRun::DEFINITION.name;
        let ended = explored.outcomes().contains_key(outcome);
        assert_eq!(ended, is_possible, "{name}: {outcome}; a run that is waited for ends by its own timeout first");
    }
    for step in definition.steps {
        let reached = explored.places().keys().any(|place| place.to_lowercase() == step.name.replace('_', ""));
        assert!(reached, "{name}: step {} was not reached", step.name);
    }
    assert!(explored.unmade_refusals().is_empty(), "{name}: {:?}", explored.unmade_refusals());
}

fn applies(definition: &Definition, fault: Fault) -> bool {
    let commands = definition.steps.iter().filter_map(|step| step.exchange.action.command());
    match fault {
        Fault::Refused => commands.into_iter().any(|command| !command.refuses.is_empty()),
        Fault::Late => definition.steps.iter().any(is_left_in_doubt),
        Fault::Deadline => matches!(definition.deadline, Deadline::After(_)),
        _ => true,
    }
}

/// Whether nobody asks what became of a step when the saga fails at it, so that an answer may come late.
fn is_left_in_doubt(step: &Step) -> bool {
    let is_query = step.exchange.action.command().is_some_and(|command| command.query);
    is_query || matches!(step.compensation, Compensation::None { .. })
}
