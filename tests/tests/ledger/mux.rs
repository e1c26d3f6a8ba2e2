//! The bus of the ledger: windows, tabs and processes, as in the systems that its rows come from. It knows no test,
//! and the programs of `ui/ledger` talk over it too.

use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(Mux)]
pub(super) enum Command {
    /// One more hidden window.
    #[to(Host)]
    #[replies(PoolWindowAdded)]
    #[refuses(PoolFull, Quitting)]
    SpawnPoolWindow,
    #[to(Host)]
    #[replies(WindowOpened)]
    #[refuses(Quitting)]
    OpenWindow { label: String },
    #[to(Host)]
    #[refuses(Busy)]
    CloseWindow { label: String },
    #[to(Host)]
    #[replies(WindowState)]
    #[query]
    StateOf { label: String },
    #[to(Host)]
    #[replies(ProcessStarted)]
    #[refuses(Quitting)]
    StartProcess { pane: u32 },
    #[to(Host)]
    #[refuses(Busy)]
    EndProcess { process: u32 },
    #[to(Host)]
    Quit,
    #[to(Srv)]
    #[replies(TabAt)]
    #[query]
    PositionOf { tab: u32 },
    #[to(Srv)]
    #[refuses(NoSuchTab)]
    MoveTab { tab: u32, to: u32 },
    #[to(Srv)]
    #[refuses(Busy)]
    CreateTab { tab: u32 },
    /// The last one is refused.
    #[to(Srv)]
    #[refuses(LastTab)]
    DeleteTab { tab: u32 },
    #[to(Srv)]
    #[replies(WorkspaceCreated)]
    CreateWorkspace,
    #[to(Srv)]
    DeleteWorkspace { workspace: u32 },
    #[to(Srv)]
    DeleteBlocks { blocks: Vec<u32> },
    #[to(Srv)]
    #[refuses(StoreFailed)]
    SaveLayout { rows: u32 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(Mux)]
pub(super) enum Event {
    /// Also of the host's own accord, when it refills its pool by itself.
    #[from(Host)]
    PoolWindowAdded {
        label: String,
    },
    #[from(Host)]
    WindowPromoted {
        label: String,
    },
    #[from(Host)]
    WindowClosed {
        label: String,
        crashed: bool,
    },
    /// By somebody who watches, and takes no commands.
    #[from(Renderer)]
    LayoutChanged {
        rows: u32,
    },
    WindowOpened {
        label: String,
    },
    WindowState {
        usable: bool,
    },
    ProcessStarted {
        process: u32,
    },
    TabAt {
        index: u32,
    },
    WorkspaceCreated {
        workspace: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the pool is full")]
    PoolFull,
    #[error("the host is quitting")]
    Quitting,
    #[error("a program is running")]
    Busy,
    #[error("a workspace keeps at least one tab")]
    LastTab,
    #[error("no such tab")]
    NoSuchTab,
    #[error("the store failed: {reason}")]
    StoreFailed { reason: String },
}

pub(super) struct Mux;
impl Bus for Mux {
    const NAME: &'static str = "mux";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}
