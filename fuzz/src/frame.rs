//! The text of a message: taken apart, decoded, and refused with words if it is wrong.

use parlor::__fuzz::{parse, parse_strictly, read};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::contract::KindsEmitter;

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (parts, strict) = (parse(text), parse_strictly(text));
    // The fast way leaves it to the decoder to find that a payload is no JSON.
    if parts.as_ref().is_none_or(|parts| is_json(&parts.payload)) {
        assert_eq!(parts, strict, "the fast way and the slow one disagree");
    }
    match read::<KindsEmitter>(text) {
        Ok(_) => assert!(strict.is_some(), "taken though malformed"),
        Err(refusal) => is_refusal(&refusal.expect("a refusal can be encoded")),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn is_refusal(frame: &[u8]) {
    let header = match frame[1] {
        0..126 => 2,
        126 => 4,
        _ => 10,
    };
    let refusal: Value = serde_json::from_slice(&frame[header..]).expect("JSON");
    assert_eq!(refusal[0], "$err");
    assert!(refusal[1]["message"].is_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_seeds_are_events_but_those_that_are_to_be_refused() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/frame");
        for entry in std::fs::read_dir(folder).expect("seeds") {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let refused = ["id", "unknown", "wrong"].iter().any(|name| path.ends_with(name));
            assert_eq!(read::<KindsEmitter>(&text).is_err(), refused, "{}", path.display());
        }
    }
}
