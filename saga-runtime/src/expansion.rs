//! What the expansions of [`saga!`](crate::saga!) and the derives call: all that they have in common.
//!
//! No promise to anyone else. It knows nothing of the machine.

pub mod check;
mod each;
mod group;
mod kept;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use serde;
use serde::Serialize;
pub use serde::Serializer;
pub use serde::de::Error;

pub use self::each::{
    HOLDS, has_output, if_all, if_any, if_ran, is_over, item, item_done, items, keep, lacking, output_of, outputs,
    outputs_if_any, ran, skip, skip_items,
};
pub use self::group::More;
pub use self::kept::{Kept, Reader, read, show, shown, write_input, write_place};
pub use crate::cause::Cause;
use crate::codec;
pub use crate::definition::{
    self, Action, Arm, ArmOutcome, AtOnce, Compensation, Correlation, Deadline, Definition, Disposition, Each,
    Exchange, OnRestart, Parameter, Require, Retry, Span, Step, StepKind, Trigger,
};
pub use crate::message::{At, Bus, CommandInfo, CommandOf, Event, EventOf, Mode, RefusalOf};
pub use crate::saga::{Act, Child, ExchangePlan, Heard, Items, Key, Position, RetryPlan, Saga, Slot, Value, Verdict};
pub use crate::{__dbg as dbg, __input as input, __state as state, __value as value};

/// Stands for a command that does not exist, which the compiler reports elsewhere.
static UNKNOWN: CommandInfo = CommandInfo {
    name: "",
    doc: "",
    fields: "",
    to: "",
    replies: &[],
    refuses: &[],
    query: false,
    live_only: false,
    harmless: false,
    redacted: &[],
};

/// Stands for an exchange that was found wrong.
pub const UNKNOWN_EXCHANGE: Exchange = Exchange::new(Action::Send(&UNKNOWN));

/// What was declared of the command with this name.
pub const fn command<C: crate::message::Command>(name: &str) -> &'static CommandInfo {
    let mut index = 0;
    while index < C::COMMANDS.len() {
        if check::same(C::COMMANDS[index].name, name) {
            return &C::COMMANDS[index];
        }
        index += 1;
    }
    &UNKNOWN
}

/// This many milliseconds.
pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What an arm takes: an event of these variants.
pub const fn event(pattern: &'static str, events: &'static [&'static str]) -> ArmOutcome {
    ArmOutcome::Event { pattern, events }
}

/// A place with these steps.
pub const fn place(steps: &'static [u16]) -> definition::Place {
    definition::Place { steps }
}

/// A plan to send this.
pub fn plan<S: Saga>(command: CommandOf<S::Bus>) -> ExchangePlan<S::Bus> {
    ExchangePlan::new(Act::Command(command))
}

/// A plan to run this.
pub fn run<S: Saga, C: Saga<Bus = S::Bus>>(input: C) -> ExchangePlan<S::Bus> {
    ExchangePlan::new(Act::Run(Child::new(input)))
}

/// The output of the saga that was run.
///
/// # Panics
/// When it does not read back: what the saga has written is not what it reads.
#[track_caller]
pub fn completed<C: Saga>(output: &str) -> C::Output {
    let output = codec::decode(output);
    output.unwrap_or_else(|error| panic!("the output of `{}` does not read back: {error}", C::DEFINITION.name))
}

/// A plan to let so much time pass.
pub fn sleep<S: Saga>(duration: Duration) -> ExchangePlan<S::Bus> {
    ExchangePlan::new(Act::Sleep(duration))
}

/// A plan to wait.
pub fn wait<S: Saga>() -> ExchangePlan<S::Bus> {
    ExchangePlan::new(Act::Wait)
}

/// What was heard, by value, for an author's patterns to match.
pub enum Said<B: Bus> {
    /// The participant emitted this for the command.
    Event(EventOf<B>),
    /// The participant did it.
    Handled,
    /// The participant said no.
    Refused(RefusalOf<B>),
    /// The other saga completed with this output, encoded exactly.
    Completed(String),
    /// The other saga failed.
    Failed(Cause),
    /// One attempt took too long.
    Timeout,
    /// The participant is away.
    Disconnected,
}

/// What was heard, by value.
pub fn said<B: Bus>(heard: &Heard<'_, B>) -> Said<B> {
    match *heard {
        Heard::Event(event) | Heard::Seen(event) => Said::Event(event.clone()),
        Heard::Handled => Said::Handled,
        Heard::Refused(refusal) => Said::Refused(refusal.clone()),
        Heard::Completed(output) => Said::Completed(output.to_owned()),
        Heard::Failed(cause) => Said::Failed(cause.clone()),
        Heard::Timeout => Said::Timeout,
        Heard::Disconnected => Said::Disconnected,
    }
}

/// Whether it is about the command of the exchange that hears it.
pub fn is_own<B: Bus>(heard: &Heard<'_, B>) -> bool {
    !matches!(heard, Heard::Seen(_))
}

/// Several keys as one.
pub fn together(mut keys: Vec<Key>) -> Key {
    match keys.pop() {
        Some(key) if keys.is_empty() => key,
        last => {
            keys.extend(last);
            Key::of(&keys)
        }
    }
}

/// A value of one's own.
pub fn own<T: Clone>(value: &T) -> T {
    value.clone()
}

/// The output of a step that has ended, and whose place is not yet left.
///
/// # Panics
/// When there is none: the step has not ended.
#[track_caller]
pub fn output<T: Clone>(slot: &Slot<T>) -> T {
    slot.clone().take()
}

/// The step has ended with this output.
///
/// # Panics
/// When it cannot be kept.
#[track_caller]
pub fn done<T: Serialize + 'static>(slot: &mut Slot<T>, value: T) -> Verdict {
    kept::assert_keeps(&value);
    *slot = Slot::full(value);
    Verdict::Done
}

