//! The words of AgentMux: what its participants can be asked, what they tell, how they say no.
//!
//! Domain data only. Whose a message is travels in the envelope, stamped by the runtime.

use std::fmt;

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
    #[error("the host is short of memory")]
    OutOfMemory,
    /// Closing would end a program that the user runs.
    #[error("a program runs in the foreground of the window")]
    Busy,
    /// The window was not closed.
    #[error("the window is still open")]
    StillOpen,
    /// There is no window of this name, or no more.
    #[error("no such window")]
    NoSuchWindow,
}

/// Names a window; never given twice, not by a later host either.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(String);

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Label {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
