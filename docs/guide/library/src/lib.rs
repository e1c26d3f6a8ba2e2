//! A small library that lends books: the worked example of the guide.

pub mod bus;
pub mod desk;
pub mod lend;
pub mod lend_2;
pub mod programs;
pub mod stacks;

// ANCHOR: catalogue
use saga_runtime::coordinator::Builder;
use saga_runtime::definition::Definition;
use saga_runtime::prelude::*;

use crate::bus::Library;
use crate::lend::Lend;

/// What was written in each saga.
pub const DEFINITIONS: [&Definition; 1] = [Lend::DEFINITION];

/// A coordinator that executes them.
pub fn sagas(builder: Builder<Library>) -> Builder<Library> {
    builder.saga::<Lend>()
}
// ANCHOR_END: catalogue

/// The same of the second program, which knows both versions.
pub mod second {
    use super::*;

    // ANCHOR: both
    /// What was written in each saga.
    pub const DEFINITIONS: [&Definition; 2] = [lend_2::Lend::DEFINITION, lend::Lend::DEFINITION];

    /// A coordinator that executes both versions.
    pub fn sagas(builder: Builder<Library>) -> Builder<Library> {
        builder.saga::<lend_2::Lend>().saga::<lend::Lend>()
    }
    // ANCHOR_END: both
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use saga_runtime::lock::{self, Locked};

    use super::*;
    use crate::bus::{Event, Refusal};

    // ANCHOR: pages
    #[test]
    fn the_pages_are_up_to_date() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sagas");
        saga_runtime::docs::check(&pages, &DEFINITIONS, "library docs").unwrap_or_else(|stale| panic!("{stale}"));
    }
    // ANCHOR_END: pages

    // ANCHOR: lock
    /// The states of a loan for which there is no place: on the way forward, then on the way back.
    fn states() -> Vec<<Lend as Saga>::State> {
        let mut saga = SagaTest::start(Lend { member: "Ada".into(), title: "Emma".into() });
        let mut states = vec![saga.state().clone()];
        saga.reply(Event::Registered { loan: 1 });
        states.push(saga.state().clone());
        saga.reply(Event::Fetched { copy: 20 });
        states.push(saga.state().clone());
        saga.refuse(Refusal::ShelfFull);
        states.push(saga.state().clone());
        saga.handled();
        states.push(saga.state().clone());
        states
    }

    #[test]
    fn what_is_in_flight_still_loads() {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("sagas.lock.json");
        lock::check(lock, &[Locked::new::<Lend>(states())]).unwrap_or_else(|stale| panic!("{stale}"));
    }
    // ANCHOR_END: lock

    // ANCHOR: findings
    #[test]
    fn nothing_is_wrong_with_the_sagas_together() {
        assert_eq!(saga_runtime::catalogue::findings(&DEFINITIONS, Some(&["desk", "stacks"])), []);
    }
    // ANCHOR_END: findings
}
