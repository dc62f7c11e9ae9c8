//! What goes over the wire: frames, payloads, close codes and error codes. Used by both ends.

mod close;
mod error;
mod fields;
mod frame;
mod json;
mod message;
pub(crate) mod receipts;
mod unrecovered;
mod violation;

pub use close::CloseCode;
pub use error::{ErrorBody, ErrorCode};
pub use fields::{Defaulted, Fields, Object, decode_fields, decode_payload};
pub(crate) use frame::{Encoded, Frame};
pub(crate) use message::{CallId, Head};
pub(crate) use receipts::{Receipts, is_counted};
pub use unrecovered::Unrecovered;
pub use violation::Violation;

/// The subprotocol of Parlor mode with JSON text frames.
pub(crate) const PROTOCOL_JSON: &str = "parlor.v1.json";
/// Offered after the protocol by clients that cannot set headers: `parlor.bearer.<base64url>`.
pub(crate) const PROTOCOL_BEARER: &str = "parlor.bearer.";
/// Offered by clients that come back: `parlor.resume.<secret>.<received>`.
pub(crate) const PROTOCOL_RESUME: &str = "parlor.resume.";

/// Names of the frames that are Parlor's own; none can be an event's.
pub(crate) mod control {
    pub(crate) const WELCOME: &str = "$welcome";
    pub(crate) const OK: &str = "$ok";
    pub(crate) const ERR: &str = "$err";
    pub(crate) const ACK: &str = "$ack";
    pub(crate) const PING: &str = "ping";
    pub(crate) const PONG: &str = "pong";
}