/// The compensation has ended; whatever its arm gives, it is undone.
pub fn undone<T>(_: T) -> Verdict {
    Verdict::Done
}

/// The saga fails with this reason.
pub fn fail<T: fmt::Display>(reason: T) -> Verdict {
    Verdict::Fail(reason.to_string())
}

/// Has the type of what was found wrong; what mentions it never runs, for it does not compile.
pub fn hole<T>() -> T {
    unreachable!("what was found wrong does not compile")
}

/// Nothing, of this type: for code that is there for its types only.
pub fn never<T>() -> Option<T> {
    None
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

/// From `state` to this step that runs on every way out, one at a time.
pub fn finish<S: Saga>(mut state: S::State, index: u16, step: fn(S::State) -> S::State) -> S::State {
    while S::position(&state) != Position::Finally(index) {
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

/// The state in which this step, which runs on every way out, is done, seen from `state`; and whether the saga is on its
/// way out already: an output that is not there then never will be.
pub fn finishing<S: Saga>(state: &S::State, step: u16) -> (bool, Cow<'_, S::State>) {
    let index = S::DEFINITION.finally.iter().position(|finally| *finally == step);
    let index = index.and_then(|index| u16::try_from(index).ok()).unwrap_or(u16::MAX);
    match S::position(state) {
        Position::Finally(here) if here == index => (true, Cow::Borrowed(state)),
        position => {
            let state = S::finish(state.clone(), index);
            (matches!(position, Position::Finally(_)), Cow::Owned(state))
        }
    }
}

/// `dbg!` of values that are given as they were written and as they are computed.
#[doc(hidden)]
#[macro_export]
macro_rules! __dbg {
    (($($written:tt)*) ($value:expr)) => {
        match $value {
            value => {
                ::std::eprintln!(
                    "[{}:{}:{}] {} = {:#?}",
                    ::core::file!(),
                    ::core::line!(),
                    ::core::column!(),
                    ::core::stringify!($($written)*),
                    &value
                );
                value
            }
        }
    };
    ($(($($written:tt)*) ($value:expr))+) => {
        ($($crate::__private::dbg!(($($written)*) ($value)),)+)
    };
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::prelude::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
    #[bus(Line)]
    enum Command {
        #[to(Bell)]
        Ring,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[bus(Line)]
    enum Event {
        #[from(Bell)]
        Rang,
    }

    #[derive(Debug)]
    struct Line;

    impl Bus for Line {
        const NAME: &'static str = "line";
        type Command = Command;
        type Event = Event;
        type Refusal = String;
    }

    crate::saga! {
        saga Call() on Line {
            trigger Rang;
            concurrency allow;
            deadline 1s;
            step ring {
                send Ring;
                compensate none because "a ring cannot be unheard";
            }
        }
    }

    #[test]
    fn sagas_can_be_written_in_this_crate_too() {
        assert_eq!(Call::triggered_by(&Event::Rang), Some(Call {}));
    }

    #[test]
    #[should_panic(expected = "`Saga::back` was called at a place for which there is none")]
    fn a_place_without_compensation_is_not_undone() {
        Call::back(Call {}.begin(), 0);
    }

    #[test]
    #[should_panic(expected = "`Saga::forward` was called at a place for which there is none")]
    fn there_is_nothing_behind_the_last_place() {
        Call::forward(Call {}.begin());
    }
}
