//! Text messages, `[name, payload]` or `[name, payload, id]`: writes them, and splits them into their parts.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;

use serde::Serialize;
use serde_json::value::RawValue;

use super::json::{EncodeError, encode, encode_text};
use super::other_protocols;

/// The largest id of a call: what a JavaScript number holds exactly.
const MAX_CALL_ID: u64 = (1 << 53) - 1;

/// Appends `[name, payload]` or `[name, payload, id]`.
pub(super) fn write_message<P: Serialize + ?Sized>(
    name: &str,
    payload: &P,
    id: Option<u64>,
    json: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_start(name, json);
    encode(payload, json)?;
    if let Some(id) = id {
        json.push(b',');
        encode(&id, json)?;
    }
    json.push(b']');
    Ok(())
}

/// Appends the JSON before the payload.
pub(super) fn write_start(name: &str, json: &mut Vec<u8>) {
    json.push(b'[');
    encode_text(name, json);
    json.push(b',');
}

/// Encodes `[name, payload]` or `[name, payload, id]`.
#[cfg(feature = "client")]
pub(crate) fn encode_message<P: Serialize + ?Sized>(
    name: &str,
    payload: &P,
    id: Option<u64>,
) -> Result<String, EncodeError> {
    let mut json = Vec::new();
    write_message(name, payload, id, &mut json)?;
    String::from_utf8(json).map_err(serde::ser::Error::custom)
}

/// The positions of the parts of a message in its text. The payload is not parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    name: Name,
    payload: Range<usize>,
    /// The id of a call.
    pub(crate) id: Option<CallId>,
}

/// The id of a call, at most [`MAX_CALL_ID`]. It is stored plus one, so that `Option<CallId>` is copied as
/// one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallId(NonZeroU64);

impl CallId {
    fn new(id: u64) -> Option<Self> {
        (id <= MAX_CALL_ID).then(|| Self(NonZeroU64::MIN.saturating_add(id)))
    }

    pub(crate) fn get(self) -> u64 {
        self.0.get() - 1
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Plain(Range<usize>),
    /// A name that has escapes in the text, or that was parsed strictly.
    Escaped(String),
}

impl Default for Name {
    fn default() -> Self {
        Self::Plain(0..0)
    }
}

impl Head {
    /// Splits `text` without parsing the payload.
    ///
    /// The fast path reads what clients usually send. [`Head::parse_strictly`] reads the rest. A payload
    /// that is not JSON is detected when it is decoded.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        match Self::parse_fast(text) {
            Some(head) => Ok(head),
            None => Self::parse_strictly(text),
        }
    }

    fn parse_fast(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let start = expect(bytes, expect(bytes, 0, b'[')?, b'"')?;
        let mut name = start..start;
        while !matches!(*bytes.get(name.end)?, b'"' | b'\\' | 0..0x20) {
            name.end += 1;
        }
        let payload = skip(bytes, expect(bytes, expect(bytes, name.end, b'"')?, b',')?);

        let end = trim_end(bytes, bytes.len()).checked_sub(1)?;
        if end < payload || bytes[end] != b']' {
            return None;
        }
        let end = trim_end(bytes, end).max(payload);
        let (end, id) = match call_id(bytes, payload, end)? {
            Some((before, id)) => (before, Some(id)),
            None => (end, None),
        };
        (payload < end).then_some(Self { name: Name::Plain(name), payload: payload..end, id })
    }

    /// Parses all of `text`. The error is exact.
    pub(crate) fn parse_strictly(text: &str) -> Result<Self, Malformed> {
        let whole: &RawValue =
            serde_json::from_str(text).map_err(|error| Malformed::json(&error, text))?;
        if !whole.get().starts_with('[') {
            return Err(Malformed::shape("the message is not an array", text));
        }
        let elements: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| Malformed::json(&error, text))?;
        let (name, payload, id) = match elements[..] {
            [] => return Err(Malformed::shape("the array is empty", text)),
            [_] => return Err(Malformed::shape("the payload is missing", text)),
            [name, payload] => (name, payload, None),
            [name, payload, id] => (name, payload, Some(id)),
            _ => return Err(Malformed::shape("the array has more than three elements", text)),
        };
        let name = read_name(name.get()).ok_or_else(|| {
            Malformed::shape("the event's name, element 0, is not a string", text)
        })?;
        let id = match id {
            None => None,
            Some(id) => Some(id.get().parse().ok().and_then(CallId::new).ok_or_else(|| {
                Malformed::new("the call's id, element 2, is not an integer of 0 to 2^53-1")
            })?),
        };
        let start = payload.get().as_ptr().addr() - text.as_ptr().addr();
        Ok(Self {
            name: Name::Escaped(name.into_owned()),
            payload: start..start + payload.get().len(),
            id,
        })
    }

    pub(crate) fn name<'a>(&'a self, text: &'a str) -> &'a str {
        match &self.name {
            Name::Plain(range) => text.get(range.clone()).unwrap_or_default(),
            Name::Escaped(name) => name,
        }
    }

    pub(crate) fn payload<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.payload.clone()).unwrap_or_default()
    }
}

