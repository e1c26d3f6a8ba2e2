//! The inert description of a saga: what [`saga!`](crate::saga!) was told, as data.
//!
//! Documentation, diagrams, checks, the operator's views and the generic part of the machine are made of it. It knows
//! no values: expressions stand here as text.

use std::time::Duration;

use serde::Serialize;

use crate::message::{At, CommandInfo, Fnv, Mode};

/// All that stands in one `saga!`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Definition {
    /// The name on the wire, in the log and on the command line: `#[name("…")]`, or the type's name in snake_case.
    pub name: &'static str,
    /// The name of the generated input type.
    pub type_name: &'static str,
    /// `#[version(n)]`, 1 without.
    pub version: u32,
    /// The doc comment, lines joined by `\n`, without the leading space of each; empty without.
    pub doc: &'static str,
    /// What it is started with, in order.
    pub parameters: &'static [Parameter],
    /// The type after `->`, as written.
    pub output: Option<&'static str>,
    /// What starts it besides a call.
    pub triggers: &'static [Trigger],
    /// What a start does while a saga that holds the same key is in flight.
    pub concurrency: Concurrency,
    /// How long its forward part may take, counted from leaving the queue.
    pub deadline: Deadline,
    /// All steps in the order written; their index is the number of the step in keys and records.
    pub steps: &'static [Step],
    /// The steps grouped into the places that the saga passes on its way forward, in order.
    pub places: &'static [Place],
    /// The expression after `return`, as written.
    pub returns: Option<&'static str>,
}

impl Definition {
    /// A description with what every saga has.
    #[doc(hidden)]
    pub const fn new(name: &'static str, type_name: &'static str, version: u32, deadline: Deadline) -> Self {
        Self {
            name,
            type_name,
            version,
            doc: "",
            parameters: &[],
            output: None,
            triggers: &[],
            concurrency: Concurrency { policy: Policy::Allow, keys: &[] },
            deadline,
            steps: &[],
            places: &[],
            returns: None,
        }
    }

    /// The same with its documentation.
    #[doc(hidden)]
    pub const fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    /// The same with its parameters.
    #[doc(hidden)]
    pub const fn parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// The same with the type of its output.
    #[doc(hidden)]
    pub const fn output(self, output: &'static str) -> Self {
        Self { output: Some(output), ..self }
    }

    /// The same with what starts it.
    #[doc(hidden)]
    pub const fn triggers(self, triggers: &'static [Trigger]) -> Self {
        Self { triggers, ..self }
    }

    /// The same with what a start does while another saga holds one of these keys.
    #[doc(hidden)]
    pub const fn concurrency(self, policy: Policy, keys: &'static [&'static str]) -> Self {
        Self { concurrency: Concurrency { policy, keys }, ..self }
    }

    /// The same with its steps, and their places.
    #[doc(hidden)]
    pub const fn steps(self, steps: &'static [Step], places: &'static [Place]) -> Self {
        Self { steps, places, ..self }
    }

    /// The same with what it returns.
    #[doc(hidden)]
    pub const fn returns(self, returns: &'static str) -> Self {
        Self { returns: Some(returns), ..self }
    }

    /// Identifies the definition: order, names, clauses and types of its steps. The same for the same definition in
    /// every process and release; doc comments do not count.
    pub fn fingerprint(&self) -> String {
        let undocumented = |mut value: serde_json::Value| {
            strip_docs(&mut value);
            value.to_string()
        };
        let mut hash = Fnv::default();
        hash.write(&serde_json::to_value(self).map(undocumented).unwrap_or_default());
        hash.finish()
    }

    /// The definition as JSON.
    ///
    /// # Panics
    /// Never: it holds nothing that JSON cannot.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a definition holds text and numbers only")
    }

    /// The participants that it sends to; one may come twice.
    pub fn participants(&self) -> impl Iterator<Item = &'static str> {
        let blocks = self.steps.iter().flat_map(|step| [Some(&step.exchange), step.compensation.exchange()]);
        blocks.flatten().map(|block| block.action.command().to)
    }

    /// What was declared of the command of an exchange; none if there is no such exchange.
    pub fn command(&self, at: At) -> Option<&'static CommandInfo> {
        let step = self.steps.get(usize::from(at.step))?;
        let block = if at.mode == Mode::Compensation { step.compensation.exchange()? } else { &step.exchange };
        Some(block.action.command())
    }
}

