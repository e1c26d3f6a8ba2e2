//! What a cut leaves to a program with another version of the saga, and of sagas that are kept in memory only.

use std::path::Path;

use saga_runtime::prelude::*;

use super::log::{Cut, CutOff};
use super::works::{Works, done};
use super::{life, start};

mod first {
    use super::Works;
    use saga_runtime::prelude::*;

    saga! {
        pub(super) saga Job(size: u64) -> u64 on Works {
            concurrency allow;
            deadline 1h;
            step pieces -> u64 for piece in 0..size {
                send Make { what: piece };
                await Made { what } => what;
                compensate Unmake { what: pieces };
            }
            finally step note {
                send Note { text: "over".to_owned() };
            }
            return pieces.iter().sum::<u64>();
        }
    }
}

mod second {
    use super::Works;
    use saga_runtime::prelude::*;

    saga! {
        /// Makes one more.
        #[version(2)]
        pub(super) saga Job(size: u64) -> u64 on Works {
            concurrency allow;
            deadline 1h;
            step pieces -> u64 for piece in 0..size {
                send Make { what: piece };
                await Made { what } => what;
                compensate Unmake { what: pieces };
            }
            step more -> u64 {
                send Make { what: size };
                await Made { what } => what;
                compensate Unmake { what: more };
            }
            finally step note {
                send Note { text: "over".to_owned() };
            }
            return pieces.iter().sum::<u64>() + more;
        }
    }
}

saga! {
    #[ephemeral]
    saga Fleeting(what: u64) -> u64 on Works {
        concurrency allow;
        deadline 1h;
        step made -> u64 {
            send Make { what };
            await Made { what } => what;
            compensate Unmake { what: made };
        }
        return made;
    }
}

/// Runs `work` with a coordinator that is cut off there; whether it was cut off.
fn is_cut<T>(home: &Path, builder: Builder, cut: Cut, work: impl AsyncFnOnce(&Coordinator<Works>) -> T) -> bool {
    life(async {
        let (log, mut off) = CutOff::open(home, cut);
        let coordinator = start(builder, home, log).await;
        tokio::select! {
            biased;
            () = off.happens() => true,
            _ = work(&coordinator) => false,
        }
    })
}

type Builder = saga_runtime::coordinator::Builder<Works>;

/// One that is on its way out ends as it began.
fn migrated(state: first::JobState) -> Option<second::JobState> {
    match state {
        first::JobState::Note { .. } => None,
        state => serde_json::from_value(serde_json::to_value(state).ok()?).ok(),
    }
}

/// What the first program had begun the second one ends, in its own version.
///
/// Rule: versions.migrate
#[test]
fn a_saga_is_migrated_wherever_it_is_cut() {
    let mut migrations = 0;
    for place in 0.. {
        let directory = tempfile::tempdir().expect("a directory");
        let home = directory.path();
        let builder = || Coordinator::builder().saga::<first::Job>();
        let was_cut = is_cut(home, builder(), Cut::After(place), async |coordinator| {
            let handle = coordinator.start(first::Job { size: 3 }).key("the only one").await.expect("accepted");
            handle.outcome().await
        });
        if !was_cut {
            assert!(migrations > 1 && migrations < place, "{migrations} of {place} places");
            return;
        }
        let outcome = life(async {
            let builder = builder().saga::<second::Job>().migrate::<first::Job, second::Job>(migrated);
            let coordinator = start(builder, home, CutOff::whole(home)).await;
            let handle = coordinator.start(second::Job { size: 3 }).key("the only one").await.expect("accepted");
            handle.outcome().await
        });
        let made = done(home);
        let is_migrated = made.contains(&"Make { what: 3 }".to_owned());
        let expected = if is_migrated { 6 } else { 3 };
        assert_eq!(outcome, Outcome::Completed(expected), "{place}: {made:?}");
        assert_eq!(made.len(), if is_migrated { 5 } else { 4 }, "{place}: {made:?}");
        migrations += usize::from(is_migrated);
    }
}

/// The ids of sagas in memory only are drawn from blocks that the log has reserved: none is used again.
///
/// Rule: restart.ephemeral
#[test]
fn an_id_that_was_told_is_never_told_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path();
    let builder = || Coordinator::builder().saga::<Fleeting>().saga::<first::Job>();
    let mut told = Vec::new();
    for place in 0..8 {
        let cut = if place % 2 == 0 { Cut::After(place) } else { Cut::Before(place) };
        is_cut(home, builder(), cut, async |coordinator| {
            for size in 0..3 {
                told.push(coordinator.start(Fleeting { what: size }).await.ok()?.id());
                told.push(coordinator.start(first::Job { size }).await.ok()?.id());
            }
            std::future::pending::<Option<()>>().await
        });
    }
    let mut once = told.clone();
    once.dedup();
    assert!(told.len() > 16 && told.is_sorted() && told == once, "{told:?}");
}
