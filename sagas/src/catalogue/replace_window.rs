//! A window is replaced by a new one, or stays.
//!
//! If the old one cannot be closed (a program runs in it, or it is gone) the new one is closed again.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, Label};

saga! {
    /// Opens a new window and closes the old one; both or neither.
    pub saga ReplaceWindow(old: Label) -> Label on AgentMux {
        concurrency allow;
        deadline 10s;

        /// Open the new window.
        step open -> Label {
            send SpawnWindow;
            await WindowOpened { label } => label;
            compensate CloseWindow { label: open };
        }

        /// Close the old one. The host refuses while a program runs in its foreground.
        step close {
            send CloseWindow { label: old };
            compensate none because "a closed terminal cannot be reopened";
        }

        return open;
    }
}
