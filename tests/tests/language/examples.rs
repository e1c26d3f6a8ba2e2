//! The examples of the language's description, as they stand there.

// The examples are public, as they would be in a library.
#![allow(unreachable_pub)]

use saga_runtime::definition::{Compensation, Deadline, Span};
use saga_runtime::message::{At, ParticipantCommand as _};
use saga_runtime::prelude::*;
use saga_runtime::saga::{Heard, Position, Slot, Verdict};
use serde::{Deserialize, Serialize};

type Label = String;
type WorkspaceId = u64;
type TabId = u64;
type BlockId = u64;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(AgentMux)]
pub enum Command {
    /// Pre-warm one hidden window.
    #[to(Host)]
    #[replies(PoolWindowAdded)]
    #[refuses(PoolFull, Quitting, OutOfMemory)]
    SpawnPoolWindow,

    #[to(Srv)]
    #[replies(TabDeleted)]
    #[refuses(LastTab, NoSuchTab)]
    DeleteTab { workspace: WorkspaceId, tab: TabId },

    /// Read only: changes nothing, so it needs no compensation.
    #[to(Srv)]
    #[replies(TabPosition)]
    #[query]
    PositionOf { tab: TabId },

    /// Worthless later: never queued while nobody is connected.
    #[to(Host)]
    #[live_only]
    ProbeUiThread { nonce: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(AgentMux)]
pub enum Event {
    /// Not a reply to anything: says who may publish it.
    #[from(Host)]
    PoolWindowPromoted {
        label: Label,
    },
    PoolWindowAdded {
        label: Label,
    },
    TabDeleted {
        blocks: Vec<BlockId>,
    },
    TabPosition {
        index: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    #[error("the pool is full")]
    PoolFull,
    #[error("the host is quitting")]
    Quitting,
    #[error("the host is short of memory")]
    OutOfMemory,
    #[error("a workspace keeps at least one tab")]
    LastTab,
    #[error("no such tab")]
    NoSuchTab,
}

pub struct AgentMux;
impl Bus for AgentMux {
    const NAME: &'static str = "agentmux";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

saga! {
    /// Every window promoted out of the pool is replaced by a fresh one.
    pub saga PoolRespawnOnPromote(promoted_label: Label) -> Label on AgentMux {
        trigger PoolWindowPromoted { label: promoted_label };
        concurrency allow;
        deadline 5s;

        /// Ask the host for a new hidden window.
        step refill -> Label {
            send SpawnPoolWindow;
            await PoolWindowAdded { label } => label;
            compensate none because "the next promote refills the pool";
        }

        return refill;
    }
}

fn promoted() -> PoolRespawnOnPromote {
    PoolRespawnOnPromote { promoted_label: "w1".to_owned() }
}

/// Rule: start.trigger.starts
/// Rule: testing.triggered-by
#[test]
fn a_promote_starts_it_and_nothing_else_does() {
    let event = Event::PoolWindowPromoted { label: "w1".to_owned() };
    assert_eq!(PoolRespawnOnPromote::triggered_by(&event), Some(promoted()));
    assert_eq!(PoolRespawnOnPromote::triggered_by(&Event::TabPosition { index: 1 }), None);
}

#[test]
fn it_goes_from_start_to_output() {
    let mut state = promoted().begin();
    assert_eq!(PoolRespawnOnPromote::position(&state), Position::Forward(0));
    let plan = PoolRespawnOnPromote::exchange(&state, At::step(0), None);
    assert_eq!((plan.within, plan.retry), (None, None));
    assert_eq!(plan.into_command(), Some(Command::SpawnPoolWindow));

    let handled = PoolRespawnOnPromote::answer(&mut state, At::step(0), None, Heard::Handled);
    assert_eq!(handled, Verdict::NoArm, "an event arm awaits its event");
    let added = Event::PoolWindowAdded { label: "w2".to_owned() };
    let verdict = PoolRespawnOnPromote::answer(&mut state, At::step(0), None, Heard::Event(&added));
    assert_eq!(verdict, Verdict::Done);
    let PoolRespawnOnPromoteState::Refill { refill } = &state;
    assert_eq!(refill, &Slot::full("w2".to_owned()));
    assert_eq!(PoolRespawnOnPromote::output(&state), "w2");
}

/// Rule: state.definition
/// Rule: versions.name
#[test]
fn its_definition_says_what_was_written() {
    let definition = PoolRespawnOnPromote::DEFINITION;
    assert_eq!(definition.name, "pool_respawn_on_promote");
    assert_eq!(definition.doc, "Every window promoted out of the pool is replaced by a fresh one.");
    assert_eq!(definition.deadline, Deadline::After(Span::Fixed(std::time::Duration::from_secs(5))));
    assert_eq!(definition.triggers[0].pattern, "PoolWindowPromoted { label: promoted_label }");
    let step = &definition.steps[0];
    assert_eq!((step.name, step.output, step.doc), ("refill", Some("Label"), "Ask the host for a new hidden window."));
    assert_eq!(step.exchange.action.command().expect("a command").name, "SpawnPoolWindow");
    assert_eq!(step.compensation, Compensation::None { because: "the next promote refills the pool" });
    assert_eq!(definition.returns, Some("refill"));
}

/// Rule: bus.to
#[test]
fn commands_are_split_by_participant() {
    let delete = Command::DeleteTab { workspace: 1, tab: 2 };
    assert_eq!(SrvCommand::narrow(delete.clone()), Ok(SrvCommand::DeleteTab { workspace: 1, tab: 2 }));
    assert_eq!(HostCommand::narrow(delete.clone()), Err(delete.clone()));
    assert_eq!(Command::from(SrvCommand::DeleteTab { workspace: 1, tab: 2 }), delete);
    assert_eq!((HostCommand::PARTICIPANT, SrvCommand::PARTICIPANT), ("host", "srv"));
}

/// Rule: bus.replies
/// Rule: bus.from
#[test]
fn what_was_declared_of_commands_and_events() {
    let spawn = saga_runtime::message::Command::info(&Command::SpawnPoolWindow);
    assert_eq!((spawn.name, spawn.to, spawn.doc), ("SpawnPoolWindow", "host", "Pre-warm one hidden window."));
    assert_eq!(spawn.refuses, ["PoolFull", "Quitting", "OutOfMemory"]);
    let delete = saga_runtime::message::Command::info(&Command::DeleteTab { workspace: 1, tab: 2 });
    assert_eq!(delete.fields, "{ workspace: WorkspaceId, tab: TabId }");
    let position = saga_runtime::message::Command::info(&Command::PositionOf { tab: 2 });
    assert!(position.query && !position.live_only);
    assert!(saga_runtime::message::Command::info(&Command::ProbeUiThread { nonce: 1 }).live_only);
    let promoted = Event::PoolWindowPromoted { label: String::new() };
    assert_eq!(saga_runtime::message::Event::info(&promoted).from, Some("host"));
}
