//! All sagas of one kind, by value; and the one place where an author's code is called.
//!
//! Everything generic over a saga's types is here, and it is thin, so that the rest of the machine is compiled once a
//! bus. Every call into an author's expression is contained: a panic becomes a [`Panicked`].

mod body;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

pub(crate) use self::body::Body;
use self::body::BodyOf;
use super::asides::Asides;
use super::control::Control;
use crate::codec;
use crate::definition::{Definition, Policy};
use crate::message::{Bus, Event, EventOf, Mode, SagaId};
use crate::redaction::{REDACTED, hushed};
use crate::saga::{Key, Saga};
use crate::time::Timestamp;

/// An author's expression panicked, with this message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an expression of the saga panicked: {0}")]
pub(crate) struct Panicked(pub(crate) String);

/// The input of a saga of some kind.
pub(crate) type Input = Box<dyn Any + Send>;

/// The place of a saga among those of its kind.
pub(crate) type Slot = u32;

/// A saga of a kind that is about to start.
pub(crate) struct Begun {
    pub(crate) slot: Slot,
    /// The input as JSON.
    pub(crate) input: String,
}

/// All sagas of one kind.
pub(crate) trait Kind<B: Bus>: Send {
    fn definition(&self) -> &'static Definition;
    fn parse(&self, json: &str) -> Result<Input, String>;
    fn triggered_by(&self, event: &EventOf<B>) -> Result<Option<Input>, Panicked>;
    fn begin(&mut self, id: SagaId, input: Input, now: Timestamp) -> Result<Begun, Panicked>;
    fn load(&mut self, id: SagaId, text: &str) -> Result<Slot, String>;
    fn save(&self, slot: Slot) -> Result<String, String>;
    fn remove(&mut self, slot: Slot);
    fn control(&self, slot: Slot) -> &Control;
    fn control_mut(&mut self, slot: Slot) -> &mut Control;
    /// One saga: what is common to all, and what is its own.
    fn saga(&self, slot: Slot) -> (&Control, &dyn Body<B>);
    fn saga_mut(&mut self, slot: Slot) -> (&mut Control, &mut dyn Body<B>);
    /// What an event carries for an arm; nothing either, if that cannot be told.
    fn carried(&self, step: u16, mode: Mode, arm: u16, event: &EventOf<B>) -> Option<Key>;
    /// The ids of all that are in flight, with their slots, in no order.
    fn in_flight(&self) -> Vec<(SagaId, Slot)>;
    fn as_any(&self) -> &dyn Any;
}

/// The sagas `S` in flight.
pub(crate) struct KindOf<S: Saga> {
    entries: Vec<Option<Entry<S>>>,
    free: Vec<Slot>,
}

struct Entry<S: Saga> {
    id: SagaId,
    control: Control,
    body: BodyOf<S>,
}

/// What the log keeps of a saga in flight.
#[derive(Serialize)]
pub(super) struct Saved<'a, T> {
    pub(super) control: &'a Control,
    pub(super) state: &'a T,
    #[serde(skip_serializing_if = "Asides::is_empty")]
    pub(super) asides: &'a Asides<T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: serde::de::DeserializeOwned")]
pub(super) struct Loaded<T> {
    pub(super) control: Control,
    pub(super) state: T,
    #[serde(default)]
    pub(super) asides: Asides<T>,
}

impl<S: Saga> KindOf<S> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }

    /// The state of a saga that is in flight.
    pub(crate) fn state(&self, slot: Slot) -> &S::State {
        &self.entry(slot).body.state
    }

    fn entry(&self, slot: Slot) -> &Entry<S> {
        self.entries[slot as usize].as_ref().expect("a routed slot is taken")
    }

    fn entry_mut(&mut self, slot: Slot) -> &mut Entry<S> {
        self.entries[slot as usize].as_mut().expect("a routed slot is taken")
    }

    fn insert(&mut self, entry: Entry<S>) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.entries[slot as usize] = Some(entry);
            return slot;
        }
        self.entries.push(Some(entry));
        Slot::try_from(self.entries.len() - 1).expect("fewer than 2^32 sagas of a kind are in flight")
    }
}

