//! The pool stays full: every hidden window that is shown to the user is followed by a fresh one.
//!
//! Two promotes at once give two sagas, each completed by its own window. A window that the host adds of its own accord
//! completes neither.

use saga_runtime::prelude::*;

use crate::bus::{AgentMux, Label};

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
