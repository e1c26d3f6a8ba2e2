//! Whether a value is written as a nest: `null`, `[null]`, `[[null]]` …
//!
//! A serializer that writes nothing, and stops at the first thing that no nest has.

use std::fmt::{self, Display};

use serde::ser::{Error, Impossible, Serialize, SerializeSeq, SerializeTuple, SerializeTupleStruct, Serializer};

pub(super) fn is_nest<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Probe).is_ok()
}

/// Succeeds for a nest.
struct Probe;

/// Succeeds if it gets one element, and that is a nest.
struct OneElement {
    seen: bool,
}

#[derive(Debug)]
struct NoNest;

impl Display for NoNest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no nest")
    }
}

impl std::error::Error for NoNest {}

impl Error for NoNest {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

impl OneElement {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoNest> {
        if std::mem::replace(&mut self.seen, true) { Err(NoNest) } else { value.serialize(Probe) }
    }

    fn end(&self) -> Result<(), NoNest> {
        if self.seen { Ok(()) } else { Err(NoNest) }
    }
}

macro_rules! one_element {
    ($($compound:ident::$method:ident;)*) => {$(
        impl $compound for OneElement {
            type Ok = ();
            type Error = NoNest;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoNest> {
                self.element(value)
            }

            fn end(self) -> Result<(), NoNest> {
                OneElement::end(&self)
            }
        }
    )*};
}

one_element! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
}

macro_rules! no_nest {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, NoNest> {
            Err(NoNest)
        }
    )*};
}

type Never = Impossible<(), NoNest>;

impl Serializer for Probe {
    type Ok = ();
    type Error = NoNest;
    type SerializeSeq = OneElement;
    type SerializeTuple = OneElement;
    type SerializeTupleStruct = OneElement;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_none(self) -> Result<(), NoNest> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), NoNest> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoNest> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoNest> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), NoNest> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<OneElement, NoNest> {
        Ok(OneElement { seen: false })
    }

    fn serialize_tuple(self, _: usize) -> Result<OneElement, NoNest> {
        Ok(OneElement { seen: false })
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<OneElement, NoNest> {
        Ok(OneElement { seen: false })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NoNest> {
        Err(NoNest)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), NoNest> {
        Err(NoNest)
    }

    no_nest! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }
}
