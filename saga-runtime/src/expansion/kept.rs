//! The serialised form of inputs and states: `{"cents": 5}`, `{"Charge": {"cents": 5, "charge": []}}`.
//!
//! One generic call a field, so that a hundred sagas compile in seconds; what derives would generate is here once.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error};
use serde::ser::{SerializeStruct, SerializeStructVariant};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

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

/// Writes an input, field by field.
pub struct Fields<S: Serializer> {
    to: S::SerializeStruct,
    names: &'static [&'static str],
}

impl<S: Serializer> Fields<S> {
    /// Begins an input with fields of these names.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn new(to: S, of: &'static str, names: &'static [&'static str]) -> Result<Self, S::Error> {
        Ok(Self { to: to.serialize_struct(of, names.len())?, names })
    }

    /// Writes the next field.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn put<T: Serialize>(mut self, value: &T) -> Result<Self, S::Error> {
        if let Some((name, rest)) = self.names.split_first() {
            self.names = rest;
            self.to.serialize_field(name, &Exact(value))?;
        }
        Ok(self)
    }

    /// Ends it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn end(self) -> Result<S::Ok, S::Error> {
        self.to.end()
    }
}

/// Writes a state at one place, field by field.
pub struct Place<S: Serializer> {
    to: S::SerializeStructVariant,
    names: &'static [&'static str],
}

impl<S: Serializer> Place<S> {
    /// Begins a place with fields of these names.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn new<K: Kept>(to: S, place: &'static str, names: &'static [&'static str]) -> Result<Self, S::Error> {
        Ok(Self { to: to.serialize_struct_variant(K::NAME, 0, place, names.len())?, names })
    }

    /// Writes the next field.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn put<T: Serialize>(mut self, value: &T) -> Result<Self, S::Error> {
        if let Some((name, rest)) = self.names.split_first() {
            self.names = rest;
            self.to.serialize_field(name, &Exact(value))?;
        }
        Ok(self)
    }

    /// Ends it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn end(self) -> Result<S::Ok, S::Error> {
        self.to.end()
    }
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
    /// The name of the place; empty in an input.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Tells the names of all fields that there are.
    pub fn known(&mut self, names: &'static [&'static str]) -> &mut Self {
        self.known = names;
        self
    }

    /// Reads one field. One that is left out is as `null`, where its type has that.
    ///
    /// # Errors
    /// When it is missing or not of this type.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, E> {
        match self.fields.remove(name) {
            Some(value) => {
                codec::decode(value.get()).map_err(|error| self.error(&format!("`{name}`: {}", error.reason())))
            }
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
    ($name:ident [$($ty:ty),*] { $($field:ident),* } $(redacted [$($redacted:ident),*])?) => {
        impl $crate::__private::Kept for $name
        where
            $(for<'__a> $ty: $crate::__private::Value,)*
        {
            const NAME: &'static str = ::core::stringify!($name);
            fn cloned(&self) -> Self {
                Self { $($field: $crate::__private::own(&self.$field)),* }
            }
            fn write<S: $crate::__private::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::__private::Fields::new(to, Self::NAME, &[$(::core::stringify!($field)),*])?
                    $(.put(&self.$field)?)*
                    .end()
            }
            fn read<E: $crate::__private::Error>(
                from: &mut $crate::__private::Reader<E>,
            ) -> ::core::result::Result<Self, E> {
                let from = from.known(&[$(::core::stringify!($field)),*]);
                ::core::result::Result::Ok(Self { $($field: from.take(::core::stringify!($field))?),* })
            }
        }
        $crate::__kept!($name, false);
        impl ::core::fmt::Debug for $name
        where
            $(for<'__a> $ty: ::core::fmt::Debug,)*
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let redacted: &[&str] = &[$($(::core::stringify!($redacted)),*)?];
                f.debug_struct(::core::stringify!($name))
                    $(.field(
                        ::core::stringify!($field),
                        $crate::__private::shown(redacted, ::core::stringify!($field), &self.$field),
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
    ($name:ident [$($ty:ty),*] redacted [$($redacted:ident),*] $($place:ident { $($field:ident),* })*) => {
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
                        let names = &[$(::core::stringify!($field)),*];
                        $crate::__private::Place::new::<Self>(to, ::core::stringify!($place), names)?
                            $(.put($field)?)*
                            .end()
                    })*
                }
            }
            fn read<E: $crate::__private::Error>(
                from: &mut $crate::__private::Reader<E>,
            ) -> ::core::result::Result<Self, E> {
                $(if from.place() == ::core::stringify!($place) {
                    let from = from.known(&[$(::core::stringify!($field)),*]);
                    return ::core::result::Result::Ok(Self::$place {
                        $($field: from.take(::core::stringify!($field))?),*
                    });
                })*
                from.unknown()
            }
        }
        $crate::__kept!($name, true);
        impl ::core::fmt::Debug for $name
        where
            for<'__a> $name: $crate::__private::Kept,
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::__private::show(self, &[$(::core::stringify!($redacted)),*], f)
            }
        }
    };
    ($name:ident [$($ty:ty),*] $($place:ident { $($field:ident),* })*) => {
        $crate::__state!($name [$($ty),*] redacted [] $($place { $($field),* })*);
    };
}

/// What follows from [`Kept`].
#[doc(hidden)]
#[macro_export]
macro_rules! __kept {
    ($name:ident, $has_places:literal) => {
        impl ::core::clone::Clone for $name
        where
            for<'__a> $name: $crate::__private::Kept,
        {
            fn clone(&self) -> Self {
                $crate::__private::Kept::cloned(self)
            }
        }
        impl $crate::__private::serde::Serialize for $name
        where
            for<'__a> $name: $crate::__private::Kept,
        {
            fn serialize<S: $crate::__private::Serializer>(&self, to: S) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::__private::Kept::write(self, to)
            }
        }
        impl<'de> $crate::__private::serde::Deserialize<'de> for $name
        where
            for<'__a> $name: $crate::__private::Kept,
        {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__private::read::<Self, D>(from, $has_places)
            }
        }
    };
}
