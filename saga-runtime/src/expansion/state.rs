//! The serialised form of a state: `{"Charge": {"amount": 5, "charge": []}}`.
//!
//! One generic call a field, so that a hundred sagas compile in seconds; what a derive would generate is here once.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error};
use serde::ser::SerializeStructVariant as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Writes one variant, field by field.
pub struct Writer<S: Serializer>(S::SerializeStructVariant);

impl<S: Serializer> Writer<S> {
    /// Begins the variant.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn new(
        serializer: S,
        of: &'static str,
        index: u32,
        variant: &'static str,
        fields: usize,
    ) -> Result<Self, S::Error> {
        serializer.serialize_struct_variant(of, index, variant, fields).map(Self)
    }

    /// Writes one field.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn put<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), S::Error> {
        self.0.serialize_field(name, value)
    }

    /// Ends the variant.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

/// Reads one variant, field by field. Values stay text until their type is known, so that nothing is lost on the way.
pub struct Reader<E> {
    variant: String,
    fields: BTreeMap<String, Box<RawValue>>,
    error: PhantomData<E>,
}

impl<E: Error> Reader<E> {
    /// Reads the name of the variant and its fields.
    ///
    /// # Errors
    /// When it is no variant with fields.
    pub fn new<'de, D: Deserializer<'de, Error = E>>(deserializer: D) -> Result<Self, E> {
        let mut variants = BTreeMap::<String, BTreeMap<String, Box<RawValue>>>::deserialize(deserializer)?;
        match (variants.pop_first(), variants.len()) {
            (Some((variant, fields)), 0) => Ok(Self { variant, fields, error: PhantomData }),
            _ => Err(E::custom("a state is one place with its values")),
        }
    }

    /// The name of the variant.
    pub fn variant(&self) -> &str {
        &self.variant
    }

    /// Reads one field.
    ///
    /// # Errors
    /// When it is missing or not of this type.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, E> {
        let place = &self.variant;
        let value = self.fields.remove(name);
        let value = value.ok_or_else(|| E::custom(format_args!("at {place}: `{name}` is missing")))?;
        serde_json::from_str(value.get()).map_err(|error| E::custom(format_args!("at {place}: `{name}`: {error}")))
    }

    /// That there is no such variant.
    pub fn unknown(&self, of: &str) -> E {
        E::custom(format_args!("`{of}` has no place `{}`", self.variant))
    }

    /// The state, if nothing is left over.
    ///
    /// # Errors
    /// When there are values that the place does not know.
    pub fn end<T>(self, state: T) -> Result<T, E> {
        match self.fields.first_key_value() {
            None => Ok(state),
            Some((name, _)) => Err(E::custom(format_args!("at {}: `{name}` is not known", self.variant))),
        }
    }
}