impl<S: Saga> Kind<S::Bus> for KindOf<S> {
    fn definition(&self) -> &'static Definition {
        S::DEFINITION
    }

    fn parse(&self, json: &str) -> Result<Input, String> {
        serde_json::from_str::<S>(json).map(|saga| Box::new(saga) as Input).map_err(|error| shown_error::<S>(&error))
    }

    fn triggered_by(&self, event: &EventOf<S::Bus>) -> Result<Option<Input>, Panicked> {
        let hidden = !event.info().redacted.is_empty();
        let started = contain::<S, _>(|| S::triggered_by(event).map(|saga| Box::new(saga) as Input));
        started.map_err(|panicked| if hidden { Panicked(REDACTED.to_owned()) } else { panicked })
    }

    fn begin(&mut self, id: SagaId, input: Input, now: Timestamp) -> Result<Begun, Panicked> {
        let saga = *input.downcast::<S>().expect("an input is given to the kind that parsed it");
        let (input, control, state) = contain::<S, _>(|| {
            let input = serde_json::to_string(&saga)
                .map_err(|error| format!("its input is no JSON: {}", shown_error::<S>(&codec::remedy(&error))));
            let allowed = contain::<S, _>(|| saga.deadline()).map_err(|panicked| panicked.0);
            (input, Control::new(now, allowed, keys(&saga)), saga.begin())
        })?;
        let slot = self.insert(Entry { id, control, body: BodyOf { state, asides: Asides::default() } });
        input.map(|input| Begun { slot, input }).map_err(|reason| {
            self.remove(slot);
            Panicked(reason)
        })
    }

    fn load(&mut self, id: SagaId, text: &str) -> Result<Slot, String> {
        let loaded = contain::<S, _>(|| codec::decode::<Loaded<S::State>>(text)).map_err(|panicked| panicked.0)?;
        let Loaded { control, state, asides } = loaded.map_err(|error| shown_error::<S>(&error))?;
        Ok(self.insert(Entry { id, control, body: BodyOf { state, asides } }))
    }

    fn save(&self, slot: Slot) -> Result<String, String> {
        let Entry { control, body: BodyOf { state, asides }, .. } = self.entry(slot);
        let saved = Saved { control, state, asides };
        contain::<S, _>(|| codec::encode(&saved))
            .map_err(|panicked| panicked.0)?
            .map_err(|error| shown_error::<S>(&error))
    }

    fn remove(&mut self, slot: Slot) {
        self.entries[slot as usize] = None;
        self.free.push(slot);
        if self.free.len() == self.entries.len() {
            self.entries = Vec::new();
            self.free = Vec::new();
        }
    }

    fn control(&self, slot: Slot) -> &Control {
        &self.entry(slot).control
    }

    fn control_mut(&mut self, slot: Slot) -> &mut Control {
        &mut self.entry_mut(slot).control
    }

    fn saga(&self, slot: Slot) -> (&Control, &dyn Body<S::Bus>) {
        let Entry { control, body, .. } = self.entry(slot);
        (control, body)
    }

    fn saga_mut(&mut self, slot: Slot) -> (&mut Control, &mut dyn Body<S::Bus>) {
        let Entry { control, body, .. } = self.entry_mut(slot);
        (control, body)
    }

    fn carried(&self, step: u16, mode: Mode, arm: u16, event: &EventOf<S::Bus>) -> Option<Key> {
        contain::<S, _>(|| S::carried(step, mode, arm, event)).ok()?
    }

    fn in_flight(&self) -> Vec<(SagaId, Slot)> {
        let slots = self.entries.iter().zip(0..);
        slots.filter_map(|(entry, slot)| Some((entry.as_ref()?.id, slot))).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The keys that a saga needs, each once. Without `per` it is the kind's, which matters unless all are allowed.
fn keys<S: Saga>(saga: &S) -> Vec<Key> {
    let concurrency = &S::DEFINITION.concurrency;
    if concurrency.keys.is_empty() {
        let matters = concurrency.policy != Policy::Allow;
        return matters.then(|| Key::of_kind(S::DEFINITION.name)).into_iter().collect();
    }
    let mut keys = saga.keys();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The keys of a saga whose state does not load, as far as they can still be read.
pub(crate) fn keys_in(text: &str) -> Vec<Key> {
    #[derive(Deserialize)]
    struct Saved {
        control: Held,
    }
    #[derive(Deserialize)]
    struct Held {
        #[serde(default)]
        keys: Vec<Key>,
    }
    codec::decode::<Saved>(text).map(|saved| saved.control.keys).unwrap_or_default()
}

/// Runs an author's code; a panic in it is an error here. What it says may mention a value that is not shown.
pub(super) fn contain<S: Saga, T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    let code = AssertUnwindSafe(code);
    let contained = if const { S::DEFINITION.redacts() } { hushed(|| catch_unwind(code)) } else { catch_unwind(code) };
    contained.map_err(|payload| Panicked(S::DEFINITION.shown_error(panic_message(payload.as_ref()))))
}

/// What is wrong with a value, which may repeat it.
pub(super) fn shown_error<S: Saga>(error: &dyn fmt::Display) -> String {
    S::DEFINITION.shown_error(error.to_string())
}

/// What a panic said, as far as it said it in text.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned())
}
