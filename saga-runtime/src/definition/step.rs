//! One step of a saga, as data.

use serde::Serialize;

use super::{Definition, Span};
use crate::message::CommandInfo;

/// One `step`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Its name, which is also that of its output.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// What it is among the steps.
    pub kind: StepKind,
    /// The type after `->`, as written: of one exchange.
    pub output: Option<&'static str>,
    /// `#[redact]`: its output is never shown.
    pub redacted: bool,
    /// Whether a `finally` step mentions its output, so that its fate is settled even if nothing undoes it.
    pub seen_at_last: bool,
    /// Whether what undoes it mentions its output, so that nothing undoes it while that is not known.
    #[serde(skip)]
    pub seen_undoing: bool,
    /// `for … in …`.
    pub each: Option<Each>,
    /// The condition after `when`, as written.
    pub when: Option<&'static str>,
    /// What it says and what it waits for.
    pub exchange: Exchange,
    /// What undoes it.
    pub compensation: Compensation,
}

impl Step {
    /// A description with what every step has.
    #[doc(hidden)]
    pub const fn new(name: &'static str, exchange: Exchange, compensation: Compensation) -> Self {
        Self {
            name,
            doc: "",
            kind: StepKind::Plain,
            output: None,
            redacted: false,
            seen_at_last: false,
            seen_undoing: false,
            each: None,
            when: None,
            exchange,
            compensation,
        }
    }

    /// A description of a step with an output of this type.
    #[doc(hidden)]
    pub const fn giving(
        name: &'static str,
        output: &'static str,
        exchange: Exchange,
        compensation: Compensation,
    ) -> Self {
        Self { output: Some(output), ..Self::new(name, exchange, compensation) }
    }

    /// The same of one with an output that what undoes it mentions.
    #[doc(hidden)]
    pub const fn giving_to_undo(
        name: &'static str,
        output: &'static str,
        exchange: Exchange,
        compensation: Compensation,
    ) -> Self {
        Self { seen_undoing: true, ..Self::giving(name, output, exchange, compensation) }
    }

    /// The same as a pivot or a finally step.
    #[doc(hidden)]
    pub const fn kind(self, kind: StepKind) -> Self {
        Self { kind, ..self }
    }

    /// The same with an output that is not shown.
    #[doc(hidden)]
    pub const fn redacted(self) -> Self {
        Self { redacted: true, ..self }
    }

    /// The same with an output that a `finally` step mentions.
    #[doc(hidden)]
    pub const fn seen_at_last(self) -> Self {
        Self { seen_at_last: true, ..self }
    }

    /// The same for each item.
    #[doc(hidden)]
    pub const fn each(self, each: Each) -> Self {
        Self { each: Some(each), ..self }
    }

    /// The same under a condition.
    #[doc(hidden)]
    pub const fn when(self, when: &'static str) -> Self {
        Self { when: Some(when), ..self }
    }

    /// The same with its documentation.
    #[doc(hidden)]
    pub const fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }
}

/// What a step is among the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// On the way forward, to be undone.
    Plain,
    /// When it takes effect there is no way back.
    Pivot,
    /// On every way out.
    Finally,
}

/// `for pattern in items, 8 at once`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Each {
    /// What an item is called, as written.
    pub pattern: &'static str,
    /// The collection, as written.
    pub items: &'static str,
    /// How many exchanges run at one time.
    pub at_once: AtOnce,
}

/// How many of the exchanges of a `for` run at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AtOnce {
    /// So many; one after another without `at once`.
    AtMost(u32),
    /// `all at once`.
    All,
}

/// What a step or a compensation says, and what ends it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Exchange {
    /// What it does.
    pub action: Action,
    /// The arms of its `await`, in order; empty: `handled` ends it.
    pub arms: &'static [Arm],
    /// The bound of one attempt.
    pub within: Option<Span>,
    /// `retry`.
    pub retry: Option<Retry>,
}

impl Exchange {
    /// Asks for an effect.
    #[doc(hidden)]
    pub const fn send(command: &'static CommandInfo) -> Self {
        Self::new(Action::Send(command))
    }

    /// Asks for data.
    #[doc(hidden)]
    pub const fn query(command: &'static CommandInfo) -> Self {
        Self::new(Action::Query(command))
    }

    /// With what every exchange has.
    #[doc(hidden)]
    pub const fn new(action: Action) -> Self {
        Self { action, arms: &[], within: None, retry: None }
    }

    /// The same with the arms of its `await`.
    #[doc(hidden)]
    pub const fn arms(self, arms: &'static [Arm]) -> Self {
        Self { arms, ..self }
    }

    /// The same with the bound of one attempt.
    #[doc(hidden)]
    pub const fn within(self, within: Span) -> Self {
        Self { within: Some(within), ..self }
    }

    /// The same with more attempts.
    #[doc(hidden)]
    pub const fn retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// Whether an arm takes an event, so that *handled* alone does not end the exchange.
    pub fn awaits_event(&self) -> bool {
        self.arms.iter().any(|arm| matches!(arm.outcome, ArmOutcome::Event { .. }))
    }

