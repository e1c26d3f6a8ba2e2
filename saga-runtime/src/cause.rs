//! How a saga ends, and why it did not complete.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::message::SagaId;

/// How a saga ended: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// It went all the way, with its output.
    Completed(T),
    /// It failed, and everything that took effect was undone.
    Compensated(Cause),
    /// An operator ended it.
    Ended(EndedBy),
}

impl<T> Outcome<T> {
    /// The same outcome with another output.
    pub fn map<U>(self, output: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Completed(value) => Outcome::Completed(output(value)),
            Self::Compensated(cause) => Outcome::Compensated(cause),
            Self::Ended(by) => Outcome::Ended(by),
        }
    }

    /// The output, if it completed.
    pub fn completed(self) -> Option<T> {
        match self {
            Self::Completed(value) => Some(value),
            Self::Compensated(_) | Self::Ended(_) => None,
        }
    }
}

/// The operator who ended a saga, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedBy {
    /// Who: the name of the user, as the system knows it.
    pub who: String,
    /// Why, in the operator's words.
    pub why: String,
}

/// Why a saga did not complete: typed, and made of what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    step: String,
    kind: CauseKind,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    superseded_by: Option<SagaId>,
}

/// What kind of thing kept a saga from completing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A participant said no.
    Refused,
    /// An event arm said `fail`.
    Failed,
    /// An exchange took longer than its attempts allow.
    TimedOut,
    /// A participant was away.
    Disconnected,
    /// The saga's deadline passed.
    Deadline,
    /// It was cancelled.
    Cancelled,
    /// Another saga took its key.
    Superseded,
    /// A `require` did not hold.
    Required,
    /// A child failed.
    Child,
    /// An author's expression panicked, and an operator ended the saga.
    Panicked,
}

impl CauseKind {
    /// The word for it in a sentence or a table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Disconnected => "disconnected",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Required => "required",
            Self::Child => "child",
            Self::Panicked => "panicked",
        }
    }
}

impl Cause {
    /// A cause without a refusal.
    pub(crate) fn new(step: &str, kind: CauseKind, message: impl Into<String>) -> Self {
        Self { step: step.to_owned(), kind, message: message.into(), refusal: None, superseded_by: None }
    }

    /// Another saga took the key.
    pub(crate) fn superseded(step: &str, by: SagaId) -> Self {
        let message = format!("superseded by saga {by}");
        Self { superseded_by: Some(by), ..Self::new(step, CauseKind::Superseded, message) }
    }

    /// The same cause with the refusal that it is due to.
    pub(crate) fn with_refusal(mut self, refusal: serde_json::Value) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// The name of the step at which the saga stood.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// What kind of thing it was.
    pub fn kind(&self) -> CauseKind {
        self.kind
    }

    /// In words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The refusal, typed; none if the kind is not [`CauseKind::Refused`] or `R` is another bus's.
    pub fn refusal<R: DeserializeOwned>(&self) -> Option<R> {
        self.refusal.as_ref().and_then(|refusal| R::deserialize(refusal).ok())
    }

    /// The saga that took its key, if the kind is [`CauseKind::Superseded`].
    pub fn superseded_by(&self) -> Option<SagaId> {
        self.superseded_by
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Cause {}
