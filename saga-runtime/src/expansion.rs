//! What the expansions of [`saga!`](crate::saga!) and the derives call: all that they have in common.
//!
//! No promise to anyone else. It knows nothing of the machine.

pub mod check;
mod state;

use std::borrow::Cow;

pub use serde;

pub use state::{Reader, Writer};

use crate::definition::{Action, Exchange};
use crate::message::CommandInfo;
use crate::saga::{Position, Saga};

/// Stands for a command that does not exist, which the compiler reports elsewhere.
static UNKNOWN: CommandInfo =
    CommandInfo { name: "", doc: "", fields: "", to: "", replies: &[], refuses: &[], query: false, live_only: false };

/// Stands for an exchange that was found wrong.
pub const UNKNOWN_EXCHANGE: Exchange =
    Exchange { action: Action::Send(&UNKNOWN), arms: &[], within: None, retry: None };

/// What was declared of the command with this name.
pub const fn command(commands: &'static [CommandInfo], name: &str) -> &'static CommandInfo {
    let mut index = 0;
    while index < commands.len() {
        if check::same(commands[index].name, name) {
            return &commands[index];
        }
        index += 1;
    }
    &UNKNOWN
}

/// Has the type of what was found wrong; what mentions it never runs, for it does not compile.
pub fn hole<T>() -> T {
    unreachable!("what was found wrong does not compile")
}

/// A transition function was called where the saga is not.
///
/// # Panics
/// Always: its caller breaks the contract of [`Saga`].
#[cold]
#[track_caller]
pub fn misplaced(function: &str) -> ! {
    panic!("`Saga::{function}` was called at a place for which there is none")
}

/// From `state` to the undoing of `place`, one place at a time.
pub fn back<S: Saga>(mut state: S::State, place: u16, step: fn(S::State) -> S::State) -> S::State {
    while S::position(&state) != Position::Compensating(place) {
        state = step(state);
    }
    state
}

/// The state in which this step is undone, seen from `state`.
pub fn undoing<S: Saga>(state: &S::State, step: u16) -> Cow<'_, S::State> {
    let place = S::DEFINITION.places.iter().position(|place| place.steps.contains(&step));
    let place = place.and_then(|place| u16::try_from(place).ok()).unwrap_or(u16::MAX);
    if S::position(state) == Position::Compensating(place) {
        Cow::Borrowed(state)
    } else {
        Cow::Owned(S::back(state.clone(), place))
    }
}