/// Reads the name of an event; `None` if it is not a string. A surrogate without its pair stays an escape:
/// no event has such a name.
fn read_name(json: &str) -> Option<Cow<'_, str>> {
    let quoted = || json.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed);
    serde_json::from_str(json).ok().or_else(quoted)
}

/// Returns the index after `byte`, if that is the first byte from `at` that is not white space.
fn expect(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    let at = skip(bytes, at);
    (bytes.get(at) == Some(&byte)).then_some(at + 1)
}

fn skip(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

/// Returns the id after the last comma and the end of the payload before that comma; `Some(None)` for a
/// message without an id, and `None` for an invalid id.
///
/// No bracket closes between that comma and the end of the message, so the comma is in the outer array.
#[allow(clippy::option_option, reason = "three outcomes, matched in one place")]
fn call_id(bytes: &[u8], start: usize, end: usize) -> Option<Option<(usize, CallId)>> {
    if !bytes[..end].last().is_some_and(u8::is_ascii_digit) {
        return Some(None);
    }
    let digits = bytes[start..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let first = end - digits;
    let comma = trim_end(bytes, first);
    if comma <= start || bytes[comma - 1] != b',' {
        return Some(None);
    }
    if digits > 16 || (digits > 1 && bytes[first] == b'0') {
        return None;
    }
    let id = bytes[first..end].iter().fold(0, |id, digit| id * 10 + u64::from(digit - b'0'));
    CallId::new(id).map(|id| Some((trim_end(bytes, comma - 1), id)))
}

fn trim_end(bytes: &[u8], mut end: usize) -> usize {
    while end > 0 && is_space(bytes[end - 1]) {
        end -= 1;
    }
    end
}

/// White space of RFC 8259.
fn is_space(byte: u8) -> bool {
    // Most bytes are larger than all of them.
    byte <= b' ' && matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What is wrong with a message that is not `[name, payload]` or `[name, payload, id]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl Malformed {
    fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    /// The message is something else. The error names the other protocol, if it is known, and what to send.
    fn shape(problem: &str, text: &str) -> Self {
        let protocol = other_protocols::recognize(text);
        let of = protocol.map(|name| format!(" a frame of {name}?")).unwrap_or_default();
        Self(format!("{problem}:{of} send [\"event\", payload]"))
    }

    /// The error of `serde_json`, with line and column.
    fn json(error: &serde_json::Error, text: &str) -> Self {
        let problem = format!("not JSON: {error}");
        if text.starts_with('[') { Self(problem) } else { Self::shape(&problem, text) }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text that is nearly a message: pieces of JSON in any order.
    fn near_messages() -> impl Strategy<Value = String> {
        let bits = [
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            " ",
            "\n",
            "\"a\"",
            "\"\\u0061\"",
            "\"",
            "\\",
            "7",
            "0",
            "-1",
            "1.5",
            "1e9",
            "null",
            "true",
            "é",
            "9007199254740992",
            "\"x, 7\"",
        ];
        let rest = proptest::collection::vec(proptest::sample::select(bits.to_vec()), 0..12);
        let start = proptest::sample::select(vec!["", "[\"a\"", "[\"a\",", "[\"a\", 1,"]);
        let end = proptest::sample::select(vec!["", "]", " ]"]);
        (start, rest, end).prop_map(|(start, rest, end)| format!("{start}{}{end}", rest.concat()))
    }

    proptest! {
        /// If the fast path returns a result and the payload is JSON, the strict parse returns the same.
        /// Neither panics.
        #[test]
        fn fast_path_agrees_with_strict_parse(text in prop_oneof![near_messages(), ".{0,40}"]) {
            let strict = Head::parse_strictly(&text);
            if let Some(head) = Head::parse_fast(&text)
                && serde_json::from_str::<&RawValue>(head.payload(&text)).is_ok()
            {
                let strict = strict.expect("a message of the fast path is well-formed");
                prop_assert_eq!(head.name(&text), strict.name(&text));
                prop_assert_eq!(head.payload(&text).trim(), strict.payload(&text));
                prop_assert_eq!(head.id, strict.id);
            }
        }

        #[test]
        fn well_formed_message_is_split(
            name in ".{0,20}", payload in ".{0,20}", id in proptest::option::of(0..=MAX_CALL_ID),
        ) {
            let text = match id {
                Some(id) => serde_json::to_string(&(&name, &payload, id)),
                None => serde_json::to_string(&(&name, &payload)),
            }.expect("JSON");
            let head = Head::parse(&text).expect("well-formed");
            prop_assert_eq!(head.name(&text), name);
            prop_assert_eq!(serde_json::from_str::<String>(head.payload(&text)).ok(), Some(payload));
            prop_assert_eq!(head.id.map(CallId::get), id);
        }
    }

    fn parts(text: &str) -> Result<(String, String, Option<u64>), String> {
        Head::parse(text)
            .map(|head| {
                let id = head.id.map(CallId::get);
                (head.name(text).to_owned(), head.payload(text).to_owned(), id)
            })
            .map_err(|malformed| malformed.to_string())
    }

    #[test]
    fn events_and_calls_are_split() {
        for (text, name, payload, id) in [
            (r#"["a",{}]"#, "a", "{}", None),
            (r#" [ "a" , {"x": [1, 2]} ] "#, "a", r#"{"x": [1, 2]}"#, None),
            (r#"["a",{},7]"#, "a", "{}", Some(7)),
            (r#"["a" , {} , 0 ]"#, "a", "{}", Some(0)),
            (r#"["a",7]"#, "a", "7", None),
            (r#"["a",1,7]"#, "a", "1", Some(7)),
            (r#"["a",1.5]"#, "a", "1.5", None),
            (r#"["a","b, 7"]"#, "a", r#""b, 7""#, None),
            (r#"["a",[1, 7]]"#, "a", "[1, 7]", None),
            (r#"["\u0061",null,7]"#, "a", "null", Some(7)),
        ] {
            assert_eq!(parts(text), Ok((name.to_owned(), payload.to_owned(), id)), "{text}");
        }
    }

    #[test]
    fn malformed_message_has_exact_error() {
        for (text, what) in [
            ("", "not JSON"),
            ("hello", "not JSON"),
            ("{}", "not an array"),
            ("[]", "empty"),
            (r#"["a"]"#, "payload is missing"),
            ("[7, {}]", "name"),
            (r#"["a", ]"#, "not JSON"),
            (r#"["a",]"#, "not JSON"),
            (r#"["a", , 7]"#, "not JSON"),
            (r#"["a", {}, 7, 8]"#, "more than three"),
            (r#"["a", {}, "7"]"#, "id"),
            (r#"["a", {}, -7]"#, "id"),
            (r#"["a", {}, 9007199254740992]"#, "id"),
            (r#"["a", {}, 99999999999999999999]"#, "id"),
        ] {
            // An error that the fast path misses is found by the strict parse after decoding has failed.
            let _ = Head::parse(text);
            let malformed = Head::parse_strictly(text).expect_err(text).to_string();
            assert!(malformed.contains(what), "{text}: {malformed}");
        }
    }
}
