//! A window that was closed leaves nothing behind: no process of its panes, and after the last one no pool either.
//!
//! A window that crashed starts none: its panes have ended already, and the user did not ask for fewer windows.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, Label};

saga! {
    /// What a closed window leaves behind is cleaned up. Gives whether the pool was drained with it.
    pub saga WindowCleanupCascade(closed_label: Label) -> bool on AgentMux {
        trigger WindowClosed { label: closed_label, crashed: false };
        concurrency allow;
        deadline 30s;

        /// Wait until nothing that ran in the window is left.
        step reap {
            send ReapPanes { label: closed_label };
            await PanesReaped => ();
            compensate none because "the next close retries";
        }

        /// Close the hidden windows too, if the user has no other window.
        step drain -> bool {
            send DrainPoolIfLast { label: closed_label };
            await {
                PoolDrained => true,
                PoolNotLast => false,
            }
            compensate none because "the next close retries";
        }

        return drain;
    }
}
