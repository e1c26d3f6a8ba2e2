//! Between check and expansion: a saga whose rules have been checked, with every name resolved.
//!
//! It knows no tokens of the language and none of the expansion. A part that was found wrong is absent, and the
//! expansion puts a hole in its place, so that the rest is still compiled for its own errors.

pub(crate) mod live;

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, Pat, Path, Type, Visibility};

/// One saga.
pub(crate) struct Saga {
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    /// The name on the wire and in the log.
    pub(crate) wire_name: String,
    pub(crate) version: u32,
    pub(crate) doc: String,
    pub(crate) bus: Type,
    pub(crate) output: Option<Type>,
    /// The parameters, then the outputs of the steps: all that can be named.
    pub(crate) values: Vec<Value>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) steps: Vec<Step>,
    pub(crate) places: Vec<Place>,
    /// The steps that run on every way out, in order.
    pub(crate) finally: Vec<usize>,
    pub(crate) requires: Vec<Require>,
    pub(crate) returns: Option<Phrase>,
    pub(crate) ephemeral: bool,
    /// The word in `#[on_restart(…)]`.
    pub(crate) on_restart: Option<Ident>,
}

impl Saga {
    /// The parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (ValueId, &Value)> {
        self.values.iter().enumerate().filter(|(_, value)| value.step.is_none())
    }

    /// What the state keeps for a value: for what a `for` binds, the output of its step, which has the items.
    pub(crate) fn keeper(&self, value: ValueId) -> ValueId {
        match self.values[value] {
            Value { shape: Shape::Binding, step: Some(step), .. } => self.steps[step].value,
            _ => value,
        }
    }

    /// The place of a step.
    pub(crate) fn place_of(&self, step: usize) -> usize {
        self.places.iter().position(|place| place.steps.contains(&step)).unwrap_or(0)
    }
}

/// An index into [`Saga::values`].
pub(crate) type ValueId = usize;

/// A parameter, or the output of a step.
pub(crate) struct Value {
    pub(crate) name: Ident,
    /// The type that the author gave it: in an output, of one exchange.
    pub(crate) ty: TokenStream,
    pub(crate) doc: String,
    /// The step whose output it is, or whose `for` binds it; none for a parameter.
    pub(crate) step: Option<usize>,
    pub(crate) shape: Shape,
    /// Whether it is never shown.
    pub(crate) redacted: bool,
}

/// What a value is made of what one exchange gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    /// `Option<T>`, of a step with `when`.
    When,
    /// `Vec<T>`, of a step with `for`.
    Each,
    /// `Option<Vec<T>>`, of a step with both.
    EachWhen,
    /// No output, but what the `for` of the step binds: it has a value in that step alone, and no type with a name.
    Binding,
}

impl Shape {
    /// Whether the state keeps it item by item.
    pub(crate) fn is_each(self) -> bool {
        matches!(self, Self::Each | Self::EachWhen)
    }
}

/// An expression of the author, and the names of the saga that it mentions.
pub(crate) struct Phrase {
    pub(crate) expression: Expr,
    /// What it may mention of what is in scope, each mention with its own span.
    pub(crate) mentions: Vec<(ValueId, Ident)>,
    /// Mentions of `cause`, where that is in scope.
    pub(crate) cause: Option<Ident>,
    /// Mentions of what is not in scope, each already reported: they are given a type and no value.
    pub(crate) holes: Vec<(ValueId, Ident)>,
}

impl Phrase {
    /// The values that it needs.
    pub(crate) fn needs(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.mentions.iter().map(|(value, _)| *value)
    }
}

/// One `trigger`.
pub(crate) struct Trigger {
    /// The variants that it matches, in bare form.
    pub(crate) events: Vec<Taken>,
    pub(crate) pattern: Pattern,
    pub(crate) guard: Option<Expr>,
    /// A value for each parameter, by name.
    pub(crate) bindings: Vec<(Ident, Expr)>,
}

/// A pattern of the author, whose variants are written out with the enum that they belong to.
pub(crate) struct Pattern {
    pub(crate) tokens: TokenStream,
    /// As written.
    pub(crate) text: String,
}

/// A variant that a pattern names.
pub(crate) struct Taken {
    pub(crate) variant: Ident,
    /// Whether every value of it matches, guard included.
    pub(crate) whole: bool,
    /// Whether nothing but what is asked of its fields keeps it from that.
    pub(crate) picks: bool,
    /// Whether its fields stand in braces.
    pub(crate) braced: bool,
}

/// The `concurrency`.
pub(crate) struct Concurrency {
    /// The word for what a start does while another saga holds a key.
    pub(crate) policy: Ident,
    /// The keys; none: the kind is the key.
    pub(crate) keys: Vec<Phrase>,
}

/// The `deadline`.
pub(crate) enum Deadline {
    After(Duration),
    None { because: String },
}

/// A length of time.
pub(crate) enum Duration {
    Literal { span: Span, duration: std::time::Duration },
    Computed(Box<Phrase>),
}

/// One `require`.
pub(crate) struct Require {
    /// The place before which it is asked; the number of places for one behind the last.
    pub(crate) place: usize,
    pub(crate) condition: Phrase,
    pub(crate) reason: Phrase,
}

impl Duration {
    fn phrase(&self) -> Option<&Phrase> {
        match self {
            Self::Computed(phrase) => Some(phrase),
            Self::Literal { .. } => None,
        }
    }
}

