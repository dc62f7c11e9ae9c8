//! Error replies to messages that cannot be decoded.

use serde_json::value::to_raw_value;

use super::error_reply::ErrorReply;
use super::{Contract, DecodeError, Events};
use crate::wire::{ErrorBody, ErrorCode, Head, Violation};

/// Returns the error reply to a message that cannot be decoded, because of `error`.
///
/// If the codec returned the error, the message is decoded again to find the path to the value: then each
/// `Deserialize` of the user runs twice. Rules do not run again.
pub(crate) fn diagnose<E: Contract>(
    text: &str,
    error: DecodeError<serde_json::Error>,
) -> ErrorReply {
    let head = match Head::parse_strictly(text) {
        Ok(head) => head,
        Err(malformed) => {
            return ErrorReply::new(ErrorCode::Malformed, malformed.to_string(), None);
        }
    };
    let name = head.name(text);
    let body = match error {
        DecodeError::Unknown => unknown(name, E::INCOMING),
        DecodeError::Missing(field) => invalid(missing(field)),
        DecodeError::Invalid(violation) => invalid(violation),
        DecodeError::Codec(error) => {
            match locate::<E::Incoming>(name, head.payload(text), &error) {
                Ok(violation) => invalid(violation),
                Err(error) => ErrorBody::new(
                    ErrorCode::Malformed,
                    format!("the payload of `{name}`: {error}"),
                ),
            }
        }
    };
    ErrorReply { body, call: head.id }
}

fn invalid(violation: Violation) -> ErrorBody {
    let mut body = ErrorBody::new(ErrorCode::Invalid, violation.to_string());
    body.details = to_raw_value(&violation).ok();
    body
}

fn missing(field: &str) -> Violation {
    Violation::new(field, "required", "the field is missing")
}

/// Decodes again, and tracks the path to the value that is read. Slower than [`Events::decode_json`].
fn locate<I: Events>(
    name: &str,
    payload: &str,
    error: &serde_json::Error,
) -> Result<Violation, serde_json::Error> {
    // Text that is no JSON (too deep, a number out of range) is malformed. JSON that does not decode
    // has a wrong type somewhere, whatever the parser reports.
    serde_json::from_str::<serde_json::Value>(payload)?;
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_str(payload);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    Ok(match I::decode(name, tracked) {
        Err(DecodeError::Codec(error)) => {
            let path = match track.path().to_string() {
                root if root == "." => String::new(),
                path => path,
            };
            Violation::new(path, "type", error.to_string())
        }
        // A `Deserialize` that does not return the same error again.
        _ => Violation::new("", "type", error.to_string()),
    })
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
