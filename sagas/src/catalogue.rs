//! The sagas, one a file, always in the same order: what it is for, the saga, its tests.

mod close_pane;
mod delete_block;
mod delete_tab;
mod delete_workspace;
#[cfg(test)]
mod exploring;
mod pool_respawn_on_promote;
mod promote_block_to_tab;
#[cfg(test)]
mod queueing;
mod redock_floating_pane;
mod replace_window;
mod restore_torn_off_tab;
#[cfg(test)]
mod scripts;
mod tear_off_block;
mod tear_off_tab;
mod waited_run;
mod window_cleanup_cascade;

use saga_runtime::coordinator::Builder;
use saga_runtime::definition::Definition;
use saga_runtime::lock::Locked;
use saga_runtime::prelude::*;

pub use self::close_pane::ClosePane;
pub use self::delete_block::DeleteBlock;
pub use self::delete_tab::DeleteTab;
pub use self::delete_workspace::{Contents, DeleteWorkspace};
pub use self::pool_respawn_on_promote::PoolRespawnOnPromote;
pub use self::promote_block_to_tab::PromoteBlockToTab;
pub use self::redock_floating_pane::{Origin, RedockFloatingPane};
pub use self::replace_window::ReplaceWindow;
pub use self::restore_torn_off_tab::{Departure, RestoreTornOffTab};
pub use self::tear_off_block::TearOffBlock;
pub use self::tear_off_tab::TearOffTab;
pub use self::waited_run::{RunOutcome, WaitedRun};
pub use self::window_cleanup_cascade::WindowCleanupCascade;
use crate::bus::AgentMux;

/// What was written in each of them.
pub const DEFINITIONS: [&Definition; 13] = [
    PoolRespawnOnPromote::DEFINITION,
    WindowCleanupCascade::DEFINITION,
    ReplaceWindow::DEFINITION,
    TearOffTab::DEFINITION,
    TearOffBlock::DEFINITION,
    RestoreTornOffTab::DEFINITION,
    PromoteBlockToTab::DEFINITION,
    RedockFloatingPane::DEFINITION,
    DeleteBlock::DEFINITION,
    DeleteTab::DEFINITION,
    DeleteWorkspace::DEFINITION,
    ClosePane::DEFINITION,
    WaitedRun::DEFINITION,
];

/// The text of their lock file, as the program was built with it.
pub const LOCK: &str = include_str!("../sagas.lock.json");

/// All of them, to be compared with the lock file.
pub fn locked() -> [Locked; DEFINITIONS.len()] {
    [
        Locked::new::<PoolRespawnOnPromote>([]),
        Locked::new::<WindowCleanupCascade>([]),
        Locked::new::<ReplaceWindow>([]),
        Locked::new::<TearOffTab>([]),
        Locked::new::<TearOffBlock>([]),
        Locked::new::<RestoreTornOffTab>([]),
        Locked::new::<PromoteBlockToTab>([]),
        Locked::new::<RedockFloatingPane>([]),
        Locked::new::<DeleteBlock>([]),
        Locked::new::<DeleteTab>([]),
        Locked::new::<DeleteWorkspace>([]),
        Locked::new::<ClosePane>([]),
        Locked::new::<WaitedRun>([]),
    ]
}

/// A coordinator that executes all of them.
pub fn register(builder: Builder<AgentMux>) -> Builder<AgentMux> {
    builder
        .saga::<PoolRespawnOnPromote>()
        .saga::<WindowCleanupCascade>()
        .saga::<ReplaceWindow>()
        .saga::<TearOffTab>()
        .saga::<TearOffBlock>()
        .saga::<RestoreTornOffTab>()
        .saga::<PromoteBlockToTab>()
        .saga::<RedockFloatingPane>()
        .saga::<DeleteBlock>()
        .saga::<DeleteTab>()
        .saga::<DeleteWorkspace>()
        .saga::<ClosePane>()
        .saga::<WaitedRun>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_may_be_in_flight_still_loads() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sagas.lock.json");
        saga_runtime::lock::check(path, &exploring::ALL.locked).unwrap_or_else(|stale| panic!("{stale}"));
    }

    #[test]
    fn nothing_is_wrong_with_them_together() {
        assert_eq!(saga_runtime::catalogue::findings(&DEFINITIONS, Some(&["host", "srv"])), []);
    }

    #[test]
    fn the_generated_pages_are_up_to_date() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sagas");
        saga_runtime::docs::check(&pages, &DEFINITIONS, "sagas docs").unwrap_or_else(|stale| panic!("{stale}"));
    }
}
