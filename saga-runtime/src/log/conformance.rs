//! What every saga log promises, as a suite that any implementation can run.
//!
//! ```
//! use saga_runtime::log::{MemoryLog, conformance};
//!
//! conformance::run(|| {
//!     let log = MemoryLog::new();
//!     Box::new(move || Box::new(log.reopen()))
//! });
//! ```
//!
//! It knows the traits and nothing of an implementation.

mod appending;
mod finding;
mod pruning;
mod recovering;
pub(super) mod sample;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::SagaLog;

/// Opens one log, again and again: what was written through one is found through the next.
///
/// The one before is dropped by then.
pub type Open = Box<dyn FnMut() -> Box<dyn SagaLog>>;

/// One promise of the traits.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// What is promised.
    pub name: &'static str,
    /// Panics if an empty log does not keep it.
    pub check: fn(&mut Open),
}

/// All of them.
pub const PROMISES: &[&[Promise]] = &[appending::PROMISES, recovering::PROMISES, finding::PROMISES, pruning::PROMISES];

/// Checks every promise, each with an empty log: `fresh` makes one and gives what opens it.
///
/// # Panics
/// If the log breaks a promise; the message names all that it breaks.
pub fn run(mut fresh: impl FnMut() -> Open) {
    let mut broken = Vec::new();
    for promise in PROMISES.iter().copied().flatten() {
        let mut open = fresh();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (promise.check)(&mut open))) {
            broken.push(format!("{}: {}", promise.name, message(&*panic)));
        }
    }
    assert!(broken.is_empty(), "the log breaks {} of its promises\n{}", broken.len(), broken.join("\n"));
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a panic without a message",
    }
}

/// The promises in this order, named as their functions are.
macro_rules! promises {
    ($($(#[$_:meta])* $name:ident),* $(,)?) => {
        /// The promises that are checked here.
        pub(super) const PROMISES: &[super::Promise] =
            &[$(super::Promise { name: stringify!($name), check: $name }),*];
    };
}
use promises;
