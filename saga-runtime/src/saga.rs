//! What [`saga!`](crate::saga!) generates: the saga as a typed, serialisable state machine.
//!
//! The functions here are pure and total but for a panic in an author's expression, which the machine contains. What
//! is common to all sagas (attempts, backoff, timers, order of completion, doubt, deadlines) is not here: it belongs to
//! the [machine](crate::machine), beside the state.

mod items;

use std::any::Any;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::items::Items;
use crate::cause::Cause;
use crate::codec;
use crate::definition::Definition;
use crate::message::{At, Bus, CommandOf, EventOf, Mode, RefusalOf};

/// What a parameter, an output or an item must be able to do.
pub trait Value: Clone + Serialize + DeserializeOwned + Send + 'static {}
impl<T: Clone + Serialize + DeserializeOwned + Send + 'static> Value for T {}

/// A saga; implemented by [`saga!`](crate::saga!) on the struct of its parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no saga",
    label = "expected what `saga!` makes of `saga Name(…)`: the struct `Name`",
    note = "that struct holds the saga's parameters, and is what starts it"
)]
pub trait Saga: Value {
    /// The bus that it talks over.
    type Bus: Bus;
    /// What it returns.
    type Output: Value;
    /// Where it can be: one variant for each place, owning exactly the values that are still needed.
    type State: Value;
    /// What was written, as data.
    const DEFINITION: &'static Definition;

    /// The saga that this event starts, if it matches one of the triggers.
    fn triggered_by(event: &EventOf<Self::Bus>) -> Option<Self>;

    /// What `per` says. Sagas of all kinds that hold an equal key are subject to `concurrency`.
    #[doc(hidden)]
    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }

    /// How long the forward part may take.
    #[doc(hidden)]
    fn deadline(&self) -> Option<Duration>;

    /// The state before the first place.
    #[doc(hidden)]
    fn begin(self) -> Self::State;

    /// Where this state is.
    #[doc(hidden)]
    fn position(state: &Self::State) -> Position;

    /// What the first `require` before this place that does not hold says, asked when the saga comes there: of a state
    /// that is at the place already, or at the last one for what stands behind it.
    #[doc(hidden)]
    fn required(state: &Self::State, place: u16) -> Result<(), String> {
        let _ = (state, place);
        Ok(())
    }

    /// How many exchanges the step consists of. Asked once, when it begins: evaluates `when` and the collection of
    /// `for`, and keeps the items in the state. None for a step that is not done.
    #[doc(hidden)]
    fn exchanges(state: &mut Self::State, step: u16, cause: Option<&Cause>) -> u32 {
        let _ = (state, step, cause);
        1
    }

    /// What the exchange says, and its times. Called for exchanges of the current place only, in mode *compensation*
    /// for those of the current place and all before it.
    #[doc(hidden)]
    fn exchange(state: &Self::State, at: At, cause: Option<&Cause>) -> ExchangePlan<Self::Bus>;

    /// What the arms of the exchange say to this. [`Verdict::Done`] leaves the output in the state.
    #[doc(hidden)]
    fn answer(state: &mut Self::State, at: At, cause: Option<&Cause>, heard: Heard<'_, Self::Bus>) -> Verdict;

    /// What the `where` of an arm compares with, or none while that is not known: an arm may be asked before its exchange
    /// has begun. That of a step of any state of the forward part; that of a compensation where the exchange is undone;
    /// that of a step on the way out of any state before that.
    #[doc(hidden)]
    fn awaited(state: &Self::State, at: At, arm: u16, cause: Option<&Cause>) -> Option<Key> {
        let _ = (state, at, arm, cause);
        None
    }

    /// What an event carries of what the `where` of an arm compares; none if it does not match the arm's pattern.
    #[doc(hidden)]
    fn carried(step: u16, mode: Mode, arm: u16, event: &EventOf<Self::Bus>) -> Option<Key> {
        let _ = (step, mode, arm, event);
        None
    }

    /// Whether an arm with `where` takes this event, its `if` included. Asked only when [`Saga::awaited`] gives a key.
    #[doc(hidden)]
    fn heeds(state: &Self::State, at: At, arm: u16, cause: Option<&Cause>, event: &EventOf<Self::Bus>) -> bool {
        let _ = (state, at, arm, cause, event);
        false
    }

    /// From a place all of whose steps have ended to the next place. Never called at the last.
    #[doc(hidden)]
    fn forward(state: Self::State) -> Self::State;

    /// From the current place, or the undoing of a later one, to the undoing of `place`.
    #[doc(hidden)]
    fn back(state: Self::State, place: u16) -> Self::State;

    /// From anywhere to a step that runs on every way out: an index into [`Definition::finally`].
    #[doc(hidden)]
    fn finish(state: Self::State, index: u16) -> Self::State {
        let _ = index;
        state
    }

    /// What `return` says, when all steps of the last place have ended.
    #[doc(hidden)]
    fn output(state: &Self::State) -> Self::Output;
}

/// A key of concurrency: a type and a value, shared by all kinds of a coordinator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    ty: String,
    value: String,
}

impl Key {
    /// The key that is this value.
    ///
    /// # Panics
    /// If the value cannot be written as JSON: then it is no key.
    #[track_caller]
    pub fn of<T: Serialize>(value: &T) -> Self {
        let value = codec::encode(value).unwrap_or_else(|error| panic!("a key must be JSON: {error}"));
        Self { ty: std::any::type_name::<T>().to_owned(), value }
    }

    /// The key that all sagas of this name share.
    pub(crate) fn of_kind(name: &str) -> Self {
        Self { ty: "saga".to_owned(), value: name.to_owned() }
    }
}

