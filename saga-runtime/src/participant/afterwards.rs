//! What a handler leaves to be done once what it wrote is there to stay. It knows neither handler nor database.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::driver::message;

/// Author's code, in the order in which it was left. Dropped, nothing of it is done.
#[derive(Default)]
pub(super) struct Afterwards(Vec<Box<dyn FnOnce() + Send>>);

impl Afterwards {
    pub(super) fn push(&mut self, action: impl FnOnce() + Send + 'static) {
        self.0.push(Box::new(action));
    }

    /// Does all of it. One that panics holds up no other.
    pub(super) fn run(self) {
        for action in self.0 {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(action)) {
                tracing::error!("what a handler left to be done when it is committed panicked: {}", message(&*panic));
            }
        }
    }
}

impl fmt::Debug for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Afterwards({})", self.0.len())
    }
}
