//! A hold on one saga, to await its end.

use std::any::TypeId;
use std::future::pending;
use std::marker::PhantomData;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::cause::Outcome;
use crate::codec;
use crate::definition::Definition;
use crate::message::SagaId;
use crate::saga::Saga;

/// How far a saga is, as its handles are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    Going,
    Stuck(String),
    Ended(Outcome<String>),
}

/// A saga that was started. Dropping it does nothing to the saga.
#[must_use = "a saga that was started has not yet ended: await its outcome, or say `let _ =` to let it go on alone"]
pub struct Handle<S: Saga> {
    id: SagaId,
    progress: watch::Receiver<Progress>,
    saga: PhantomData<fn() -> S>,
}

/// How far a saga went without an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled<T> {
    /// To its end.
    Ended(Outcome<T>),
    /// It is stuck, for this reason.
    Stuck(String),
}

/// What a handle is to be of.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    definition: &'static Definition,
    output: TypeId,
    reads: fn(&str) -> bool,
}

impl Wanted {
    pub(super) fn of<S: Saga>() -> Self {
        let reads = |output: &str| codec::decode::<S::Output>(output).is_ok();
        Self { definition: S::DEFINITION, output: TypeId::of::<S::Output>(), reads }
    }

    /// The saga's name.
    pub(super) fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Whether a saga that returns this type can be awaited as this one.
    pub(super) fn awaits(&self, output: TypeId) -> bool {
        self.output == output
    }

    /// Whether this end can be told.
    pub(super) fn tells(&self, outcome: &Outcome<String>) -> bool {
        !matches!(outcome, Outcome::Completed(output) if !(self.reads)(output))
    }

    /// What is to be done about a saga of the same name that is none of these.
    pub(super) fn refusal(&self, saga: SagaId, version: u32) -> String {
        let Definition { name, version: wanted, .. } = self.definition;
        format!(
            "saga {saga} is a `{name}` of version {version}, and its output is not that of version {wanted}: attach to it \
             with the type of version {version}"
        )
    }
}

impl<S: Saga> std::fmt::Debug for Handle<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("saga", &S::DEFINITION.name).field("id", &self.id).finish_non_exhaustive()
    }
}

impl<S: Saga> Handle<S> {
    pub(super) fn new(id: SagaId, progress: watch::Receiver<Progress>) -> Self {
        Self { id, progress, saga: PhantomData }
    }

    /// The saga's id.
    pub fn id(&self) -> SagaId {
        self.id
    }

    /// Whether the saga has ended.
    pub fn has_ended(&self) -> bool {
        matches!(*self.progress.borrow(), Progress::Ended(_))
    }

    /// How the saga ends. Waits through *stuck*. Never returns when the coordinator is stopped first: the saga has not
    /// ended then, and goes on with the next coordinator.
    pub async fn outcome(&self) -> Outcome<S::Output> {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| matches!(progress, Progress::Ended(_))).await;
        match ended.map(|progress| progress.clone()) {
            Ok(Progress::Ended(outcome)) => decode(outcome),
            _ => pending().await,
        }
    }

    /// How the saga ends, or that it is stuck.
    pub async fn settled(&self) -> Settled<S::Output> {
        let mut progress = self.progress.clone();
        let settled = progress.wait_for(|progress| !matches!(progress, Progress::Going)).await;
        match settled.map(|progress| progress.clone()) {
            Ok(Progress::Ended(outcome)) => Settled::Ended(decode(outcome)),
            Ok(Progress::Stuck(reason)) => Settled::Stuck(reason),
            _ => pending().await,
        }
    }
}

fn decode<T: serde::de::DeserializeOwned>(outcome: Outcome<String>) -> Outcome<T> {
    outcome.map(|output| codec::decode(&output).expect("a handle is given only to who reads the output"))
}

/// The outcome out of the log, with the output as it was encoded.
pub(super) fn from_log(text: &str) -> Result<Outcome<String>, serde_json::Error> {
    let outcome = Outcome::<Box<RawValue>>::deserialize(&mut serde_json::Deserializer::from_str(text))?;
    Ok(outcome.map(|output| output.get().to_owned()))
}
