use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

macro_rules! error_codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        /// Why an event or a call failed: the `code` of an `$err` frame. A server sends no other codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(
                #[doc = concat!("`", $code, "`: ", $meaning, ".")]
                #[serde(rename = $code)]
                $name,
            )*
            /// A code of a newer server, which this client does not know.
            #[serde(other)]
            Other,
        }

        /// The codes with a row in `docs/wire.md`, and what they mean.
        #[cfg(test)]
        const TABLE: &[(&str, &str)] = &[$(($code, $meaning)),*];
    };
}

// A new row needs the same row in `docs/wire.md` and in `runtime/ts/src/errorCode.ts`, which the tests below
// compare, and a case in `CallError`.
error_codes! {
    Refused = "refused", "the handler returned `Err(E)`; `details` is the `E`";
    Failed = "failed", "the answer, or the `E`, cannot be encoded or is larger than `Limits::max_outbox_size`; the handler has run";
    Unknown = "unknown", "no event has this name; the message has a similar name, if there is one";
    Malformed = "malformed", "not `[name, payload]` or `[name, payload, id]`, or not JSON; after 100 in a row the server closes with 1008";
    Invalid = "invalid", "a field is missing (`required`), cannot be read as its type (`type`) or breaks a rule: `details` is `{path, rule, message, min?, max?}`";
    Denied = "denied", "the guard denied the event";
    Limited = "limited", "the rate limit is exceeded";
    Panicked = "panicked", "the handler, the guard or the decoding panicked; the session ends with 1011";
    TimedOut = "timedOut", "the handler took longer than `Timeouts::handler`";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_have_table_of_error_codes() {
        let row = |(code, meaning): &(&str, &str)| format!("| `{code}` | {meaning} |\n");
        let table = TABLE.iter().map(row).collect::<Vec<_>>().concat();
        let docs = include_str!("../../../docs/wire.md").replace("\r\n", "\n");
        let expected = format!("| code | when |\n| --- | --- |\n{table}\n");
        assert!(docs.contains(&expected), "docs/wire.md should have\n{expected}");
    }

    #[test]
    fn typescript_client_has_table_of_error_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ts/src/errorCode.ts");
        let row = |(code, meaning): &(&str, &str)| format!(" * - `{code}`: {meaning}\n");
        let rows = TABLE.iter().map(row).collect::<Vec<_>>().concat();
        let union: Vec<_> = TABLE.iter().map(|(code, _)| format!("\n  | \"{code}\"")).collect();
        let union = union.concat();
        let expected = format!(
            "/**\n * The codes of a server for an event or call that failed:\n *\n{rows} */\n\
             export type ErrorCode ={union};\n"
        );
        let file = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(file == expected, "{path} should be\n{expected}");
    }

    #[test]
    fn unknown_code_is_other() {
        let body = r#"{"code":"ofTomorrow","message":"why"}"#;
        let body: ErrorBody = serde_json::from_str(body).expect("a body");
        assert_eq!((body.code, body.message.as_str()), (ErrorCode::Other, "why"));
    }
}
