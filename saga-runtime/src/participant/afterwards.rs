//! What a handler leaves to be done once what it wrote is there to stay. It knows neither handler nor database.

use std::fmt;

use super::driver::caught;

/// Author's code, in the order in which it was left. Dropped, nothing of it is done.
#[derive(Default)]
pub(super) struct Afterwards {
    actions: Vec<Box<dyn FnOnce() + Send>>,
    /// Whether what it says in a panic is not shown.
    is_secretive: bool,
}

impl Afterwards {
    pub(super) fn new(is_secretive: bool) -> Self {
        Self { actions: Vec::new(), is_secretive }
    }

    pub(super) fn push(&mut self, action: impl FnOnce() + Send + 'static) {
        self.actions.push(Box::new(action));
    }

    /// Does all of it. One that panics holds up no other.
    pub(super) fn run(self) {
        for action in self.actions {
            if let Err(said) = caught(self.is_secretive, action) {
                tracing::error!("what a handler left to be done when it is committed panicked: {said}");
            }
        }
    }
}

impl fmt::Debug for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Afterwards({})", self.actions.len())
    }
}
