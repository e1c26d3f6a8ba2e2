//! Events of anyone beside a saga that is explored: which of them its arms with `where` take, asked of the saga itself and
//! not of the index of the machine.

use super::super::SagaTest;
use super::super::trace::Told;
use crate::machine::arms_with_where;
use crate::message::{At, EventOf, Mode};
use crate::saga::{Key, Saga};

/// Whether a saga hears an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hears {
    /// No arm could take it.
    No,
    /// An arm could, when it comes to it.
    Maybe,
    /// An exchange awaits it now.
    Yes,
}

impl Hears {
    /// What must hold of a saga that was told the event.
    ///
    /// # Errors
    /// What does not.
    pub(super) fn check(self, unchanged: bool) -> Result<(), String> {
        match (self, unchanged) {
            (Self::No, false) => Err("an event that no arm takes moved it".to_owned()),
            (Self::Yes, true) => Err("an event that it awaits was not heard".to_owned()),
            (Self::No | Self::Maybe | Self::Yes, _) => Ok(()),
        }
    }
}

/// What became of an event, in a word.
pub(super) fn heard(new: &[Told], unchanged: bool) -> &'static str {
    match new.iter().any(|told| matches!(told, Told::Kept { .. })) {
        true => "kept",
        false if unchanged => "in vain",
        false => "taken",
    }
}

/// Whether the saga hears this event, as far as that can be told without knowing what it has behind it.
pub(super) fn hears<S: Saga>(test: &SagaTest<S>, event: &EventOf<S::Bus>) -> Hears {
    let carried: Vec<_> = arms_with_where(S::DEFINITION)
        .filter_map(|(step, mode, arm, _)| Some((step, mode, arm, S::carried(step, mode, arm, event)?)))
        .collect();
    let open = || test.machine.exchanges(test.id).filter(|open| !(open.is_asked || open.is_aside));
    let is_awaited = |step: u16, mode: Mode, arm: u16, key: &Key| {
        let mut open = open().map(|open| open.at).filter(|at| (at.step, at.mode) == (step, mode));
        open.any(|at| awaits(test, at, arm, key, event))
    };
    match &*carried {
        [] => Hears::No,
        _ if test.is_stuck() => Hears::Maybe,
        carried if carried.iter().any(|(step, mode, arm, key)| is_awaited(*step, *mode, *arm, key)) => Hears::Yes,
        _ => Hears::Maybe,
    }
}

/// Whether an open exchange of the way forward awaits this event. What compensations and steps on the way out await may
/// depend on a cause, which is not seen from here.
fn awaits<S: Saga>(test: &SagaTest<S>, at: At, arm: u16, key: &Key, event: &EventOf<S::Bus>) -> bool {
    let state = test.state();
    at.mode == Mode::Forward
        && S::awaited(state, at, arm, None).as_ref() == Some(key)
        && S::heeds(state, at, arm, None, event)
}

/// Whether an exchange waits that an event of anyone could end.
pub(super) fn awaits_others<S: Saga>(test: &SagaTest<S>) -> bool {
    let hears = |at: At| arms_with_where(S::DEFINITION).any(|(step, mode, ..)| (step, mode) == (at.step, at.mode));
    test.machine.exchanges(test.id).any(|open| hears(open.at))
}
