//! The words of AgentMux: what its participants can be asked, what they tell, how they say no.
//!
//! Domain data only. Whose a message is travels in the envelope, stamped by the runtime.

mod names;

pub use names::{BlockId, Label, NotReadable, Place, Session, TabId, Timeout, WorkspaceId};
use saga_runtime::prelude::*;
use serde::{Deserialize, Serialize};

/// The bus of AgentMux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentMux;

impl Bus for AgentMux {
    const NAME: &'static str = "agentmux";
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[bus(AgentMux)]
pub enum Command {
    /// Pre-warm one hidden window.
    #[to(Host)]
    #[replies(PoolWindowAdded)]
    #[refuses(PoolFull, Quitting, OutOfMemory)]
    SpawnPoolWindow,

    /// Open a window for the user.
    #[to(Host)]
    #[replies(WindowOpened)]
    #[refuses(Quitting, OutOfMemory)]
    SpawnWindow,

    /// Close a window and end what runs in it. A busy one is closed in a rollback only.
    #[to(Host)]
    #[refuses(Busy, NoSuchWindow)]
    CloseWindow {
        /// Which.
        label: Label,
    },

    /// Make sure that nothing which ran in this closed window is left.
    #[to(Host)]
    #[replies(PanesReaped)]
    #[refuses(StillOpen)]
    ReapPanes {
        /// The window that was closed.
        label: Label,
    },

    /// Close the hidden windows too, if this closed window was the last that the user had.
    #[to(Host)]
    #[replies(PoolDrained, PoolNotLast)]
    DrainPoolIfLast {
        /// The window that was closed.
        label: Label,
    },

    /// Type a command into a session, and wait until it has finished.
    #[to(Host)]
    #[replies(RunCompleted, SessionExited)]
    #[refuses(NoSuchSession, Busy, TooManyRuns, OutOfMemory)]
    RunCommand {
        /// Where.
        session: Session,
        /// What, in the language of the shell; of any length, with any number of lines.
        command: String,
    },

    /// Make a workspace without tabs.
    #[to(Srv)]
    #[replies(WorkspaceCreated)]
    CreateWorkspace,

    /// Delete a workspace that has no tabs. In a rollback also one that has, with all in it, and their sessions.
    #[to(Srv)]
    #[refuses(NoSuchWorkspace, NotEmpty)]
    DeleteWorkspace {
        /// Which.
        workspace: WorkspaceId,
    },

    /// What is in a workspace?
    #[to(Srv)]
    #[query]
    #[replies(WorkspaceContents)]
    #[refuses(NoSuchWorkspace)]
    ContentsOf {
        /// Which.
        workspace: WorkspaceId,
    },

    /// Make a tab without blocks, the last of its workspace.
    #[to(Srv)]
    #[replies(TabCreated)]
    #[refuses(NoSuchWorkspace)]
    CreateTab {
        /// Where.
        workspace: WorkspaceId,
    },

    /// Delete a tab with its blocks. Their sessions are the business of whoever asks, but in a rollback.
    #[to(Srv)]
    #[replies(TabDeleted)]
    #[refuses(NoSuchTab, LastTab)]
    DeleteTab {
        /// Of this workspace.
        workspace: WorkspaceId,
        /// Which.
        tab: TabId,
        /// The workspace goes too, so that it need not keep one.
        cascade: bool,
    },

    /// Move a tab with its blocks to another workspace.
    #[to(Srv)]
    #[replies(TabMoved)]
    #[refuses(NoSuchTab, NoSuchWorkspace, LastTab)]
    MoveTab {
        /// Which.
        tab: TabId,
        /// The workspace in which it is.
        from: WorkspaceId,
        /// The workspace in which it shall be.
        to: WorkspaceId,
        /// Before how many of the tabs there; none: after all of them.
        at: Option<u32>,
        /// The workspace in which it was may keep none.
        cascade: bool,
    },

    /// Delete a block, and its place in the layout. Its session is the business of whoever asks.
    #[to(Srv)]
    #[replies(BlockDeleted)]
    #[refuses(NoSuchBlock)]
    DeleteBlock {
        /// Of this tab.
        tab: TabId,
        /// Which.
        block: BlockId,
    },

    /// Delete blocks, and leave the layout of their tab as it is.
    #[to(Srv)]
    #[replies(BlocksDeleted)]
    #[refuses(NoSuchBlock)]
    DeleteBlocks {
        /// Of this tab.
        tab: TabId,
        /// Which: all of them, or none.
        blocks: Vec<BlockId>,
    },

    /// Close the gaps that deleted blocks left in the layout of a tab.
    #[to(Srv)]
    CloseGaps {
        /// Which. One that is gone has none.
        tab: TabId,
    },

