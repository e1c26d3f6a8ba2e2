//! What is one saga's own: its state, and what its author's code makes of it.

use super::{Panicked, contain, shown_error};
use crate::cause::Cause;
use crate::codec;
use crate::machine::asides::Asides;
use crate::message::{At, Bus, EventOf, Mode};
use crate::planted::{self, Bug};
use crate::saga::{ExchangePlan, Heard, Key, Position, Saga, Verdict};

/// One saga while it moves. What its author wrote sees `cause`, if the saga has failed.
pub(crate) trait Body<B: Bus> {
    fn position(&self) -> Position;
    fn required(&self, place: u16) -> Result<Result<(), String>, Panicked>;
    fn exchanges(&mut self, step: u16, cause: Option<&Cause>) -> Result<u32, Panicked>;
    fn exchange(&self, at: At, cause: Option<&Cause>) -> Result<ExchangePlan<B>, Panicked>;
    fn answer(&mut self, at: At, cause: Option<&Cause>, heard: Heard<'_, B>) -> Result<Verdict, Panicked>;
    fn forward(&mut self) -> Result<(), Panicked>;
    fn back(&mut self, place: u16) -> Result<(), Panicked>;
    fn finish(&mut self, index: u16) -> Result<(), Panicked>;
    fn awaited(&self, at: At, arm: u16, cause: Option<&Cause>) -> Result<Option<Key>, Panicked>;
    fn heeds(&self, at: At, arm: u16, cause: Option<&Cause>, event: &EventOf<B>) -> Result<bool, Panicked>;
    /// Asks the arms of an exchange that the saga would go on without; if they end it, the state from before is kept,
    /// and this exchange is seen in that from then on.
    fn abandon(&mut self, at: At, cause: Option<&Cause>, heard: Heard<'_, B>) -> Result<Verdict, Panicked>;
    /// Takes the state that was kept for this exchange to the undoing of this place; false if none was kept.
    fn back_aside(&mut self, at: At, place: u16) -> Result<bool, Panicked>;
    /// Whether a state was kept for this exchange.
    fn has_aside(&self, at: At) -> bool;
    /// Forgets the state that was kept for this exchange.
    fn forget_aside(&mut self, at: At);
    /// Keeps the state as it is, for [`Body::take_back`].
    fn set_aside(&mut self);
    /// Returns to the state that was set aside, if one was.
    fn take_back(&mut self);
    /// What it returns, encoded; or why there is none.
    fn output(&self) -> Result<String, String>;
}

/// The state of a saga `S`, and the states of what it went on without.
pub(super) struct BodyOf<S: Saga> {
    pub(super) state: S::State,
    pub(super) asides: Asides<S::State>,
}

/// The name of the state that is set aside before the steps on the way out: no exchange has it.
const WHOLE: At = At { mode: Mode::Forward, step: u16::MAX, item: u32::MAX };

impl<S: Saga> BodyOf<S> {
    /// The state in which this exchange is seen.
    fn seen(&self, at: At) -> &S::State {
        self.asides.get(at).unwrap_or(&self.state)
    }

    /// Replaces the state by what `change` makes of it; when that panics, nothing has changed.
    fn replace(&mut self, change: impl FnOnce(S::State) -> S::State) -> Result<(), Panicked> {
        self.state = contain::<S, _>(|| change(self.state.clone()))?;
        Ok(())
    }
}

impl<S: Saga> Body<S::Bus> for BodyOf<S> {
    fn position(&self) -> Position {
        S::position(&self.state)
    }

    fn required(&self, place: u16) -> Result<Result<(), String>, Panicked> {
        contain::<S, _>(|| S::required(&self.state, place))
    }

    fn exchanges(&mut self, step: u16, cause: Option<&Cause>) -> Result<u32, Panicked> {
        contain::<S, _>(|| S::exchanges(&mut self.state, step, cause))
    }

    fn exchange(&self, at: At, cause: Option<&Cause>) -> Result<ExchangePlan<S::Bus>, Panicked> {
        contain::<S, _>(|| S::exchange(self.seen(at), at, cause))
    }

    fn answer(&mut self, at: At, cause: Option<&Cause>, heard: Heard<'_, S::Bus>) -> Result<Verdict, Panicked> {
        let state = self.asides.get_mut(at).unwrap_or(&mut self.state);
        contain::<S, _>(|| S::answer(state, at, cause, heard))
    }

    fn forward(&mut self) -> Result<(), Panicked> {
        self.replace(S::forward)
    }

    fn back(&mut self, place: u16) -> Result<(), Panicked> {
        self.replace(|state| S::back(state, place))
    }

    fn finish(&mut self, index: u16) -> Result<(), Panicked> {
        self.replace(|state| S::finish(state, index))
    }

    fn awaited(&self, at: At, arm: u16, cause: Option<&Cause>) -> Result<Option<Key>, Panicked> {
        contain::<S, _>(|| S::awaited(self.seen(at), at, arm, cause))
    }

    fn heeds(&self, at: At, arm: u16, cause: Option<&Cause>, event: &EventOf<S::Bus>) -> Result<bool, Panicked> {
        contain::<S, _>(|| S::heeds(self.seen(at), at, arm, cause, event))
    }

    fn abandon(&mut self, at: At, cause: Option<&Cause>, heard: Heard<'_, S::Bus>) -> Result<Verdict, Panicked> {
        contain::<S, _>(|| {
            let before = self.state.clone();
            let verdict = S::answer(&mut self.state, at, cause, heard);
            if verdict == Verdict::Done {
                self.asides.keep(at, before);
            }
            verdict
        })
    }

    fn back_aside(&mut self, at: At, place: u16) -> Result<bool, Panicked> {
        let Some(kept) = self.asides.get_mut(at) else { return Ok(false) };
        if S::position(kept) != Position::Compensating(place) {
            *kept = contain::<S, _>(|| S::back(kept.clone(), place))?;
        }
        Ok(true)
    }

    fn has_aside(&self, at: At) -> bool {
        self.asides.get(at).is_some()
    }

    fn forget_aside(&mut self, at: At) {
        self.asides.forget(at);
    }

    fn set_aside(&mut self) {
        self.asides.keep(WHOLE, self.state.clone());
    }

    fn take_back(&mut self) {
        if let Some(kept) = self.asides.get(WHOLE).filter(|_| !planted::is(Bug::TakeNothingBack)) {
            self.state = kept.clone();
            self.asides.forget(WHOLE);
        }
    }

    fn output(&self) -> Result<String, String> {
        contain::<S, _>(|| codec::encode(&S::output(&self.state)))
            .map_err(|panicked| panicked.to_string())?
            .map_err(|error| format!("its output cannot be kept: {}", shown_error::<S>(&error)))
    }
}
