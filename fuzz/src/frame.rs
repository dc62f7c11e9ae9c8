//! The text of a message is parsed and decoded, or answered with an error reply.

use parlor::__fuzz::{parse, parse_strictly, read};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::contract::KindsEmitter;

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (parts, strict) = (parse(text), parse_strictly(text));
    // The fast parser does not check the payload, which the decoder does later.
    if parts.as_ref().is_none_or(|parts| is_json(&parts.payload)) {
        assert_eq!(parts, strict, "the fast and the strict parser disagree");
    }
    match read::<KindsEmitter>(text) {
        Ok(_) => assert!(strict.is_some(), "accepted though malformed"),
        Err(error_reply) => {
            assert_error_reply(&error_reply.expect("an error reply can be encoded"))
        }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn assert_error_reply(frame: &[u8]) {
    let header = match frame[1] {
        0..126 => 2,
        126 => 4,
        _ => 10,
    };
    let error_reply: Value = serde_json::from_slice(&frame[header..]).expect("JSON");
    assert_eq!(error_reply[0], "$err");
    assert!(error_reply[1]["message"].is_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_valid_events_except_the_invalid_ones() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/frame");
        for entry in std::fs::read_dir(folder).expect("seeds") {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let is_invalid = ["id", "other-protocol", "surrogate", "twice", "unknown", "wrong"]
                .iter()
                .any(|name| path.ends_with(name));
            assert_eq!(read::<KindsEmitter>(&text).is_err(), is_invalid, "{}", path.display());
        }
    }
}
