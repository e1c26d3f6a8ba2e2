//! What a key of concurrency, and what `where` compares, must be able to do, told at the author's expression.

use std::hash::Hash;
use std::marker::PhantomData;

use serde::Serialize;

use crate::saga::Key;

/// Tells what a key of concurrency can do: its own methods where it can, those of [`NoKey`] where it cannot. Of a key
/// there is an expression and no name of its type.
pub struct KeyOf<T>(PhantomData<T>);

/// Of a key with this value.
pub const fn key_of<T>(_: &T) -> KeyOf<T> {
    KeyOf(PhantomData)
}

/// It is there.
#[derive(Debug)]
pub struct Has;

/// It is missing.
#[derive(Debug, Clone, Copy)]
pub struct Missing;

/// What a key is taken to lack unless [`KeyOf`] says otherwise.
pub trait NoKey {
    /// `Eq`.
    fn is_eq(&self) -> Missing {
        Missing
    }
    /// `Hash`.
    fn is_hash(&self) -> Missing {
        Missing
    }
    /// `Serialize`.
    fn writes(&self) -> Missing {
        Missing
    }
}

impl<T> NoKey for KeyOf<T> {}

impl<T: Eq> KeyOf<T> {
    /// It is there.
    pub const fn is_eq(&self) -> Has {
        Has
    }
}

impl<T: Hash> KeyOf<T> {
    /// It is there.
    pub const fn is_hash(&self) -> Has {
        Has
    }
}

impl<T: Serialize> KeyOf<T> {
    /// It is there, and makes the key.
    pub const fn writes(&self) -> fn(&T) -> Key {
        Key::of::<T>
    }
}

/// Everything that a key of this type needs is there (L23).
#[diagnostic::on_unimplemented(
    message = "a key of `concurrency` is `Eq + Hash + Serialize`, and `{T}` is not",
    label = "this is a `{T}`"
)]
pub trait IsKey<T> {
    /// The key.
    fn key(self, value: &T) -> Key;
}

impl<T> IsKey<T> for (Has, Has, fn(&T) -> Key) {
    fn key(self, value: &T) -> Key {
        (self.2)(value)
    }
}

/// The key with this value.
pub fn key<T, F: IsKey<T>>(value: &T, found: F) -> Key {
    found.key(value)
}

/// Everything that both sides of a `where` need is there (L23).
#[diagnostic::on_unimplemented(
    message = "what `where` compares is `Eq + Hash + Serialize`, and `{T}` is not",
    label = "this is a `{T}`"
)]
pub trait IsCompared<T> {
    /// The key.
    fn key(self, value: &T) -> Key;
}

impl<T> IsCompared<T> for (Has, Has, fn(&T) -> Key) {
    fn key(self, value: &T) -> Key {
        (self.2)(value)
    }
}

/// The key of what a `where` compares with.
pub fn compared_key<T, F: IsCompared<T>>(value: &T, found: F) -> Key {
    found.key(value)
}

/// Makes the key, if that is there; where it is not, that is told elsewhere.
pub trait MayBeKey<T> {
    /// The key.
    fn key(self, value: &T) -> Option<Key>;
}

impl<T> MayBeKey<T> for fn(&T) -> Key {
    fn key(self, value: &T) -> Option<Key> {
        Some(self(value))
    }
}

impl<T> MayBeKey<T> for Missing {
    fn key(self, _: &T) -> Option<Key> {
        None
    }
}

/// The key of what an event carries.
pub fn carried_key<T, F: MayBeKey<T>>(value: &T, writes: F) -> Option<Key> {
    writes.key(value)
}

/// Whether an event carries what it is compared with. Both are of one type, or they would never be the same.
pub fn carries<T, F: MayBeKey<T> + Copy>(carried: &T, writes: F, compared: &T) -> bool {
    let key = writes.key(compared);
    key.is_some() && key == writes.key(carried)
}
