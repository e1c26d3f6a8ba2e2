//! What a key of concurrency, and what `where` compares, must be able to do, told at the author's expression.

use std::hash::Hash;
use std::marker::PhantomData;

use serde::Serialize;

use crate::saga::Key;

/// A value that can be a key of concurrency (L23).
#[diagnostic::on_unimplemented(
    message = "a key of `concurrency` is `Eq + Hash + Serialize`, and `{Self}` is not",
    label = "this is a `{Self}`",
    note = "derive what it lacks, or name another value"
)]
pub trait IsKey {
    /// The key.
    fn key(&self) -> Key;
}

#[diagnostic::do_not_recommend]
impl<T: Eq + Hash + Serialize> IsKey for T {
    fn key(&self) -> Key {
        Key::of(self)
    }
}

/// A value that both sides of a `where` can be (L23).
#[diagnostic::on_unimplemented(
    message = "what `where` compares is `Eq + Hash + Serialize`, and `{Self}` is not",
    label = "this is a `{Self}`",
    note = "derive what it lacks, or compare another value"
)]
pub trait IsCompared {
    /// The key.
    fn key(&self) -> Key;
}

#[diagnostic::do_not_recommend]
impl<T: Eq + Hash + Serialize> IsCompared for T {
    fn key(&self) -> Key {
        Key::of(self)
    }
}

/// Tells whether what an event carries can be written: its own method where it can, that of [`NoKey`] where it cannot.
/// There is an expression of it and no name of its type.
pub struct KeyOf<T>(PhantomData<T>);

/// Of this value.
pub const fn key_of<T>(_: &T) -> KeyOf<T> {
    KeyOf(PhantomData)
}

/// It is missing.
#[derive(Debug, Clone, Copy)]
pub struct Missing;

/// What is taken to be missing unless [`KeyOf`] says otherwise.
pub trait NoKey {
    /// `Serialize`.
    fn writes(&self) -> Missing {
        Missing
    }
}

impl<T> NoKey for KeyOf<T> {}

impl<T: Serialize> KeyOf<T> {
    /// It is there, and makes the key.
    pub const fn writes(&self) -> fn(&T) -> Key {
        Key::of::<T>
    }
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
