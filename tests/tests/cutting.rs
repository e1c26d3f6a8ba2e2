//! A coordinator over SQLite that is cut off at every record, as by a kill: what the next one makes of it is what the
//! first would have made. Its participant commits effect and memory together, so each effect is there once.

mod changing;
mod log;
mod works;

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use saga_runtime::coordinator::{Builder, Options};
use saga_runtime::prelude::*;
use tokio::time::timeout;

use self::log::{Cut, CutOff};
use self::works::{Event, Works, done, yard};

/// Longer than anything takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of a saga: its outcome, and all that was done, sorted.
type Fate = (String, Vec<String>);

saga! {
    /// Items, steps beside each other, and what is done on every way out.
    saga Wares(extra: bool, last: u64) -> u64 on Works {
        concurrency allow;
        deadline 1h;
        step parts -> u64 for part in 0..3u64, 2 at once {
            send Make { what: part };
            await Made { what } => what;
            compensate Unmake { what: parts };
        }
        parallel {
            step left -> u64 {
                send Make { what: 3 };
                await Made { what } => what;
                compensate Unmake { what: left };
            }
            step right -> u64 when extra {
                send Make { what: 4 };
                await Made { what } => what;
                compensate Unmake { what: right };
            }
        }
        step end -> u64 {
            send Make { what: last };
            await Made { what } => what;
            compensate Unmake { what: end };
        }
        finally step bye for word in ["good".to_owned(), "bye".to_owned()] {
            send Note { text: format!("{word} {} {}", end.is_some(), cause.is_some()) };
        }
        return parts.iter().sum::<u64>() + left + right.unwrap_or_default() + end;
    }

    /// Rests, and then there is no way back.
    saga Contract(what: u64) -> u64 on Works {
        concurrency queue per what;
        deadline 1h;
        step draft -> u64 {
            send Make { what: 5 };
            await Made { what } => what;
            compensate Unmake { what: draft };
        }
        step rest {
            sleep 5ms;
        }
        pivot step seal {
            send Seal { what };
            await Sealed => ();
        }
        step copy -> u64 {
            send Make { what: 6 };
            await Made { what } => what;
        }
        finally step note {
            send Note { text: format!("{:?}", seal.is_some()) };
        }
        return draft + copy;
    }

    /// Awaits what somebody says, who may say it before.
    saga Called(by: u64) -> u64 on Works {
        concurrency allow;
        deadline 1h;
        step before -> u64 {
            send Make { what: 7 };
            await Made { what } => what;
            compensate Unmake { what: before };
        }
        step call -> u64 {
            await Call { from } where from == by => from;
        }
        step after -> u64 {
            send Make { what: before + call };
            await Made { what } => what;
            compensate Unmake { what: after };
        }
        return after;
    }

    /// Runs another one.
    saga Parent(last: u64) -> u64 on Works {
        concurrency queue per last;
        deadline 1h;
        step child -> u64 {
            run Child { last };
            compensate unwind;
        }
        step end -> u64 {
            send Make { what: last };
            await Made { what } => what;
            compensate Unmake { what: end };
        }
        return child + end;
    }

    saga Child(last: u64) -> u64 on Works {
        concurrency queue per last;
        deadline 1h;
        step toy -> u64 {
            send Make { what: 8 };
            await Made { what } => what;
            compensate Unmake { what: toy };
        }
        finally step note {
            send Note { text: format!("{toy:?}") };
        }
        return toy;
    }
}

fn all() -> Builder<Works> {
    Coordinator::builder().saga::<Wares>().saga::<Contract>().saga::<Called>().saga::<Parent>().saga::<Child>()
}

async fn start(builder: Builder<Works>, home: &Path, log: impl SagaLog) -> Coordinator<Works> {
    let mut options = Options::default();
    options.participant.grace = Duration::ZERO;
    builder.log(log).participant(yard(home)).options(options).start().await.expect("it starts")
}

