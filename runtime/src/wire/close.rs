use std::fmt;

#[cfg(any(feature = "client", feature = "server"))]
use tungstenite::protocol::CloseFrame;

/// Why a connection was closed: the code of the WebSocket close frame.
///
/// Codes below 4000 are those of [RFC 6455 §7.4.1] and the IANA registry; 4000-4999 are Parlor's:
/// after 4000-4499 a client reconnects, after 4500-4999 it does not.
///
/// [RFC 6455 §7.4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

struct Row {
    code: u16,
    #[cfg(test)]
    sent_by: &'static str,
    /// Whether a client reconnects after it.
    redial: bool,
    /// Whether the session may be resumed then.
    resume: bool,
    #[cfg(test)]
    meaning: &'static str,
}

macro_rules! close_codes {
    ($(
        $name:ident = $code:literal, $by:literal, redial: $redial:literal, resume: $resume:literal,
        $meaning:literal;
    )*) => {
        impl CloseCode {
            $(
                #[doc = concat!($code, ", sent by ", $by, ": ", $meaning, ".")]
                pub const $name: Self = Self($code);
            )*
        }

        /// The close codes with a row in `docs/wire.md`.
        const TABLE: &[Row] = &[$(Row {
            code: $code,
            #[cfg(test)]
            sent_by: $by,
            redial: $redial,
            resume: $resume,
            #[cfg(test)]
            meaning: $meaning,
        }),*];
    };
}

// A new row needs the same row in `docs/wire.md` and in `runtime/ts/src/closeCodes.ts`, which the tests
// below compare, and code that sends it: `DisconnectReason::close` or a `Reject`. Whether a session can be
// resumed after a code is also decided in `DisconnectReason::may_resume`. Parlor sends neither 1003 nor
// 1013, and 4504 is reserved, but clients handle them.
close_codes! {
    NORMAL = 1000, "both", redial: false, resume: false, "finished";
    GOING_AWAY = 1001, "both", redial: true, resume: true, "going away";
    PROTOCOL = 1002, "both", redial: true, resume: false, "not the WebSocket protocol";
    UNSUPPORTED = 1003, "both", redial: true, resume: false, "a kind of data that is not accepted";
    NO_CODE = 1005, "neither", redial: true, resume: false, "closed without a code";
    ABNORMAL = 1006, "neither", redial: true, resume: true, "lost without a close frame";
    INVALID_UTF8 = 1007, "both", redial: true, resume: false, "invalid UTF-8";
    POLICY = 1008, "server", redial: false, resume: false, "too many malformed messages in a row";
    TOO_BIG = 1009, "both", redial: true, resume: false, "a message larger than the limit";
    INTERNAL = 1011, "server", redial: true, resume: false, "a handler panicked";
    RESTART = 1012, "server", redial: true, resume: false, "the server restarts";
    TRY_AGAIN = 1013, "server", redial: true, resume: true, "try again later";
    TOO_SLOW = 4000, "server", redial: true, resume: true, "too slow: the outbox was full";
    HEARTBEAT_MISSED = 4001, "both", redial: true, resume: true, "heartbeat missed";
    TOO_MANY_CONNECTIONS = 4002, "server", redial: true, resume: true, "the connection limit of the procedure is reached";
    REFUSED_FOR_NOW = 4003, "server", redial: true, resume: true, "refused for now by the application";
    DISCONNECTED = 4500, "server", redial: false, resume: false, "disconnected by the application";
    UNAUTHORIZED = 4501, "server", redial: false, resume: false, "not authenticated";
    NOT_FOUND = 4502, "server", redial: false, resume: false, "no procedure at this path";
    ORIGIN = 4503, "server", redial: false, resume: false, "this Origin or Host is not allowed";
    CONTRACT = 4504, "server", redial: false, resume: false, "the contract is broken";
    FORBIDDEN = 4505, "server", redial: false, resume: false, "forbidden";
    BAD_REQUEST = 4506, "server", redial: false, resume: false, "the request is wrong, such as its query";
}

impl CloseCode {
    /// The code and the reason of a close frame.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn from_frame(frame: Option<CloseFrame>) -> (Self, String) {
        frame.map_or_else(
            || (Self::NO_CODE, String::new()),
            |frame| (Self(frame.code.into()), frame.reason.to_string()),
        )
    }

    /// Returns whether a client should reconnect after this code.
    ///
    /// For a code that is not in the table, the range decides, so that servers can add codes.
    pub fn redial(self) -> bool {
        self.row().map_or(!(4500..=4999).contains(&self.0), |row| row.redial)
    }

    /// Returns whether the session outlives a connection that was closed with this code, on a server that
    /// keeps sessions. The client may then resume it. Any other code ends the session, and so does the
    /// application when it closes the session, with any code.
    ///
    /// For a code that is not in the table, the range decides: 4500-4999 end the session.
    pub fn resume(self) -> bool {
        self.row().map_or(!(4500..=4999).contains(&self.0), |row| row.resume)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.code == self.0)
    }

    /// Returns whether the code may be sent in a close frame (RFC 6455 §7.4.2 reserves the others).
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows as Markdown, each after `margin`.
    fn rows(margin: &str) -> String {
        let yes = |flag| if flag { "yes" } else { "no" };
        let row = |row: &Row| {
            let (redial, resume) = (yes(row.redial), yes(row.resume));
            format!(
                "{margin}| {} | {} | {redial} | {resume} | {} |\n",
                row.code, row.sent_by, row.meaning
            )
        };
        TABLE.iter().map(row).collect()
    }

    #[test]
    fn docs_have_table_of_close_codes() {
        let docs = include_str!("../../../docs/wire.md");
        let table = rows("");
        assert!(docs.contains(&table), "docs/wire.md should have\n{table}");
    }

    #[test]
    fn typescript_client_has_table_of_close_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ts/src/closeCodes.ts");
        let codes = |pick: fn(&Row) -> bool| {
            let codes = TABLE.iter().filter(|row| pick(row)).map(|row| row.code.to_string());
            codes.collect::<Vec<_>>().join(", ")
        };
        let ranges = TABLE.iter().filter(|row| row.code >= 4000);
        let mut ranges = ranges.map(|row| (row.code < 4500, row));
        assert!(ranges.all(|(back, row)| row.redial == back && row.resume == back), "for all");
        let rows = rows(" * ");
        let final_codes = codes(|row| row.code < 4000 && !row.redial);
        let lost_codes = codes(|row| row.code < 4500 && !row.resume);
        let expected = format!(
            "/**\n * The close codes below 4000 after which a client does not reconnect, from this table. From 4000 on,\n \
             * these are 4500-4999.\n *\n \
             * | code | sent by | reconnect? | resume? | meaning |\n \
             * | ---: | --- | --- | --- | --- |\n{rows} */\n\
             export const finalCodes: readonly number[] = [{final_codes}];\n\n\
             /** The close codes below 4500 that end the session. From 4500 on, all do. */\n\
             export const lostCodes: readonly number[] = [{lost_codes}];\n"
        );
        let file = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(file == expected, "{path} should be\n{expected}");
    }

    #[test]
    fn range_decides_for_unknown_codes() {
        for (code, back) in [(4321, true), (4567, false), (1014, true), (3000, true)] {
            assert_eq!(CloseCode(code).redial(), back, "{code}");
            assert_eq!(CloseCode(code).resume(), back, "{code}");
        }
    }
}
