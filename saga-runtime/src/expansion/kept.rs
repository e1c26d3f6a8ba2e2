//! The serialised form of inputs and states: `{"cents": 5}`, `{"Charge": {"cents": 5, "charge": []}}`.
//!
//! One generic call a place, so that a hundred sagas compile in seconds; what derives would generate is here once.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error};
use serde::ser::{SerializeStruct, SerializeStructVariant};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::group::{Taken, Writes, Written};
use crate::codec::{self, Exact};
use crate::redaction::{REDACTED, hide};

/// An input or a state, field by field; what it can do follows from this.
pub trait Kept: Sized {
    /// The name of the type.
    const NAME: &'static str;

    /// The same again.
    fn cloned(&self) -> Self;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    /// Reads it.
    ///
    /// # Errors
    /// When a field is missing or of another type, or the place is unknown.
    fn read<E: Error>(from: &mut Reader<E>) -> Result<Self, E>;
}

/// What a step gives can be written. A saga that gives what cannot is stuck there, before it goes on with what a crash would
/// lose.
///
/// # Panics
/// When it cannot.
#[track_caller]
pub(super) fn assert_keeps<T: Serialize + 'static>(output: &T) {
    let plain =
        [TypeId::of::<()>(), TypeId::of::<bool>(), TypeId::of::<String>(), TypeId::of::<u32>(), TypeId::of::<u64>()];
    if plain.contains(&TypeId::of::<T>()) {
        return;
    }
    if let Err(error) = codec::encode(output) {
        panic!("what the step gives cannot be kept: {error}");
    }
}

/// An input, as a serializer writes it.
struct Struct<S: Serializer>(S::SerializeStruct);

impl<S: Serializer> Writes for Struct<S> {
    type Error = S::Error;

    fn put<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), S::Error> {
        self.0.serialize_field(name, &Exact(value))
    }
}

/// A state, as a serializer writes it.
struct Variant<S: Serializer>(S::SerializeStructVariant);

impl<S: Serializer> Writes for Variant<S> {
    type Error = S::Error;

    fn put<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), S::Error> {
        self.0.serialize_field(name, &Exact(value))
    }
}

/// Writes an input.
///
/// # Errors
/// Those of the serializer.
pub fn write_input<K: Kept, S: Serializer>(
    to: S,
    names: &[&'static str],
    fields: impl Written,
) -> Result<S::Ok, S::Error> {
    let mut to = Struct::<S>(to.serialize_struct(K::NAME, names.len())?);
    fields.write(names, &mut to)?;
    to.0.end()
}

/// Writes a state at one place.
///
/// # Errors
/// Those of the serializer.
pub fn write_place<K: Kept, S: Serializer>(
    to: S,
    place: &'static str,
    names: &[&'static str],
    fields: impl Written,
) -> Result<S::Ok, S::Error> {
    let mut to = Variant::<S>(to.serialize_struct_variant(K::NAME, 0, place, names.len())?);
    fields.write(names, &mut to)?;
    to.0.end()
}

/// Reads fields by name. Values stay text until their type is known, so that nothing is lost on the way.
pub struct Reader<E> {
    of: &'static str,
    place: String,
    fields: BTreeMap<String, Box<RawValue>>,
    known: &'static [&'static str],
    error: PhantomData<E>,
}

impl<E: Error> Reader<E> {
    /// The number of the place among these.
    pub fn place(&self, places: &[&str]) -> usize {
        places.iter().position(|place| *place == self.place).unwrap_or(usize::MAX)
    }

    /// Reads all fields that there are.
    ///
    /// # Errors
    /// When one is missing or of another type.
    pub fn take<T: Taken>(&mut self, names: &'static [&'static str]) -> Result<T, E> {
        self.known = names;
        T::take(names, self)
    }

    /// Reads one field. One that is left out is as `null`, where its type has that.
    pub(super) fn field<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, E> {
        match self.fields.remove(name) {
            Some(value) => codec::decode(value.get()).map_err(|error| {
                let reason = error.reason();
                // Lines and columns would be those of this value alone.
                let reason = reason.rsplit_once(" at line ").map_or(reason, |(what, _)| what);
                self.error(&format!("`{name}`: {reason}"))
            }),
            None => codec::decode("null").map_err(|_| self.missing(name)),
        }
    }

    /// That there is no such place.
    ///
    /// # Errors
    /// Always.
    pub fn unknown<T>(&self) -> Result<T, E> {
        Err(E::custom(format_args!("`{}` has no place `{}`", self.of, self.place)))
    }

    fn missing(&self, name: &str) -> E {
        match self.fields.keys().find(|field| !self.known.contains(&field.as_str())) {
            Some(unknown) => self.error(&format!("`{name}` is missing, and there is an unknown field `{unknown}`")),
            None => self.error(&format!("`{name}` is missing")),
        }
    }

    fn error(&self, what: &str) -> E {
        if self.place.is_empty() {
            E::custom(format_args!("{}: {what}", self.of))
        } else {
            E::custom(format_args!("{} at {}: {what}", self.of, self.place))
        }
    }
}

