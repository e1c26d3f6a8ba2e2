//! The fields of an input or of a state at one place, all at once.
//!
//! They are written and read as one tuple, because a call for each field is what a compiler would spend most of its
//! time on in a program of many sagas. A tuple has at most eight; [`More`] puts two groups together.

use serde::Serialize;
use serde::de::{DeserializeOwned, Error};

use super::kept::Reader;

/// Where fields are written to.
pub trait Writes {
    /// Why not.
    type Error;

    /// Writes the next field.
    ///
    /// # Errors
    /// Those of the serializer.
    fn put<T: Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Self::Error>;
}

/// References to fields.
pub trait Written {
    /// How many.
    const COUNT: usize;

    /// Writes them under these names.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<W: Writes>(self, names: &[&'static str], to: &mut W) -> Result<(), W::Error>;
}

/// Fields that were written.
pub trait Taken: Sized {
    /// How many.
    const COUNT: usize;

    /// Reads the fields of these names.
    ///
    /// # Errors
    /// When one is missing or of another type.
    fn take<E: Error>(names: &[&'static str], from: &mut Reader<E>) -> Result<Self, E>;
}

macro_rules! group {
    ($($ty:ident $index:tt),*) => {
        impl<$($ty: Serialize),*> Written for ($(&$ty,)*) {
            const COUNT: usize = [$($index),*].len();

            fn write<W: Writes>(self, names: &[&'static str], to: &mut W) -> Result<(), W::Error> {
                $(to.put(names[$index], self.$index)?;)*
                Ok(())
            }
        }

        impl<$($ty: DeserializeOwned),*> Taken for ($($ty,)*) {
            const COUNT: usize = [$($index),*].len();

            fn take<E: Error>(names: &[&'static str], from: &mut Reader<E>) -> Result<Self, E> {
                Ok(($(from.field(names[$index])?,)*))
            }
        }
    };
}

group!(A 0);
group!(A 0, B 1);
group!(A 0, B 1, C 2);
group!(A 0, B 1, C 2, D 3);
group!(A 0, B 1, C 2, D 3, F 4);
group!(A 0, B 1, C 2, D 3, F 4, G 5);
group!(A 0, B 1, C 2, D 3, F 4, G 5, H 6);
group!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);

impl Written for () {
    const COUNT: usize = 0;

    fn write<W: Writes>(self, _: &[&'static str], _: &mut W) -> Result<(), W::Error> {
        Ok(())
    }
}

impl Taken for () {
    const COUNT: usize = 0;

    fn take<E: Error>(_: &[&'static str], _: &mut Reader<E>) -> Result<Self, E> {
        Ok(())
    }
}

/// A group, and the one behind it.
pub struct More<G, H>(pub G, pub H);

impl<G: Written, H: Written> Written for More<G, H> {
    const COUNT: usize = G::COUNT + H::COUNT;

    fn write<W: Writes>(self, names: &[&'static str], to: &mut W) -> Result<(), W::Error> {
        let (first, rest) = names.split_at(G::COUNT);
        self.0.write(first, to)?;
        self.1.write(rest, to)
    }
}

impl<G: Taken, H: Taken> Taken for More<G, H> {
    const COUNT: usize = G::COUNT + H::COUNT;

    fn take<E: Error>(names: &[&'static str], from: &mut Reader<E>) -> Result<Self, E> {
        let (first, rest) = names.split_at(G::COUNT);
        Ok(Self(G::take(first, from)?, H::take(rest, from)?))
    }
}
