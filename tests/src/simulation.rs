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
//! | `clauses` | sagas that, together, have every clause |
//! | `world` | one run: who is there, and one thing after another |
//! | `stage` | what all processes share: time, chance, what is to happen |
//! | `network` | wires between processes, and what goes wrong on them |
//! | `coordinator` | decide, record, act, over the runtime's machine, log and links |
//! | `participant`, `handler` | the runtime's inbox and link, and handlers that do well or not |
//! | `people` | callers, publishers, operators |
//! | `judge` | the invariants |
//! | `reached`, `tally`, `trace` | what was met, and in which order |

mod clauses;
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

/// What decides all that happens in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The only crash is at this one of the points where a process may crash, from 1; at none of them for 0. Without
    /// this, crashes are left to chance.
    pub crash_at: Option<u32>,
}

impl From<u64> for Run {
    fn from(seed: u64) -> Self {
        Self { seed, crash_at: None }
    }
}

/// A run in which a promise was not kept.
#[derive(Debug)]
pub struct Failure {
    run: Run,
    what: String,
    trace: String,
}

impl Failure {
    /// Which promise was not kept, and how.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { seed, crash_at } = self.run;
        let crash_at = crash_at.map(|point| format!(" SAGA_CRASH_AT={point}")).unwrap_or_default();
        writeln!(f, "{}", self.trace)?;
        writeln!(f, "{:?}: {}", self.run, self.what)?;
        write!(f, "replay: SAGA_SEED={seed}{crash_at} cargo test -p saga-tests simulation::replay -- --nocapture")
    }
}

/// Runs one world; gives what it has met.
///
/// # Errors
/// When a promise is not kept; with everything that happened before.
pub fn simulate(run: impl Into<Run>) -> Result<Reached, Box<Failure>> {
    let run = run.into();
    let (world, what) = live(run, false);
    match what {
        None => Ok(world.stage.reached),
        Some(what) => Err(Box::new(Failure { run, what, trace: replay(run).0 })),
    }
}

/// Everything that happens in the world of this run, in order; and which promise was not kept, if one was not.
pub fn replay(run: impl Into<Run>) -> (String, Option<String>) {
    let (world, what) = live(run.into(), true);
    (world.stage.trace.to_string(), what)
}

/// How many points there are in the run of this seed at which a process may crash, if none does.
pub fn crash_points(seed: u64) -> u32 {
    live(Run { seed, crash_at: Some(0) }, false).0.stage.points()
}

fn live(run: Run, keep_trace: bool) -> (World, Option<String>) {
    let mut world = World::new(run, keep_trace);
    let panicked = catch_unwind(AssertUnwindSafe(|| world.run())).is_err();
    let broken = world.stage.judge.violation().map(ToString::to_string);
    let what = if panicked { Some("a panic, told above".to_owned()) } else { broken };
    (world, what)
}
