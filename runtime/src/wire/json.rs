//! Writes the JSON that `serde_json` writes, with faster strings. What the same type cannot read again is an
//! error with its path. Each `Serialize` of a user runs once.

mod error;
mod key;
mod text;
mod value;

use serde::Serialize;

pub(crate) use self::error::EncodeError;
pub(super) use self::text::encode_text;
use self::value::Value;

/// Appends `value` as JSON.
pub(crate) fn encode<T: Serialize + ?Sized>(
    value: &T,
    json: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    value.serialize(Value::new(json))
}

#[cfg(test)]
mod tests;