/// One `step`.
pub(crate) struct Step {
    pub(crate) name: Ident,
    pub(crate) doc: String,
    pub(crate) kind: StepKind,
    /// The output, an index into [`Saga::values`].
    pub(crate) value: ValueId,
    /// The type after `->`, as written.
    pub(crate) output: Option<Type>,
    pub(crate) each: Option<Each>,
    /// The condition after `when`.
    pub(crate) when: Option<Phrase>,
    /// What it says and waits for; none if that is broken or not built.
    pub(crate) exchange: Option<Exchange>,
    pub(crate) compensation: Compensation,
    /// Whether all of it was understood, so that rules across the enums may speak.
    pub(crate) whole: bool,
}

impl Step {
    /// Whether it is one on the way forward.
    pub(crate) fn is_forward(&self) -> bool {
        self.kind != StepKind::Finally
    }

    /// All expressions in its head and in what it says.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let head = self.when.iter().chain(self.each.iter().map(|each| &each.items));
        head.chain(self.exchange.iter().flat_map(Exchange::phrases))
    }
}

/// What a step is among the steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepKind {
    Plain,
    Pivot,
    Finally,
}

/// `for pattern in items, 8 at once`
pub(crate) struct Each {
    pub(crate) pattern: Pat,
    /// The names that the pattern binds.
    pub(crate) bindings: Vec<Ident>,
    pub(crate) items: Phrase,
    pub(crate) at_once: AtOnce,
}

/// How many of the exchanges of a `for` run at one time.
#[derive(Clone, Copy)]
pub(crate) enum AtOnce {
    AtMost(u32),
    All,
}

/// What undoes a step.
pub(crate) enum Compensation {
    /// Nothing has to be undone.
    NotNeeded,
    None {
        because: String,
    },
    Exchange(Box<Exchange>),
    /// The compensation of this earlier step.
    With(usize),
    /// Those of the saga that the step ran.
    Unwind,
}

impl Compensation {
    pub(crate) fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::NotNeeded | Self::None { .. } | Self::With(_) | Self::Unwind => None,
        }
    }
}

/// What a step or a compensation says, and what ends it.
pub(crate) struct Exchange {
    pub(crate) action: Action,
    pub(crate) arms: Vec<Arm>,
    pub(crate) within: Option<Duration>,
    pub(crate) retry: Option<Retry>,
}

impl Exchange {
    /// All expressions in it.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let times = self.within.iter().chain(self.retry.iter().flat_map(|retry| [&retry.every, &retry.at_most]));
        let times = times.filter_map(Duration::phrase);
        let arms = self.arms.iter().flat_map(Arm::phrases);
        let count = self.retry.iter().map(|retry| &retry.times);
        self.action.phrase().into_iter().chain(times).chain(arms).chain(count)
    }
}

/// What an exchange does.
pub(crate) enum Action {
    Command(Command),
    Run(Run),
    Sleep(Duration),
    /// Only awaits.
    Wait,
    /// Only says how to undo what was there before.
    Nothing,
}

impl Action {
    /// The command that it sends.
    pub(crate) fn command(&self) -> Option<&Command> {
        match self {
            Self::Command(command) => Some(command),
            Self::Run(_) | Self::Sleep(_) | Self::Wait | Self::Nothing => None,
        }
    }

    fn phrase(&self) -> Option<&Phrase> {
        match self {
            Self::Command(command) => Some(&command.command),
            Self::Run(run) => Some(&run.input),
            Self::Sleep(duration) => duration.phrase(),
            Self::Wait | Self::Nothing => None,
        }
    }
}

/// `run Saga { … };`
pub(crate) struct Run {
    /// The saga, as written.
    pub(crate) saga: Path,
    pub(crate) input: Phrase,
}

/// `send Variant { … };` or `query Variant { … };`
pub(crate) struct Command {
    pub(crate) kind: ActionKind,
    /// The word `send`, `query` or `compensate`.
    pub(crate) keyword: Ident,
    pub(crate) variant: Ident,
    /// The command, its variant written out with the enum that it belongs to.
    pub(crate) command: Phrase,
}

/// Whether an exchange asks for an effect or for data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionKind {
    Send,
    Query,
}

/// `retry`.
pub(crate) struct Retry {
    pub(crate) times: Phrase,
    pub(crate) every: Duration,
    pub(crate) at_most: Duration,
}

/// One arm of an `await`.
pub(crate) struct Arm {
    pub(crate) outcome: Outcome,
    /// What stands after `where`: what the pattern binds, and what it is compared with.
    pub(crate) correlations: Vec<(Ident, Phrase)>,
    pub(crate) guard: Option<Phrase>,
    pub(crate) disposition: Disposition,
}

impl Arm {
    /// All expressions in it.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let compared = self.correlations.iter().map(|(_, value)| value);
        compared.chain(&self.guard).chain(self.disposition.phrase())
    }
}

/// What an arm takes.
pub(crate) enum Outcome {
    Event(Vec<Taken>, Pattern),
    Handled,
    Refused(Vec<Taken>, Pattern, Ident),
    Failed(Pattern),
    Timeout,
    Disconnected,
}

/// What an arm does.
pub(crate) enum Disposition {
    Value(Phrase),
    Fail(Phrase),
    Retry,
}

impl Disposition {
    /// Its expression.
    pub(crate) fn phrase(&self) -> Option<&Phrase> {
        match self {
            Self::Value(phrase) | Self::Fail(phrase) => Some(phrase),
            Self::Retry => None,
        }
    }
}

/// What the saga is at while it goes forward: the steps that run at one time.
pub(crate) struct Place {
    pub(crate) steps: Vec<usize>,
}

impl Place {
    /// The values that it gives.
    pub(crate) fn outputs(&self, saga: &Saga) -> BTreeSet<ValueId> {
        self.steps.iter().map(|step| saga.steps[*step].value).collect()
    }
}
