//! Ids and keys: whose a message is. They travel in the envelope, stamped by the runtime.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Identifies a saga within its log: grows, is never reused, has no zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SagaId(NonZeroU64);

impl SagaId {
    /// The first one of a log.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The id with this number; none for zero.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The one after it.
    ///
    /// # Panics
    /// After 2⁶⁴−1 sagas.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("fewer than 2^64 sagas are ever started"))
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SagaId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The identity of a log: random, made with the log and kept in it, so that a log made anew never meets old answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(u64);

impl LogId {
    /// The identity with this number.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its number.
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({self})")
    }
}

impl FromStr for LogId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// Why a command is sent: travels with it, so that a participant can tell a rollback from a user's wish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A step of the way forward.
    #[default]
    Forward,
    /// Undoes a step that took effect. Guards must not block it.
    Compensation,
    /// A `finally` step.
    Finally,
}

impl Mode {
    /// As in keys and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Compensation => "compensation",
            Self::Finally => "finally",
        }
    }
}

/// One exchange of a saga: which step, for which item, in which mode.
///
/// As JSON `step`, `[step, item]` or `[step, item, mode]`, as short as it can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Short", into = "Short")]
pub struct At {
    /// The mode.
    pub mode: Mode,
    /// An index into [`Definition::steps`](crate::definition::Definition::steps).
    pub step: u16,
    /// The item of a `for`; 0 without.
    pub item: u32,
}

impl At {
    /// The exchange of a step without items, going forward.
    pub const fn step(step: u16) -> Self {
        Self { mode: Mode::Forward, step, item: 0 }
    }

    /// The exchange that undoes this one.
    #[must_use]
    pub const fn undo(self) -> Self {
        Self { mode: Mode::Compensation, ..self }
    }
}

/// [`At`] as JSON: there are several in every state that is kept.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Short {
    Step(u16),
    Item(u16, u32),
    Mode(u16, u32, Mode),
}

impl From<At> for Short {
    fn from(At { mode, step, item }: At) -> Self {
        match (mode, item) {
            (Mode::Forward, 0) => Self::Step(step),
            (Mode::Forward, item) => Self::Item(step, item),
            (mode, item) => Self::Mode(step, item, mode),
        }
    }
}

impl From<Short> for At {
    fn from(short: Short) -> Self {
        match short {
            Short::Step(step) => Self::step(step),
            Short::Item(step, item) => Self { item, ..Self::step(step) },
            Short::Mode(step, item, mode) => Self { mode, step, item },
        }
    }
}

/// The idempotency key of an exchange: every attempt of it carries the same key and the same bytes.
///
/// In text `log/saga/step/item/mode`, as `00c0ffee00c0ffee/17/0/0/forward`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeKey {
    /// The log in which the saga is recorded.
    pub log: LogId,
    /// The saga.
    pub saga: SagaId,
    /// Which of its exchanges.
    pub at: At,
}

impl fmt::Display for ExchangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}/{}", self.log, self.saga, self.at.step, self.at.item, self.at.mode.as_str())
    }
}

impl fmt::Debug for ExchangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeKey({self})")
    }
}

/// A text that is no [`ExchangeKey`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no idempotency key: expected log/saga/step/item/mode")]
pub struct NoExchangeKey(String);

impl FromStr for ExchangeKey {
    type Err = NoExchangeKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let mut parts = text.split('/');
            let log = parts.next()?.parse().ok()?;
            let saga = parts.next()?.parse().ok()?;
            let step = parts.next()?.parse().ok()?;
            let item = parts.next()?.parse().ok()?;
            let mode = match parts.next()? {
                "forward" => Mode::Forward,
                "compensation" => Mode::Compensation,
                "finally" => Mode::Finally,
                _ => return None,
            };
            parts.next().is_none().then_some(Self { log, saga, at: At { mode, step, item } })
        };
        parse().ok_or_else(|| NoExchangeKey(text.to_owned()))
    }
}

impl Serialize for ExchangeKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExchangeKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back() {
        let key = ExchangeKey {
            log: LogId::from_bits(0xc0ffee),
            saga: SagaId::new(17).expect("17 is not zero"),
            at: At { mode: Mode::Compensation, step: 2, item: 5 },
        };
        assert_eq!(key.to_string(), "0000000000c0ffee/17/2/5/compensation");
        assert_eq!(key.to_string().parse(), Ok(key));
    }

    #[test]
    fn an_exchange_reads_back_however_short() {
        let [first, third] = [At::step(7), At { item: 2, ..At::step(7) }];
        for (at, json) in [(first, "7"), (third, "[7,2]"), (third.undo(), r#"[7,2,"compensation"]"#)] {
            assert_eq!(serde_json::to_string(&at).expect("it is JSON"), json);
            assert_eq!(serde_json::from_str::<At>(json).expect("it reads back"), at);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "1/0/0/0/forward", "1/1/0/0/sideways", "1/1/0/0/forward/1", "1/1/65536/0/forward"] {
            assert!(text.parse::<ExchangeKey>().is_err(), "{text}");
        }
    }
}