/// The life of a process: all that still runs when `work` is done is cut off where it is, as by `kill -9`.
fn life<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { timeout(PATIENCE, work).await.expect("in time") })
}

/// Starts a saga, says what there is to say, and waits for the end.
async fn carry_out<S>(coordinator: &Coordinator<Works>, saga: S, says: Option<Event>) -> Option<String>
where
    S: Saga<Bus = Works>,
    S::Output: Debug,
{
    let handle = coordinator.start(saga).key("the only one").await.ok()?;
    if let Some(event) = says {
        coordinator.publish(event).await.ok()?;
    }
    Some(format!("{:?}", handle.outcome().await))
}

/// What becomes of a saga when the first coordinator is cut off there; and whether it was.
fn fate<S>(saga: &S, says: Option<&Event>, cut: Cut) -> (Fate, bool)
where
    S: Saga<Bus = Works> + Clone,
    S::Output: Debug,
{
    let directory = tempfile::tempdir().expect("a directory");
    let home = directory.path();
    let outcome = life(async {
        let (log, mut off) = CutOff::open(home, cut);
        let coordinator = start(all(), home, log).await;
        tokio::select! {
            biased;
            () = off.happens() => None,
            outcome = carry_out(&coordinator, saga.clone(), says.cloned()) => outcome,
        }
    });
    let was_cut = outcome.is_none();
    let outcome = outcome.unwrap_or_else(|| {
        life(async {
            let coordinator = start(all(), home, CutOff::whole(home)).await;
            carry_out(&coordinator, saga.clone(), says.cloned()).await.expect("nothing cuts it off")
        })
    });
    ((outcome, done(home)), was_cut)
}

/// Cuts the first coordinator off at every place there is: before each batch is written, and after.
#[track_caller]
fn is_the_same_wherever_it_is_cut<S>(saga: &S, says: Option<&Event>, expected: &str)
where
    S: Saga<Bus = Works> + Clone,
    S::Output: Debug,
{
    let (whole, _) = fate(saga, says, Cut::Never);
    assert!(whole.0.contains(expected), "{whole:?}");
    for cut in [Cut::Before, Cut::After] {
        let mut places = 0;
        loop {
            let (fate, was_cut) = fate(saga, says, cut(places));
            assert_eq!(fate, whole, "{:?}", cut(places));
            if !was_cut {
                break;
            }
            places += 1;
        }
        assert!(places > 3, "{places} places");
    }
}

/// Rule: restart.resume
#[test]
fn items_and_siblings_go_on_where_they_were() {
    is_the_same_wherever_it_is_cut(&Wares { extra: true, last: 9 }, None, "Completed(19)");
    is_the_same_wherever_it_is_cut(&Wares { extra: false, last: 9 }, None, "Completed(15)");
}

/// Rule: restart.resume
#[test]
fn items_and_siblings_are_undone_to_the_end() {
    is_the_same_wherever_it_is_cut(&Wares { extra: true, last: works::FLAWED }, None, "Compensated");
}

/// Rule: restart.resume
#[test]
fn behind_the_pivot_everything_is_done() {
    is_the_same_wherever_it_is_cut(&Contract { what: 9 }, None, "Completed(11)");
}

/// Rule: restart.resume
#[test]
fn before_the_pivot_everything_is_undone() {
    is_the_same_wherever_it_is_cut(&Contract { what: works::FLAWED }, None, "Compensated");
}

/// Rule: restart.resume
#[test]
fn what_was_said_is_heard() {
    is_the_same_wherever_it_is_cut(&Called { by: 2 }, Some(&Event::Call { from: 2 }), "Completed(9)");
}

/// Rule: restart.resume
#[test]
fn a_child_is_run_once() {
    is_the_same_wherever_it_is_cut(&Parent { last: 9 }, None, "Completed(17)");
}

/// Rule: restart.resume
#[test]
fn a_child_with_a_way_out_of_its_own_is_unwound() {
    is_the_same_wherever_it_is_cut(&Parent { last: works::FLAWED }, None, "Compensated");
}