    /// Whether an arm takes this outcome, by name only.
    pub fn has_arm(&self, outcome: fn(&ArmOutcome) -> bool) -> bool {
        self.arms.iter().any(|arm| outcome(&arm.outcome))
    }
}

/// What an exchange does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Asks a participant for an effect.
    Send(&'static CommandInfo),
    /// Asks a participant for data.
    Query(&'static CommandInfo),
    /// Runs another saga.
    Run(#[serde(serialize_with = "by_name")] &'static Definition),
    /// Lets time pass.
    Sleep(Span),
    /// Only awaits what its arms are correlated with.
    Wait,
    /// Nothing: the step only says how to undo what happened before the saga.
    Nothing,
}

/// Another saga in the description of one: what it consists of is its own affair.
fn by_name<S: serde::Serializer>(definition: &&'static Definition, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(definition.name)
}

impl Action {
    /// The command that it sends, if it sends one.
    pub const fn command(&self) -> Option<&'static CommandInfo> {
        match self {
            Self::Send(command) | Self::Query(command) => Some(command),
            Self::Run(_) | Self::Sleep(_) | Self::Wait | Self::Nothing => None,
        }
    }

    /// Whether something may have to be undone that was once begun: a command with an effect, or another saga.
    pub const fn has_effect(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Run(_))
    }
}

/// One arm of an `await`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// What it takes.
    pub outcome: ArmOutcome,
    /// What stands after `where`; empty: an event arm takes only what answers the exchange's own command.
    pub correlations: &'static [Correlation],
    /// The condition after `if`, as written.
    pub guard: Option<&'static str>,
    /// What it does.
    pub disposition: Disposition,
}

/// `name == Expr` after `where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Correlation {
    /// What the pattern binds.
    pub name: &'static str,
    /// What it is compared with, as written.
    pub value: &'static str,
}

impl Arm {
    /// Whether it takes an event.
    pub const fn takes_event(&self) -> bool {
        matches!(self.outcome, ArmOutcome::Event { .. })
    }

    /// The same for events of anyone that carry these values.
    #[doc(hidden)]
    pub const fn correlated(self, correlations: &'static [Correlation]) -> Self {
        Self { correlations, ..self }
    }

    /// The same with its condition.
    #[doc(hidden)]
    pub const fn when(self, guard: &'static str) -> Self {
        Self { guard: Some(guard), ..self }
    }
}

/// What an arm takes; patterns as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArmOutcome {
    /// An event.
    Event {
        /// The pattern, as written.
        pattern: &'static str,
        /// The variants that it names.
        events: &'static [&'static str],
    },
    /// The participant did it.
    Handled,
    /// The participant said no.
    Refused(&'static str),
    /// The other saga failed.
    Failed(&'static str),
    /// One attempt took longer than `within`.
    Timeout,
    /// The participant is away.
    Disconnected,
}

impl ArmOutcome {
    /// The arm that ends the step with this output.
    #[doc(hidden)]
    pub const fn value(self, value: &'static str) -> Arm {
        Arm { outcome: self, correlations: &[], guard: None, disposition: Disposition::Value(value) }
    }

    /// The arm that fails the saga with this reason.
    #[doc(hidden)]
    pub const fn fail(self, reason: &'static str) -> Arm {
        Arm { outcome: self, correlations: &[], guard: None, disposition: Disposition::Fail(reason) }
    }

    /// The arm that sends the same command again.
    #[doc(hidden)]
    pub const fn retry(self) -> Arm {
        Arm { outcome: self, correlations: &[], guard: None, disposition: Disposition::Retry }
    }
}

/// What an arm does; expressions as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Ends the step with this output.
    Value(&'static str),
    /// Fails the saga (in a compensation: leaves it stuck) with this reason.
    Fail(&'static str),
    /// Sends the same command again.
    Retry,
}

/// `retry n times every a..b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// How many more attempts, as written.
    pub times: &'static str,
    /// The first wait, doubled after each attempt.
    pub every: Span,
    /// The longest wait.
    pub at_most: Span,
}

/// What undoes a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Compensation {
    /// There is nothing to undo: it changes nothing, or there is no way back from it.
    NotNeeded,
    /// `compensate none because "…"`.
    None {
        /// The reason, as written.
        because: &'static str,
    },
    /// A command, or a block of its own.
    Exchange(Exchange),
    /// `compensate with other`: what undoes this earlier step undoes this one too. An index into
    /// [`Definition::steps`].
    With(u16),
    /// `compensate unwind`: the completed other saga is undone by its own compensations.
    Unwind,
}

impl Compensation {
    /// Whether something is undone when the step took effect.
    pub const fn undoes(&self) -> bool {
        !matches!(self, Self::NotNeeded | Self::None { .. })
    }

    /// The exchange that undoes the step, if there is one.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::NotNeeded | Self::None { .. } | Self::With(_) | Self::Unwind => None,
        }
    }
}
