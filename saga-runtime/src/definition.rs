//! The inert description of a saga: what [`saga!`](crate::saga!) was told, as data.
//!
//! Documentation, diagrams, checks, the operator's views and the generic part of the machine are made of it. It knows
//! no values: expressions stand here as text.

mod step;

use std::time::Duration;

use serde::Serialize;

pub use self::step::{
    Action, Arm, ArmOutcome, AtOnce, Compensation, Correlation, Disposition, Each, Exchange, Retry, Step, StepKind,
};
use crate::message::{At, CommandInfo, Fnv, Mode};
use crate::saga::Position;

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
    /// The steps grouped into the places that the saga passes on its way forward, in order; without those of `finally`.
    pub places: &'static [Place],
    /// The steps that run on every way out, in order: indices into [`Definition::steps`].
    pub finally: &'static [u16],
    /// The conditions between the places, in order.
    pub requires: &'static [Require],
    /// The expression after `return`, as written.
    pub returns: Option<&'static str>,
    /// Whether that mentions something redacted, so that the output is not shown.
    pub returns_redacted: bool,
    /// `#[ephemeral]`: kept in memory only.
    pub ephemeral: bool,
    /// `#[on_restart(…)]`: what becomes of it when its process starts again.
    pub on_restart: OnRestart,
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
            finally: &[],
            requires: &[],
            returns: None,
            returns_redacted: false,
            ephemeral: false,
            on_restart: OnRestart::Resume,
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

    /// The same with the steps that run on every way out.
    #[doc(hidden)]
    pub const fn finally(self, finally: &'static [u16]) -> Self {
        Self { finally, ..self }
    }

    /// The same with the conditions between its places.
    #[doc(hidden)]
    pub const fn requires(self, requires: &'static [Require]) -> Self {
        Self { requires, ..self }
    }

    /// The same kept in memory only.
    #[doc(hidden)]
    pub const fn ephemeral(self) -> Self {
        Self { ephemeral: true, ..self }
    }

    /// The same with what becomes of it at a restart.
    #[doc(hidden)]
    pub const fn on_restart(self, on_restart: OnRestart) -> Self {
        Self { on_restart, ..self }
    }

    /// The same with an output that is not shown.
    #[doc(hidden)]
    pub const fn returns_redacted(self) -> Self {
        Self { returns_redacted: true, ..self }
    }

    /// The same with what it returns.
    #[doc(hidden)]
    pub const fn returns(self, returns: &'static str) -> Self {
        Self { returns: Some(returns), ..self }
    }

    /// Identifies the definition: order, names, clauses and types of its steps. The same for the same definition in
    /// every process and release; doc comments and what is redacted do not count.
    pub fn fingerprint(&self) -> String {
        let essential = |mut value: serde_json::Value| {
            strip(&mut value);
            value.to_string()
        };
        let mut hash = Fnv::default();
        hash.write(&serde_json::to_value(self).map(essential).unwrap_or_default());
        hash.finish()
    }

    /// The definition as JSON.
    ///
    /// # Panics
    /// Never: it holds nothing that JSON cannot.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a definition holds text and numbers only")
    }

    /// What an input looks like, with types instead of values: `{"tab": TabId, "source": WorkspaceId}`.
    pub fn input_form(&self) -> String {
        let field = |parameter: &Parameter| format!("\"{}\": {}", parameter.name, parameter.ty);
        format!("{{{}}}", self.parameters.iter().map(field).collect::<Vec<_>>().join(", "))
    }

    /// The sagas that it runs, as often as it does.
    pub fn children(&self) -> impl Iterator<Item = &'static Definition> {
        self.steps.iter().filter_map(|step| match step.exchange.action {
            Action::Run(child) => Some(child),
            _ => None,
        })
    }

    /// The participants that it sends to; one may come twice.
    pub fn participants(&self) -> impl Iterator<Item = &'static str> {
        let blocks = self.steps.iter().flat_map(|step| [Some(&step.exchange), step.compensation.exchange()]);
        blocks.flatten().filter_map(|block| Some(block.action.command()?.to))
    }

    /// The first step of a position; none if there is no such place.
    pub(crate) fn first_step(&self, position: Position) -> Option<u16> {
        match position {
            Position::Forward(place) | Position::Compensating(place) => {
                self.places.get(usize::from(place))?.steps.first().copied()
            }
            Position::Finally(index) => self.finally.get(usize::from(index)).copied(),
        }
    }

    /// Which item an exchange is about, from 0; none if its step has no `for`.
    pub(crate) fn item(&self, at: At) -> Option<u32> {
        self.steps.get(usize::from(at.step))?.each.map(|_| at.item)
    }

    /// What was declared of the command of an exchange; none if there is no such exchange, or it sends none.
    pub fn command(&self, at: At) -> Option<&'static CommandInfo> {
        let step = self.steps.get(usize::from(at.step))?;
        let block = if at.mode == Mode::Compensation { step.compensation.exchange()? } else { &step.exchange };
        block.action.command()
    }
}

/// Removes what changes nothing of how a saga runs, of its commands too: what is documented, and what is shown.
fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.retain(|name, _| !["doc", "redacted", "returns_redacted"].contains(&name.as_str()));
            fields.values_mut().for_each(strip);
            fields.retain(|_, value| !is_nothing(value));
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

/// What a clause that is not there looks like. It does not count, so that a clause that the language gains later changes
/// no saga that does without it.
fn is_nothing(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(false) => true,
        serde_json::Value::Array(values) => values.is_empty(),
        serde_json::Value::Bool(true)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Object(_) => false,
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
    /// `#[redact]`: its value is never shown.
    pub redacted: bool,
}

impl Parameter {
    /// A description that shows everything.
    #[doc(hidden)]
    pub const fn new(name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        Self { name, ty, doc, redacted: false }
    }

    /// The same with a value that is not shown.
    #[doc(hidden)]
    pub const fn redacted(self) -> Self {
        Self { redacted: true, ..self }
    }
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

/// One `require`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Require {
    /// It is asked before this place is begun: an index into [`Definition::places`], or their number for one that
    /// stands behind the last.
    pub place: u16,
    /// The condition, as written.
    pub condition: &'static str,
    /// The reason after `else`, as written.
    pub reason: &'static str,
}

/// What becomes of a saga in flight when its coordinator starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRestart {
    /// It goes on.
    Resume,
    /// It is undone, as if it had been cancelled.
    Compensate,
    /// It waits for an operator.
    Park,
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

/// What the saga is at while it goes forward: a step, or the steps of a `parallel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Indices into [`Definition::steps`].
    pub steps: &'static [u16],
}
