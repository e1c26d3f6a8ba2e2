//! JSON from which every value reads back exactly as it was.
//!
//! It is what `serde_json` writes, but for options. There `Some(())`, `Some(None)` and `None` are all `null`, and all
//! read back as `None`. Here only `None` is `null`. *Nests* are `null`, `[null]`, `[[null]]` …; a `Some` whose content is
//! written as a nest puts brackets around it, and reading a `Some` takes the brackets of a nest off again. Any other
//! `Some` is written as its content. So nothing looks unusual but what would be lost otherwise.
//!
//! | module | what it is for |
//! |---|---|
//! | `write` | a serializer around another, that puts brackets around nests |
//! | `read` | a deserializer around another, that takes them off |
//!
//! Options that serde itself keeps in between (`untagged`, `flatten`, `tag` inside) never come here when they are read:
//! an option of an option, or of unit, in one of those is not exact. Nor is a `Some` of raw JSON that is a nest.
//!
//! It knows nothing of what the values mean.

mod read;
mod write;

pub(crate) use self::write::Exact;

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes. About as many as a record or a state has.
const ROOM: usize = 512;

/// What to do about a value that JSON has no form for.
pub(crate) const REMEDY: &str = "JSON has finite numbers, and maps whose keys are texts or numbers: say an option, a text or a list of pairs instead";

/// So deep `serde_json` reads, and no deeper.
const DEEPEST: usize = 127;

/// Why a value cannot be kept as JSON, or not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// JSON has no form for it.
    #[error("a `{type_name}` cannot be written as JSON: {reason}; {REMEDY}")]
    Encode {
        /// The type of the value.
        type_name: &'static str,
        /// What is in the way.
        reason: String,
    },
    /// The text is no such value.
    #[error("this is no `{type_name}`: {reason}")]
    Decode {
        /// The type that was asked for.
        type_name: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl CodecError {
    /// What is wrong, for whoever says of what it is.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Encode { reason, .. } | Self::Decode { reason, .. } => reason,
        }
    }
}

/// The value as JSON that [`decode`] reads back exactly.
///
/// # Errors
/// For numbers that are not finite, map keys that are no text or number, values nested more than 127 deep, and whatever
/// the value's own `Serialize` refuses.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, CodecError> {
    let error = |reason| CodecError::Encode { type_name: type_name::<T>(), reason };
    let text = write_json(&Exact(value)).map_err(|problem| error(problem.to_string()))?;
    if is_too_deep(&text) { Err(error(too_deep())) } else { Ok(text) }
}

/// The value that [`encode`] wrote.
///
/// # Errors
/// If the text is not JSON, or not of such a value, or nested more than 127 deep.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, CodecError> {
    let error = |reason| CodecError::Decode { type_name: type_name::<T>(), reason };
    if is_too_deep(text) {
        return Err(error(too_deep()));
    }
    read::whole(text, |deserializer| T::deserialize(deserializer)).map_err(|problem| error(problem.to_string()))
}

/// The value as `serde_json` writes it, with room for a record from the start.
pub(crate) fn write_json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut bytes, value)?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

fn too_deep() -> String {
    format!("it is nested more than {DEEPEST} deep")
}

fn is_too_deep(text: &str) -> bool {
    // Every level has a bracket that opens it, so most texts need no closer look.
    opening(text) > DEEPEST && depth(text) > DEEPEST
}

/// How many brackets open something, or stand in a string. Counted in bytes, many at once.
fn opening(text: &str) -> usize {
    let chunks = text.as_bytes().chunks(usize::from(u8::MAX));
    chunks.map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(matches!(byte, b'[' | b'{'))).sum::<u8>())).sum()
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
