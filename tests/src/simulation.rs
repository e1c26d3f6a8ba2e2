//! Machine, inbox, link and log in one simulated world, stepped from one seed in virtual time.
//!
//! Frames are lost, doubled and out of order, processes crash at every decision and begin again, handlers refuse, break
//! off or never answer.
//!
//! After every step the invariants of the runtime's design are checked; when faults stop, every saga must end or be
//! shown as stuck. The same seed is the same run.
//!
//! | module | what it is for |
//! |---|---|
//! | `sagas` | the bus, and sagas of a few shapes over it |
//! | `world` | one run: who is there, and one thing after another |
//! | `stage` | what all processes share: time, chance, what is to happen |
//! | `network` | wires between processes, and what goes wrong on them |
//! | `coordinator` | decide, record, act, over the runtime's machine, log and links |
//! | `participant`, `handler` | the runtime's inbox and link, and handlers that do well or not |
//! | `people` | callers, publishers, operators |
//! | `judge` | the invariants |
//! | `reached`, `tally`, `trace` | what was met, and in which order |

mod coordinator;
mod handler;
mod judge;
mod network;
mod participant;
mod people;
mod reached;
mod sagas;
mod stage;
mod tally;
mod trace;
mod world;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::reached::{Met, Reached};

use self::world::World;

/// A run in which a promise was not kept.
#[derive(Debug)]
pub struct Failure {
    seed: u64,
    what: String,
    trace: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.trace)?;
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        write!(f, "replay: SAGA_SEED={} cargo test -p saga-tests simulation::replay -- --nocapture", self.seed)
    }
}

/// Runs one world; gives what it has met.
///
/// # Errors
/// When a promise is not kept; with everything that happened before.
pub fn simulate(seed: u64) -> Result<Reached, Box<Failure>> {
    let (reached, what, _) = run(seed, false);
    match what {
        None => Ok(reached),
        Some(what) => Err(Box::new(Failure { seed, what, trace: run(seed, true).2 })),
    }
}

/// Everything that happens in the world of this seed, in order; and which promise was not kept, if one was not.
pub fn replay(seed: u64) -> (String, Option<String>) {
    let (_, what, trace) = run(seed, true);
    (trace, what)
}

fn run(seed: u64, keep_trace: bool) -> (Reached, Option<String>, String) {
    let mut world = World::new(seed, keep_trace);
    let panicked = catch_unwind(AssertUnwindSafe(|| world.run())).is_err();
    let what = if panicked {
        Some("a panic, told above".to_owned())
    } else {
        world.stage.judge.violation().map(ToString::to_string)
    };
    (world.stage.reached, what, world.stage.trace.to_string())
}
