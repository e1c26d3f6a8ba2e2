//! The sagas, one a file, always in the same order: what it is for, the saga, its tests.

#[cfg(test)]
mod exploring;
mod pool_respawn_on_promote;
mod replace_window;
mod waited_run;
mod window_cleanup_cascade;

pub use pool_respawn_on_promote::PoolRespawnOnPromote;
pub use replace_window::ReplaceWindow;
use saga_runtime::coordinator::Builder;
use saga_runtime::definition::Definition;
use saga_runtime::prelude::*;
pub use waited_run::{RunOutcome, WaitedRun};
pub use window_cleanup_cascade::WindowCleanupCascade;

use crate::bus::AgentMux;

/// What was written in each of them.
pub const DEFINITIONS: [&Definition; 4] = [
    PoolRespawnOnPromote::DEFINITION,
    WindowCleanupCascade::DEFINITION,
    ReplaceWindow::DEFINITION,
    WaitedRun::DEFINITION,
];

/// A coordinator that executes all of them.
pub fn register(builder: Builder<AgentMux>) -> Builder<AgentMux> {
    builder.saga::<PoolRespawnOnPromote>().saga::<WindowCleanupCascade>().saga::<ReplaceWindow>().saga::<WaitedRun>()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use saga_runtime::lock::{self, Locked};

    use super::*;
    use crate::bus::Refusal;

    /// The states of a saga all of whose commands are handled, then of one whose second command is refused.
    fn walked<S: Saga<Bus = AgentMux>>(input: &S) -> Locked {
        let mut states = Vec::new();
        for refused in [None, Some(1)] {
            let mut saga = SagaTest::start(input.clone());
            for number in 0..10 {
                states.push(saga.state().clone());
                let Some(command) = saga.sent().into_iter().next() else { break };
                match exploring::answers(&command).into_iter().next() {
                    _ if refused == Some(number) => saga.refuse(Refusal::Quitting),
                    Some(event) => saga.reply(event),
                    None => saga.handled(),
                }
            }
        }
        Locked::new::<S>(states)
    }

    #[test]
    fn what_may_be_in_flight_still_loads() {
        let sagas = [
            walked(&PoolRespawnOnPromote { promoted_label: "w1".into() }),
            walked(&WindowCleanupCascade { closed_label: "w1".into() }),
            walked(&ReplaceWindow { old: "w1".into() }),
            walked(&exploring::waited_run()),
        ];
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sagas.lock.json");
        lock::check(path, &sagas).unwrap_or_else(|stale| panic!("{stale}"));
    }

    #[test]
    fn nothing_is_wrong_with_them_together() {
        assert_eq!(saga_runtime::catalogue::findings(&DEFINITIONS, Some(&["host"])), []);
    }

    #[test]
    fn the_generated_pages_are_up_to_date() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sagas");
        saga_runtime::docs::check(&pages, &DEFINITIONS, "sagas docs").unwrap_or_else(|stale| panic!("{stale}"));
    }
}