/// Where a state is. Numbers of places are indices into [`Definition::places`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At this place, going forward.
    Forward(u16),
    /// Undoing this place.
    Compensating(u16),
    /// At this step that runs on every way out: an index into [`Definition::finally`].
    Finally(u16),
}

/// What an exchange says, and its times.
#[derive(Debug)]
pub struct ExchangePlan<B: Bus> {
    /// What is done.
    pub act: Act<B>,
    /// The bound of one attempt.
    pub within: Option<Duration>,
    /// More attempts, and the waits between them.
    pub retry: Option<RetryPlan>,
}

/// What an exchange does.
#[derive(Debug)]
pub enum Act<B: Bus> {
    /// Sends this.
    Command(CommandOf<B>),
    /// Runs this saga.
    Run(Child<B>),
    /// Lets so much time pass.
    Sleep(Duration),
    /// Nothing but waiting.
    Wait,
}

/// A saga that another one runs.
pub struct Child<B: Bus> {
    definition: &'static Definition,
    input: Box<dyn Any + Send>,
    /// The input as JSON, for a test in which it does not run.
    json: fn(&dyn Any) -> Option<String>,
    good_end: GoodEnd<B>,
}

/// How a saga with this input (as JSON) ends when all is well, for a test in which it does not run: its output, encoded
/// exactly.
pub(crate) type GoodEnd<B> = fn(&str, &Answering<'_, B>) -> Option<String>;

/// What participants answer, for a test.
pub(crate) type Answering<'a, B> = dyn Fn(&CommandOf<B>) -> Vec<EventOf<B>> + 'a;

impl<B: Bus> Child<B> {
    /// The saga with this input.
    #[doc(hidden)]
    pub fn new<S: Saga<Bus = B>>(input: S) -> Self {
        let json = |input: &dyn Any| serde_json::to_string(input.downcast_ref::<S>()?).ok();
        let good_end = crate::test::good_end::<S>;
        Self { definition: S::DEFINITION, input: Box::new(input), json, good_end }
    }
}

impl<B: Bus> Child<B> {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Its input as JSON.
    pub(crate) fn json(&self) -> String {
        (self.json)(&*self.input).unwrap_or_default()
    }

    /// How it ends when all is well.
    pub(crate) fn good_end(&self) -> GoodEnd<B> {
        self.good_end
    }

    /// What it is started with.
    pub(crate) fn into_input(self) -> Box<dyn Any + Send> {
        self.input
    }
}

impl<B: Bus> fmt::Debug for Child<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.definition.name).finish()
    }
}

impl<B: Bus> ExchangePlan<B> {
    /// A plan without times.
    #[doc(hidden)]
    pub fn new(act: Act<B>) -> Self {
        Self { act, within: None, retry: None }
    }

    /// The command that is sent, if one is.
    pub fn into_command(self) -> Option<CommandOf<B>> {
        match self.act {
            Act::Command(command) => Some(command),
            Act::Run(_) | Act::Sleep(_) | Act::Wait => None,
        }
    }

    /// The same with the bound of one attempt.
    #[doc(hidden)]
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within: Some(within), ..self }
    }

    /// The same with more attempts.
    #[doc(hidden)]
    #[must_use]
    pub fn retry(self, times: u32, every: Duration, at_most: Duration) -> Self {
        Self { retry: Some(RetryPlan { times, every, at_most }), ..self }
    }
}

/// `retry`, evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPlan {
    /// How many more attempts.
    pub times: u32,
    /// The first wait, doubled after each attempt.
    pub every: Duration,
    /// The longest wait.
    pub at_most: Duration,
}

/// What an arm can be asked about.
#[derive(Debug)]
pub enum Heard<'a, B: Bus> {
    /// The participant emitted this for the command.
    Event(&'a EventOf<B>),
    /// Anyone published this, or emitted it for another command: only arms with `where` take it.
    Seen(&'a EventOf<B>),
    /// The participant did it, and no arm took an event of its answer.
    Handled,
    /// The participant said no.
    Refused(&'a RefusalOf<B>),
    /// The other saga completed with this output, encoded exactly.
    Completed(&'a str),
    /// The other saga failed, or was not accepted.
    Failed(&'a Cause),
    /// One attempt took too long.
    Timeout,
    /// The participant is away.
    Disconnected,
}

/// What an arm says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The exchange has ended; its output, if any, is in the state.
    Done,
    /// The saga fails, with this reason.
    Fail(String),
    /// The same command again.
    Retry,
    /// No arm takes it: the language's default holds.
    NoArm,
}

/// The output of a step whose place is not yet left; as `[]` or `[value]`, so that a value that reads back as nothing
/// (`()`, `None`) is told from none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot<T>(Option<T>);

impl<T> Slot<T> {
    /// Nothing yet.
    pub const EMPTY: Self = Self(None);

    /// A slot that holds this.
    pub const fn full(value: T) -> Self {
        Self(Some(value))
    }

    /// What it holds.
    pub const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Whether it holds anything.
    pub const fn is_full(&self) -> bool {
        self.0.is_some()
    }

    /// What it held.
    ///
    /// # Panics
    /// When it is empty. Generated code leaves a place only when its steps have ended.
    #[track_caller]
    pub fn take(self) -> T {
        self.0.expect("a place is left when its steps have ended")
    }
}

impl<T: Serialize> Serialize for Slot<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Slot<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut values = Vec::deserialize(deserializer)?;
        let value = values.pop();
        if values.is_empty() {
            Ok(Self(value))
        } else {
            Err(serde::de::Error::invalid_length(values.len() + 1, &"one value at most"))
        }
    }
}