    /// Move a block with its session to another tab.
    #[to(Srv)]
    #[replies(BlockMoved)]
    #[refuses(NoSuchBlock, NoSuchTab)]
    MoveBlock {
        /// Which.
        block: BlockId,
        /// The tab in which it is.
        from: TabId,
        /// The tab in which it shall be.
        to: TabId,
        /// Where there; none: in a column of its own, the last.
        at: Option<Place>,
    },

    /// Where is a block?
    #[to(Srv)]
    #[query]
    #[replies(BlockPlace)]
    #[refuses(NoSuchBlock)]
    PlaceOf {
        /// Which.
        block: BlockId,
    },

    /// Give a block whose session was ended a fresh one. In a rollback a block that is gone needs none.
    #[to(Srv)]
    #[refuses(NoSuchBlock, OutOfMemory)]
    StartSession {
        /// Which.
        block: BlockId,
    },

    /// End the session of a block, if it has one: let it end by itself, and after a while kill what is left of it.
    #[to(Srv)]
    #[refuses(SessionStays)]
    EndSession {
        /// Which.
        block: BlockId,
    },
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[bus(AgentMux)]
pub enum Event {
    /// A hidden window was taken out of the pool and shown to the user.
    #[from(Host)]
    PoolWindowPromoted {
        /// Which.
        label: Label,
    },
    /// A hidden window is in the pool, its shell at the prompt. The answer to a request, or the host's own doing.
    #[from(Host)]
    PoolWindowAdded {
        /// Which.
        label: Label,
    },
    /// A window is gone.
    #[from(Host)]
    WindowClosed {
        /// Which.
        label: Label,
        /// Its shell ended by itself; nobody closed it.
        crashed: bool,
    },
    /// A window for the user is there, its shell at the prompt.
    WindowOpened {
        /// Which.
        label: Label,
    },
    /// Nothing that ran in the window is left.
    PanesReaped,
    /// The hidden windows are closed.
    PoolDrained,
    /// The user has other windows; the pool stays.
    PoolNotLast,
    /// A command that was typed into a session has finished.
    RunCompleted {
        /// The number of this event in the session's event log.
        sequence: u64,
        /// The exit status of the command.
        status: u8,
    },
    /// A session ended before a command that was typed into it had finished.
    SessionExited,
    /// A workspace is there, without tabs.
    WorkspaceCreated {
        /// Which.
        workspace: WorkspaceId,
    },
    /// What is in a workspace.
    WorkspaceContents {
        /// Its tabs, in order.
        tabs: Vec<TabId>,
        /// The blocks in them.
        blocks: Vec<BlockId>,
    },
    /// A tab is there, without blocks.
    TabCreated {
        /// Which.
        tab: TabId,
    },
    /// A tab is gone.
    TabDeleted {
        /// The blocks that went with it.
        blocks: Vec<BlockId>,
    },
    /// A tab is in another workspace.
    TabMoved {
        /// After how many of the tabs in the other it was.
        was_at: u32,
        /// How many tabs are left there.
        left: u32,
    },
    /// A block is gone.
    BlockDeleted,
    /// Blocks are gone; the layout still names them.
    BlocksDeleted,
    /// A block is in another tab.
    BlockMoved {
        /// Where in the other it was.
        was_at: Place,
    },
    /// Where a block is.
    BlockPlace {
        /// In this tab.
        tab: TabId,
        /// There.
        place: Place,
    },
}

/// How a participant says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The pool holds as many windows as it should.
    #[error("the pool is full")]
    PoolFull,
    /// No window is made any more.
    #[error("the host is quitting")]
    Quitting,
    /// The system gave no memory, terminal or process for another shell.
    #[error("the machine is short of memory")]
    OutOfMemory,
    /// Closing would end a program that the user runs.
    #[error("a program runs in the foreground of the window")]
    Busy,
    /// There is no session of this name, or no more.
    #[error("no such session")]
    NoSuchSession,
    /// As many commands as may are typed into the session, or wait to be, and have not finished.
    #[error("too many commands wait in the session")]
    TooManyRuns,
    /// The window was not closed.
    #[error("the window is still open")]
    StillOpen,
    /// There is no window of this name, or no more.
    #[error("no such window")]
    NoSuchWindow,
    /// There is no workspace of this number, or no more.
    #[error("no such workspace")]
    NoSuchWorkspace,
    /// There is no tab of this number there, or no more.
    #[error("no such tab")]
    NoSuchTab,
    /// There is no block of this number there, or no more.
    #[error("no such block")]
    NoSuchBlock,
    /// Only a workspace that is deleted may lose its last tab.
    #[error("a workspace keeps at least one tab")]
    LastTab,
    /// The workspace has tabs.
    #[error("the workspace is not empty")]
    NotEmpty,
    /// Processes of the session were killed, and are still there.
    #[error("the session does not end")]
    SessionStays,
}