/// Reads an input or a state, and refuses fields that it does not have.
///
/// # Errors
/// Those of the deserializer, and when it is not as [`Kept::write`] writes it.
pub fn read<'de, K: Kept, D: Deserializer<'de>>(from: D, has_places: bool) -> Result<K, D::Error> {
    let (place, fields) = if has_places {
        let mut places = BTreeMap::<String, BTreeMap<String, Box<RawValue>>>::deserialize(from)?;
        match (places.pop_first(), places.len()) {
            (Some(place), 0) => place,
            _ => return Err(D::Error::custom(format_args!("{}: a state is one place with its values", K::NAME))),
        }
    } else {
        (String::new(), BTreeMap::deserialize(from)?)
    };
    let mut reader = Reader { of: K::NAME, place, fields, known: &[], error: PhantomData };
    let kept = K::read(&mut reader)?;
    match reader.fields.keys().next() {
        None => Ok(kept),
        Some(name) => Err(reader.error(&format!("unknown field `{name}`"))),
    }
}

/// Shows a state: its type, and its serialised form, without the values of these names.
///
/// # Errors
/// Those of the formatter.
pub fn show<K: Kept + Serialize>(kept: &K, redacted: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if redacted.is_empty() {
        let json = serde_json::to_string(kept).map_err(|_| fmt::Error)?;
        return write!(f, "{} {json}", K::NAME);
    }
    let mut json = serde_json::to_value(kept).map_err(|_| fmt::Error)?;
    json.as_object_mut().into_iter().flat_map(|places| places.values_mut()).for_each(|fields| hide(fields, redacted));
    write!(f, "{} {json}", K::NAME)
}

/// A field of an input as it is shown: itself, or what stands for it.
pub fn shown<'a>(redacted: &[&str], name: &str, value: &'a dyn fmt::Debug) -> &'a dyn fmt::Debug {
    if redacted.contains(&name) { &REDACTED } else { value }
}

/// What an input can do: all that is asked of it, and what it can if its parameters can.
#[doc(hidden)]
#[macro_export]
macro_rules! __input {
    ($name:ident [$($ty:ty),*] { $($field:ident $text:literal),* } [$($group:tt)*] redacted $redacted:tt) => {
        impl $crate::__private::Kept for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            const NAME: &'static str = ::core::stringify!($name);
            fn cloned(&self) -> Self {
                Self { $($field: $crate::__private::own(&self.$field)),* }
            }
            fn write<S: $crate::__private::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                let Self { $($field),* } = self;
                $crate::__private::write_input::<Self, S>(to, &[$($text),*], $($group)*)
            }
            fn read<E: $crate::__private::Error>(
                from: &mut $crate::__private::Reader<E>,
            ) -> ::core::result::Result<Self, E> {
                match from.take(&[$($text),*]) {
                    ::core::result::Result::Ok($($group)*) => ::core::result::Result::Ok(Self { $($field),* }),
                    ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
                }
            }
        }
        $crate::__kept!($name [$($ty),*] false);
        impl ::core::fmt::Debug for $name
        where
            $(for<'__a> $ty: ::core::fmt::Debug,)*
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let redacted: &[&str] = &$redacted;
                f.debug_struct(::core::stringify!($name))
                    $(.field(
                        $text,
                        $crate::__private::shown(redacted, $text, &self.$field),
                    ))*
                    .finish()
            }
        }
        impl ::core::cmp::PartialEq for $name
        where
            $(for<'__a> $ty: ::core::cmp::PartialEq,)*
        {
            fn eq(&self, other: &Self) -> bool {
                true $(&& self.$field == other.$field)*
            }
        }
    };
}

/// What a state can do. It is shown in its serialised form.
#[doc(hidden)]
#[macro_export]
macro_rules! __state {
    (
        $name:ident [$($ty:ty),*] redacted $redacted:tt
        $($place:ident $number:literal { $($field:ident $text:literal),* } [$($group:tt)*])*
    ) => {
        impl $crate::__private::Kept for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            const NAME: &'static str = ::core::stringify!($name);
            fn cloned(&self) -> Self {
                match self {
                    $(Self::$place { $($field),* } => Self::$place { $($field: $crate::__private::own($field)),* },)*
                }
            }
            fn write<S: $crate::__private::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                match self {
                    $(Self::$place { $($field),* } => {
                        let place = ::core::stringify!($place);
                        $crate::__private::write_place::<Self, S>(to, place, &[$($text),*], $($group)*)
                    })*
                }
            }
            fn read<E: $crate::__private::Error>(
                from: &mut $crate::__private::Reader<E>,
            ) -> ::core::result::Result<Self, E> {
                match from.place(&[$(::core::stringify!($place)),*]) {
                    $($number => match from.take(&[$($text),*]) {
                        ::core::result::Result::Ok($($group)*) => {
                            ::core::result::Result::Ok(Self::$place { $($field),* })
                        }
                        ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
                    },)*
                    _ => from.unknown(),
                }
            }
        }
        $crate::__kept!($name [$($ty),*] true);
        impl ::core::fmt::Debug for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::__private::show(self, &$redacted, f)
            }
        }
    };
}

/// What follows from [`Kept`].
#[doc(hidden)]
#[macro_export]
macro_rules! __kept {
    ($name:ident [$($ty:ty),*] $has_places:literal) => {
        impl ::core::clone::Clone for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            fn clone(&self) -> Self {
                $crate::__private::Kept::cloned(self)
            }
        }
        impl $crate::__private::serde::Serialize for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            fn serialize<S: $crate::__private::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::__private::Kept::write(self, to)
            }
        }
        impl<'de> $crate::__private::serde::Deserialize<'de> for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__private::read::<Self, D>(from, $has_places)
            }
        }
    };
}
