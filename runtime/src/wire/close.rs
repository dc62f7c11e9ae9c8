use std::fmt;

/// Why a connection was closed: the code of the WebSocket close frame.
///
/// Codes below 4000 are those of [RFC 6455 §7.4.1] and the IANA registry; 4000-4999 are Parlor's:
/// after 4000-4499 a client comes back, after 4500-4999 it does not.
///
/// [RFC 6455 §7.4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

/// What the table says of a code.
struct Row {
    code: u16,
    /// Who sends it.
    #[cfg(test)]
    by: &'static str,
    /// Whether a client that was closed with it connects again.
    redial: bool,
    #[cfg(test)]
    meaning: &'static str,
}

macro_rules! close_codes {
    ($($name:ident = $code:literal, $by:literal, redial: $redial:literal, $meaning:literal;)*) => {
        impl CloseCode {
            $(
                #[doc = concat!($code, ", sent by ", $by, ": ", $meaning, ".")]
                pub const $name: Self = Self($code);
            )*
        }

        /// The one table of close codes.
        const TABLE: &[Row] = &[$(Row {
            code: $code,
            #[cfg(test)]
            by: $by,
            redial: $redial,
            #[cfg(test)]
            meaning: $meaning,
        }),*];
    };
}

close_codes! {
    NORMAL = 1000, "both", redial: false, "finished";
    GOING_AWAY = 1001, "both", redial: true, "going away";
    PROTOCOL = 1002, "both", redial: true, "not the WebSocket protocol";
    UNSUPPORTED = 1003, "both", redial: true, "a kind of data that is not taken";
    NO_CODE = 1005, "nobody", redial: true, "closed without a code";
    ABNORMAL = 1006, "nobody", redial: true, "lost without a close frame";
    INVALID_UTF8 = 1007, "both", redial: true, "invalid UTF-8";
    POLICY = 1008, "server", redial: false, "too many malformed messages in a row";
    TOO_BIG = 1009, "both", redial: true, "a message larger than the limit";
    INTERNAL = 1011, "server", redial: true, "a handler panicked";
    RESTART = 1012, "server", redial: true, "the server restarts";
    TRY_AGAIN = 1013, "server", redial: true, "try again later";
    TOO_SLOW = 4000, "server", redial: true, "too slow: the outbox was full";
    HEARTBEAT_MISSED = 4001, "both", redial: true, "heartbeat missed";
    TOO_MANY_CONNECTIONS = 4002, "server", redial: true, "the procedure has as many connections as it may";
    REFUSED_FOR_NOW = 4003, "server", redial: true, "refused for now by the application";
    DISCONNECTED = 4500, "server", redial: false, "disconnected by the application";
    UNAUTHORIZED = 4501, "server", redial: false, "not authenticated";
    NOT_FOUND = 4502, "server", redial: false, "no procedure at this path";
    ORIGIN = 4503, "server", redial: false, "this Origin or Host is not allowed";
    CONTRACT = 4504, "server", redial: false, "the contract is broken";
    FORBIDDEN = 4505, "server", redial: false, "forbidden";
}

impl CloseCode {
    /// Whether a client that was closed with this code should connect again.
    ///
    /// Codes that the table does not know are judged by their range, so that a server may add some.
    pub fn redial(self) -> bool {
        let row = TABLE.iter().find(|row| row.code == self.0);
        row.map_or(!(4500..=4999).contains(&self.0), |row| row.redial)
    }

    /// Whether a session whose connection was closed with this code is kept.
    pub fn resume(self) -> bool {
        !matches!(self.0, 1000 | 1002 | 1003 | 1005 | 1007..=1009 | 1011 | 1012 | 4500..=4999)
    }

    /// Whether the code can stand in a close frame (RFC 6455 §7.4.2 reserves the others).
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

    /// `docs/wire.md` has the table as it is here.
    #[test]
    fn the_docs_have_this_table() {
        let docs = include_str!("../../../docs/wire.md");
        let rows = TABLE.iter().map(|row| {
            let redial = if row.redial { "yes" } else { "no" };
            format!("| {} | {} | {redial} | {} |\n", row.code, row.by, row.meaning)
        });
        let table = rows.collect::<String>();
        assert!(docs.contains(&table), "docs/wire.md should have\n{table}");
    }

    /// So has the TypeScript client, with what it acts by.
    #[test]
    fn the_typescript_client_has_this_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ts/src/closeCodes.ts");
        let rows = TABLE.iter().map(|row| {
            let redial = if row.redial { "yes" } else { "no" };
            format!(" * | {} | {} | {redial} | {} |\n", row.code, row.by, row.meaning)
        });
        let rows = rows.collect::<String>();
        let (iana, own): (Vec<&Row>, _) = TABLE.iter().partition(|row| row.code < 4000);
        assert!(own.iter().all(|row| row.redial == (row.code < 4500)), "the ranges hold for all");
        let codes = iana.iter().filter(|row| !row.redial).map(|row| row.code.to_string());
        let codes = codes.collect::<Vec<_>>().join(", ");
        let expected = format!(
            "/**\n * The close codes below 4000 after which a client does not connect again, of this table. Of those\n \
             * above, it is 4500-4999.\n *\n \
             * | code | sent by | come back? | meaning |\n * | ---: | --- | --- | --- |\n{rows} */\n\
             export const finalCodes: readonly number[] = [{codes}];\n"
        );
        let file = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(file == expected, "{path} should be\n{expected}");
    }

    #[test]
    fn unknown_codes_are_judged_by_their_range() {
        assert!(CloseCode(4321).redial());
        assert!(!CloseCode(4567).redial());
    }
}