/// Removes every `doc` of a definition, those of its commands included.
fn strip_docs(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.remove("doc");
            fields.values_mut().for_each(strip_docs);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(strip_docs),
        _ => {}
    }
}

/// One parameter of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type, as written.
    pub ty: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
}

/// One `trigger`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// The variant of the bus's event.
    pub event: &'static str,
    /// The pattern, as written.
    pub pattern: &'static str,
    /// The condition after `if`, as written.
    pub guard: Option<&'static str>,
}

/// The `concurrency` of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Concurrency {
    /// What a start does when the key is held.
    pub policy: Policy,
    /// The expressions after `per`, as written; empty: the key is the kind.
    pub keys: &'static [&'static str],
}

/// What a start does while a saga that holds the same key is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Policy {
    /// Both run.
    Allow,
    /// It waits until the other has ended: first come, first served.
    Queue,
    /// The other is cancelled, and it starts when that has ended.
    Replace,
    /// It does not start.
    Skip,
}

/// The `deadline` of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// It compensates when this has passed.
    After(Span),
    /// `deadline none because "…"`.
    None {
        /// The reason, as written.
        because: &'static str,
    },
}

/// A length of time, literal or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// A literal such as `250ms`.
    Fixed(Duration),
    /// An expression, as written; its value comes with the exchange.
    Computed(&'static str),
}

/// What the saga is at while it goes forward: a step, or (later) the steps of a `parallel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Indices into [`Definition::steps`].
    pub steps: &'static [u16],
}

/// One `step`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Its name, which is also that of its output.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// The type after `->`, as written.
    pub output: Option<&'static str>,
    /// What it says and what it waits for.
    pub exchange: Exchange,
    /// What undoes it.
    pub compensation: Compensation,
}

impl Step {
    /// A description with what every step has.
    #[doc(hidden)]
    pub const fn new(name: &'static str, exchange: Exchange, compensation: Compensation) -> Self {
        Self { name, doc: "", output: None, exchange, compensation }
    }

    /// The same with its documentation.
    #[doc(hidden)]
    pub const fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    /// The same with the type of its output.
    #[doc(hidden)]
    pub const fn output(self, output: &'static str) -> Self {
        Self { output: Some(output), ..self }
    }
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
        Self { action: Action::Send(command), arms: &[], within: None, retry: None }
    }

    /// Asks for data.
    #[doc(hidden)]
    pub const fn query(command: &'static CommandInfo) -> Self {
        Self { action: Action::Query(command), arms: &[], within: None, retry: None }
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
        self.arms.iter().any(|arm| matches!(arm.outcome, ArmOutcome::Event(_)))
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
}

impl Action {
    /// The command that it sends.
    pub fn command(&self) -> &'static CommandInfo {
        match self {
            Self::Send(command) | Self::Query(command) => command,
        }
    }
}

/// One arm of an `await`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// What it takes.
    pub outcome: ArmOutcome,
    /// The condition after `if`, as written.
    pub guard: Option<&'static str>,
    /// What it does.
    pub disposition: Disposition,
}

impl Arm {
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
    /// An event that answers this very command.
    Event(&'static str),
    /// The participant did it.
    Handled,
    /// The participant said no.
    Refused(&'static str),
    /// One attempt took longer than `within`.
    Timeout,
    /// The participant is away.
    Disconnected,
}

impl ArmOutcome {
    /// The arm that ends the step with this output.
    #[doc(hidden)]
    pub const fn value(self, value: &'static str) -> Arm {
        Arm { outcome: self, guard: None, disposition: Disposition::Value(value) }
    }

    /// The arm that fails the saga with this reason.
    #[doc(hidden)]
    pub const fn fail(self, reason: &'static str) -> Arm {
        Arm { outcome: self, guard: None, disposition: Disposition::Fail(reason) }
    }

    /// The arm that sends the same command again.
    #[doc(hidden)]
    pub const fn retry(self) -> Arm {
        Arm { outcome: self, guard: None, disposition: Disposition::Retry }
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
    /// A query changes nothing; there is nothing to undo.
    NotNeeded,
    /// `compensate none because "…"`.
    None {
        /// The reason, as written.
        because: &'static str,
    },
    /// A command, or a block of its own.
    Exchange(Exchange),
}

impl Compensation {
    /// The exchange that undoes the step, if there is one.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::NotNeeded | Self::None { .. } => None,
        }
    }
}
