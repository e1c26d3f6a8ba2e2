//! What the state keeps of a `for`: its items, whose type has no name, and what came of each.
//!
//! It knows nothing of what is done with an item.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Slot;
use crate::codec;

/// The items of a step with `for`, and its outputs in their order. `null` before it begins, `[null]` if its `when` did
/// not hold, else a list of `[item,[]]` and
/// `[item,[output]]`.
#[derive(Clone)]
pub struct Items<T>(Option<Option<Vec<Entry<T>>>>);

/// An item as JSON, and what came of it.
#[derive(Clone)]
struct Entry<T> {
    item: Box<RawValue>,
    output: Slot<T>,
}

impl<T> Items<T> {
    /// Of a step that has not begun.
    pub const EMPTY: Self = Self(None);

    /// Of a step that is not done.
    pub(crate) const SKIPPED: Self = Self(Some(None));

    /// Of a step that begins with these.
    ///
    /// # Panics
    /// When an item cannot be written as JSON, or there are more than 2^32.
    pub(crate) fn new<I: Serialize>(items: impl Iterator<Item = I>) -> Self {
        let entry = |item: I| {
            let text = codec::encode(&item).unwrap_or_else(|error| panic!("an item cannot be kept: {error}"));
            let item = RawValue::from_string(text).expect("what was encoded is JSON");
            Entry { item, output: Slot::EMPTY }
        };
        Self(Some(Some(items.map(entry).collect())))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.entries().len()).expect("a `for` has fewer than 2^32 items")
    }

    /// The item with this number.
    ///
    /// # Panics
    /// When there is none, or it does not read back.
    #[track_caller]
    pub(crate) fn item<I: DeserializeOwned>(&self, number: u32) -> I {
        let item = self.entries()[number as usize].item.get();
        codec::decode(item).unwrap_or_else(|error| panic!("an item does not read back: {error}"))
    }

    /// What came of the item with this number.
    pub(crate) fn output(&self, number: u32) -> Option<&T> {
        self.entries().get(number as usize)?.output.get()
    }

    /// The exchange of this item has ended.
    pub(crate) fn put(&mut self, number: u32, output: T) {
        if let Self(Some(Some(entries))) = self {
            entries[number as usize].output = Slot::full(output);
        }
    }

    /// All outputs, in the order of the items; none of a step that was not done.
    ///
    /// # Panics
    /// When one is missing. Generated code leaves a place only when its steps have ended.
    #[track_caller]
    pub(crate) fn outputs(&self) -> Option<Vec<T>>
    where
        T: Clone,
    {
        let entries = self.0.as_ref().expect("a place is left when its steps have ended").as_ref()?;
        Some(entries.iter().map(|entry| entry.output.clone().take()).collect())
    }

    /// The same if all of them have ended; none otherwise.
    pub(crate) fn outputs_so_far(&self) -> Option<Vec<T>>
    where
        T: Clone,
    {
        let entries = self.0.as_ref()?.as_ref()?;
        entries.iter().map(|entry| entry.output.get().cloned()).collect()
    }

    /// Whether it was not done, or all of it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_some() && self.entries().iter().all(|entry| entry.output.is_full())
    }

    fn entries(&self) -> &[Entry<T>] {
        self.0.as_ref().and_then(Option::as_deref).unwrap_or_default()
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.entries().iter().filter(|entry| entry.output.is_full()).count();
        write!(f, "Items({done} of {})", self.count())
    }
}

impl<T: Serialize> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

impl<T: Serialize> Serialize for Entry<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.item, &self.output).serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (item, output) = Deserialize::deserialize(deserializer)?;
        Ok(Self { item, output })
    }
}
