//! A bus written by hand, as the derives write it, and a participant on it that does what it is asked to.

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use crate::message::{
    At, Bus, Command as BusCommand, CommandInfo, Event as BusEvent, EventInfo, ExchangeKey, LogId, ParticipantCommand,
    SagaId,
};
use crate::prelude::{Context, Memory, Mode, Participant, Reporter};

#[derive(Debug, PartialEq)]
pub(crate) struct AgentMux;

impl Bus for AgentMux {
    const NAME: &'static str = "agentmux";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Command {
    DeleteTab { workspace: u32, tab: u32 },
    PositionOf { tab: u32 },
    Act(How),
    SpawnPoolWindow,
}

/// What the handler of `Act` does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum How {
    Nothing,
    EmitOwn,
    EmitAnothers,
    /// More than a small frame holds.
    EmitLong,
    RefuseAfterEmitting,
    PanicAfterEmitting,
    /// Gives the reporter to the test.
    Defer,
    DropReporter,
    RefuseBesideReporter,
    /// Handled when the test lets it.
    WaitForGate,
}

const fn command(name: &'static str, to: &'static str, replies: &'static [&'static str], query: bool) -> CommandInfo {
    CommandInfo {
        name,
        doc: "",
        fields: "",
        to,
        replies,
        refuses: &[],
        query,
        live_only: false,
        harmless: false,
        redacted: &[],
    }
}

impl BusCommand for Command {
    type Bus = AgentMux;
    const COMMANDS: &'static [CommandInfo] = &[
        command("DeleteTab", "srv", &["TabDeleted"], false),
        command("PositionOf", "srv", &["TabPosition"], true),
        command("Act", "srv", &[], false),
        command("SpawnPoolWindow", "host", &["PoolWindowAdded"], false),
    ];

    fn index(&self) -> usize {
        match self {
            Self::DeleteTab { .. } => 0,
            Self::PositionOf { .. } => 1,
            Self::Act(_) => 2,
            Self::SpawnPoolWindow => 3,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
    TabDeleted { blocks: Vec<u32> },
    TabPosition { index: u32 },
    TabTouched,
    PoolWindowAdded { label: String },
    TabNoted { text: String },
    TabClicked { tab: u32 },
}

const fn event(name: &'static str, from: Option<&'static str>) -> EventInfo {
    EventInfo { name, doc: "", fields: "", from, redacted: &[] }
}

impl BusEvent for Event {
    type Bus = AgentMux;
    const EVENTS: &'static [EventInfo] = &[
        event("TabDeleted", None),
        event("TabPosition", None),
        event("TabTouched", Some("srv")),
        event("PoolWindowAdded", None),
        event("TabNoted", Some("srv")),
        event("TabClicked", Some("renderer")),
    ];

    fn index(&self) -> usize {
        match self {
            Self::TabDeleted { .. } => 0,
            Self::TabPosition { .. } => 1,
            Self::TabTouched => 2,
            Self::PoolWindowAdded { .. } => 3,
            Self::TabNoted { .. } => 4,
            Self::TabClicked { .. } => 5,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a workspace keeps at least one tab")]
    LastTab,
    #[error("not now")]
    NotNow,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SrvCommand {
    DeleteTab { workspace: u32, tab: u32 },
    PositionOf { tab: u32 },
    Act(How),
}

impl ParticipantCommand for SrvCommand {
    type Bus = AgentMux;
    const PARTICIPANT: &'static str = "srv";

    fn narrow(command: Command) -> Result<Self, Command> {
        match command {
            Command::DeleteTab { workspace, tab } => Ok(Self::DeleteTab { workspace, tab }),
            Command::PositionOf { tab } => Ok(Self::PositionOf { tab }),
            Command::Act(how) => Ok(Self::Act(how)),
            other => Err(other),
        }
    }
}

/// The exchange of the first step of a saga.
pub(crate) fn key(saga: u64) -> ExchangeKey {
    let saga = SagaId::new(saga).expect("tests number sagas from 1");
    ExchangeKey { log: LogId::from_bits(0xc0ffee), saga, at: At::step(0) }
}

/// Does what it is asked to.
#[derive(Debug)]
pub(crate) struct Srv {
    pub(crate) gate: &'static Semaphore,
    pub(crate) reporters: mpsc::UnboundedSender<Reporter<AgentMux>>,
}

impl Srv {
    fn is_last(&self, workspace: &u32) -> bool {
        *workspace == 0
    }

    fn delete(&self, workspace: u32, tab: u32) -> Vec<u32> {
        vec![workspace, tab]
    }
}

#[rustfmt::skip]
/// The first arm and the signature are those of the contract's example, to the letter.
impl Participant for Srv {
    type Command = SrvCommand;
    const MEMORY: Memory = Memory::Volatile; // effects die with the process; or None: a lost key is unknown
    async fn handle(&self, command: SrvCommand, cx: &Context<AgentMux>) -> Result<(), Refusal> {
        match command {
            SrvCommand::DeleteTab { workspace, tab } => {
                if self.is_last(&workspace) && cx.mode() != Mode::Compensation { return Err(Refusal::LastTab); }
                cx.emit(Event::TabDeleted { blocks: self.delete(workspace, tab) });   // tagged as this command's reply
                Ok(())
            }
            SrvCommand::PositionOf { tab } => {
                cx.emit(Event::TabPosition { index: tab + cx.attempt() });
                Ok(())
            }
            SrvCommand::Act(how) => self.act(how, cx).await,
        }
    }
}

impl Srv {
    async fn act(&self, how: How, cx: &Context<AgentMux>) -> Result<(), Refusal> {
        match how {
            How::Nothing => {}
            How::EmitOwn => cx.emit(Event::TabTouched),
            How::EmitAnothers => cx.emit(Event::PoolWindowAdded { label: "w1".into() }),
            How::EmitLong => cx.emit(Event::TabNoted { text: "long ".repeat(1000) }),
            How::RefuseAfterEmitting => {
                cx.emit(Event::TabTouched);
                return Err(Refusal::NotNow);
            }
            How::PanicAfterEmitting => {
                cx.emit(Event::TabTouched);
                panic!("no tab {}", cx.saga());
            }
            How::Defer => {
                let (reporters, reporter) = (self.reporters.clone(), cx.reporter());
                cx.when_committed(move || reporters.send(reporter).expect("the test takes reporters"));
            }
            How::DropReporter => drop(cx.reporter()),
            How::RefuseBesideReporter => {
                cx.when_committed(|| panic!("it was refused"));
                self.reporters.send(cx.reporter()).expect("the test takes reporters");
                return Err(Refusal::NotNow);
            }
            How::WaitForGate => self.gate.acquire().await.expect("the gate is never closed").forget(),
        }
        Ok(())
    }
}
