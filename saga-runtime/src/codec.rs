//! Exact JSON: what is written reads back equal.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that cannot be written or read.
pub type CodecError = serde_json::Error;

/// Writes a value.
///
/// # Errors
/// If it is not JSON.
pub fn encode<T: Serialize>(value: &T) -> Result<String, CodecError> {
    serde_json::to_string(value)
}

/// Reads a value.
///
/// # Errors
/// If it is not what was written.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, CodecError> {
    serde_json::from_str(text)
}
