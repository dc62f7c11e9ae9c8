use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why an event or a call failed: the `code` of an `$err` frame. A server sends no other codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The handler returned `Err(E)`; `details` is the `E`. Without `details`, the answer was too large or
    /// could not be encoded.
    Refused,
    /// No event has this name; the message names the nearest one.
    Unknown,
    /// The frame is not `[name, payload]` or `[name, payload, id]`.
    Malformed,
    /// A field is missing, of the wrong type or breaks a rule; `details` says which.
    Invalid,
    /// The guard of the procedure denied the event.
    Denied,
    /// The rate limit is exceeded.
    Limited,
    /// The handler, the guard or the decoding panicked; the session ends.
    Panicked,
    /// The handler took longer than [`Timeouts::handler`](crate::server::Timeouts::handler).
    TimedOut,
    /// A code of a newer server, which this client does not know.
    #[serde(other)]
    Other,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The payload of an `$err` frame.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Why.
    pub code: ErrorCode,
    /// What was wrong, where, and what to do, for people.
    pub message: String,
    /// For programs: the typed error of `refused`, the violation of `invalid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<RawValue>>,
}

impl ErrorBody {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None }
    }
}
