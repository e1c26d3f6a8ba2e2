//! The sagas, one a file, always in the same order: what it is for, the saga, its tests.

#[cfg(test)]
mod exploring;
mod pool_respawn_on_promote;
mod replace_window;
mod window_cleanup_cascade;

pub use pool_respawn_on_promote::PoolRespawnOnPromote;
pub use replace_window::ReplaceWindow;
use saga_runtime::coordinator::Builder;
use saga_runtime::definition::Definition;
use saga_runtime::prelude::*;
pub use window_cleanup_cascade::WindowCleanupCascade;

use crate::bus::AgentMux;

/// What was written in each of them.
pub const DEFINITIONS: [&Definition; 3] =
    [PoolRespawnOnPromote::DEFINITION, WindowCleanupCascade::DEFINITION, ReplaceWindow::DEFINITION];

/// A coordinator that executes all of them.
pub fn register(builder: Builder<AgentMux>) -> Builder<AgentMux> {
    builder.saga::<PoolRespawnOnPromote>().saga::<WindowCleanupCascade>().saga::<ReplaceWindow>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_generated_pages_are_up_to_date() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sagas");
        saga_runtime::docs::check(&pages, &DEFINITIONS, "sagas docs").unwrap_or_else(|stale| panic!("{stale}"));
    }
}
