//! Values as JSON that reads back as the very same value.
//!
//! In JSON `None`, `()`, `Some(None)` and `Some(())` are all `null`. Here a `null` under one `Some` or more is written
//! as `{"$some": n}`, with their number; everything else as always. It holds for the value itself; what an author's own
//! types hold inside is as their own `Serialize` says.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::ser::{Impossible, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A value as it is written.
pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl<T: Serialize> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.serialize(Depth(0)) {
            Ok(0) | Err(NotNull) => self.0.serialize(serializer),
            Ok(some) => Marker { some }.serialize(serializer),
        }
    }
}

/// A value as it is read.
pub(crate) struct Read<T>(T);

impl<T> Read<T> {
    /// The value.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        read(&json).map(Self).map_err(D::Error::custom)
    }
}

/// Reads what [`Written`] wrote.
pub(crate) fn read<T: DeserializeOwned>(json: &RawValue) -> Result<T, serde_json::Error> {
    // Looked at first, so that nothing else is parsed twice.
    if json.get().starts_with(r#"{"$some""#)
        && let Ok(Marker { some }) = serde_json::from_str(json.get())
    {
        return T::deserialize(Depth(some));
    }
    serde_json::from_str(json.get())
}

/// Stands for `null` under this many `Some`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    #[serde(rename = "$some")]
    some: u32,
}

/// As a serializer: counts the `Some` around a `null`. As a deserializer: a `null` under that many.
struct Depth(u32);

/// The value is not `null`, however many `Some` there are around it.
#[derive(Debug)]
struct NotNull;

impl fmt::Display for NotNull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not null")
    }
}

impl std::error::Error for NotNull {}

impl serde::ser::Error for NotNull {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! not_null {
    ($($method:ident($($ty:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $ty),*) -> Result<$ok, NotNull> {
            Err(NotNull)
        })*
    };
}

type Never = Impossible<u32, NotNull>;

impl Serializer for Depth {
    type Ok = u32;
    type Error = NotNull;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_none(self) -> Result<u32, NotNull> {
        Ok(self.0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u32, NotNull> {
        value.serialize(Self(self.0 + 1))
    }

    fn serialize_unit(self) -> Result<u32, NotNull> {
        Ok(self.0)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<u32, NotNull> {
        Ok(self.0)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<u32, NotNull> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<u32, NotNull> {
        Err(NotNull)
    }

    not_null! {
        serialize_bool(bool) -> u32;
        serialize_i8(i8) -> u32;
        serialize_i16(i16) -> u32;
        serialize_i32(i32) -> u32;
        serialize_i64(i64) -> u32;
        serialize_i128(i128) -> u32;
        serialize_u8(u8) -> u32;
        serialize_u16(u16) -> u32;
        serialize_u32(u32) -> u32;
        serialize_u64(u64) -> u32;
        serialize_u128(u128) -> u32;
        serialize_f32(f32) -> u32;
        serialize_f64(f64) -> u32;
        serialize_char(char) -> u32;
        serialize_str(&str) -> u32;
        serialize_bytes(&[u8]) -> u32;
        serialize_unit_variant(&'static str, u32, &'static str) -> u32;
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}

impl<'de> Deserializer<'de> for Depth {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0.checked_sub(1) {
            Some(inside) => visitor.visit_some(Self(inside)),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T, json: &str) {
        let written = serde_json::to_string(&Written(value)).expect("a value can be written");
        assert_eq!(written, json);
        let read: Read<T> = serde_json::from_str(&written).expect("a value can be read");
        assert_eq!(&read.into_inner(), value);
    }

    #[test]
    fn what_json_cannot_tell_apart_reads_back_as_itself() {
        again::<Option<Option<u8>>>(&None, "null");
        again::<Option<Option<u8>>>(&Some(None), r#"{"$some":1}"#);
        again::<Option<Option<u8>>>(&Some(Some(5)), "5");
        again::<Option<Option<Option<()>>>>(&Some(Some(None)), r#"{"$some":2}"#);
        again::<Option<Option<Option<()>>>>(&Some(Some(Some(()))), r#"{"$some":3}"#);
        again(&(), "null");
        again(&Some(()), r#"{"$some":1}"#);
        again(&Some("x".to_owned()), "\"x\"");
        again(&Some(u64::MAX), "18446744073709551615");
        again(&vec![Some(1), None], "[1,null]");
    }
}
