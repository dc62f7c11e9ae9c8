//! Error replies to messages that cannot be decoded.

use serde_json::value::to_raw_value;

use super::error_reply::ErrorReply;
use super::{Contract, DecodeError, Events};
use crate::wire::{ErrorBody, ErrorCode, Head, Violation};

/// Returns the error reply to a message that cannot be decoded.
///
/// Slower than [`Events::decode_json`]: this tracks the path to each value.
pub(crate) fn diagnose<E: Contract>(text: &str) -> ErrorReply {
    let head = match Head::parse_strictly(text) {
        Ok(head) => head,
        Err(malformed) => {
            return ErrorReply::new(ErrorCode::Malformed, malformed.to_string(), None);
        }
    };
    let name = head.name(text);
    let body = match trace::<E::Incoming>(name, head.payload(text)) {
        Err(Fault::Unknown) => unknown(name, E::INCOMING),
        Err(Fault::Malformed(error)) => {
            ErrorBody::new(ErrorCode::Malformed, format!("the payload of `{name}`: {error}"))
        }
        Err(Fault::Invalid(violation)) => {
            let mut body = ErrorBody::new(ErrorCode::Invalid, violation.to_string());
            body.details = to_raw_value(&violation).ok();
            body
        }
        // The first decoding failed. A `Deserialize` that succeeds now still gets an error reply.
        Ok(()) => ErrorBody::new(ErrorCode::Malformed, format!("the payload of `{name}`")),
    };
    ErrorReply { body, call: head.id }
}

enum Fault {
    Unknown,
    Malformed(serde_json::Error),
    Invalid(Violation),
}

/// Decodes, and tracks the path to the value that is read.
fn trace<I: Events>(name: &str, payload: &str) -> Result<(), Fault> {
    // Text that is no JSON (too deep, a number out of range) is malformed. JSON that does not decode
    // has a wrong type somewhere, whatever the parser reports.
    serde_json::from_str::<serde_json::Value>(payload).map_err(Fault::Malformed)?;
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(payload);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    match I::decode(name, tracked) {
        Ok(_) => Ok(()),
        Err(DecodeError::Unknown) => Err(Fault::Unknown),
        Err(DecodeError::Missing(field)) => {
            Err(Fault::Invalid(Violation::new(field, "required", "the field is missing")))
        }
        Err(DecodeError::Invalid(violation)) => Err(Fault::Invalid(violation)),
        Err(DecodeError::Codec(error)) => {
            let path = match track.path().to_string() {
                root if root == "." => String::new(),
                path => path,
            };
            Err(Fault::Invalid(Violation::new(path, "type", error.to_string())))
        }
    }
}

fn unknown(name: &str, known: &[&'static str]) -> ErrorBody {
    // The time to compute the distance grows with the name, which the client chooses.
    let shown: String = name.chars().take(64).collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(&shown, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let message = match nearest {
        Some((_, nearest)) => format!("no event is called `{shown}`; the nearest is `{nearest}`"),
        None => format!("no event is called `{shown}`; this procedure takes none"),
    };
    ErrorBody::new(ErrorCode::Unknown, message)
}
