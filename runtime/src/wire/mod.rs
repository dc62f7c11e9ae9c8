//! The parts of the wire format that programs use: close codes, error codes, violations.

#[cfg(feature = "server")]
pub(crate) mod binary;
mod close;
pub(crate) mod decode_error;
mod error;
pub(crate) mod fields;
#[cfg(feature = "server")]
mod frame;
#[cfg(any(feature = "client", feature = "server"))]
mod json;
#[cfg(any(feature = "client", feature = "server"))]
mod message;
#[cfg(any(feature = "client", feature = "server"))]
mod other_protocols;
#[cfg(any(feature = "client", feature = "server", feature = "validate"))]
pub(crate) mod path;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) mod receipts;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) mod replay;
mod secret;
mod unrecovered;
mod violation;
#[cfg(any(feature = "client", feature = "server"))]
mod welcome;

pub use close::CloseCode;
pub(crate) use decode_error::DecodeError;
pub use error::{ErrorBody, ErrorCode};
pub(crate) use fields::Defaulted;
#[cfg(feature = "server")]
pub(crate) use frame::{EncodedFrame, Frame};
#[cfg(feature = "server")]
pub(crate) use json::{EncodeError, encode};
#[cfg(feature = "server")]
pub(crate) use message::CallId;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use message::Head;
#[cfg(feature = "client")]
pub(crate) use message::encode_message;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use receipts::{Receipts, is_counted};
#[cfg(feature = "server")]
pub(crate) use secret::Digest;
pub(crate) use secret::Secret;
pub use unrecovered::Unrecovered;
pub use violation::Violation;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use welcome::Welcome;

/// The subprotocol of Parlor mode with JSON text frames.
pub(crate) const PROTOCOL_JSON: &str = "parlor.v1.json";
/// Offered after the protocol by clients that cannot set headers: `parlor.bearer.<base64url>`.
pub(crate) const PROTOCOL_BEARER: &str = "parlor.bearer.";
/// Offered by clients that resume a session: `parlor.resume.<secret>.<received>`.
pub(crate) const PROTOCOL_RESUME: &str = "parlor.resume.";

/// Names of control events. An event cannot have one.
pub(crate) mod control {
    pub(crate) const WELCOME: &str = "$welcome";
    pub(crate) const OK: &str = "$ok";
    pub(crate) const ERR: &str = "$err";
    pub(crate) const ACK: &str = "$ack";
    pub(crate) const PING: &str = "ping";
    pub(crate) const PONG: &str = "pong";
}
