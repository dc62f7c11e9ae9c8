use std::fmt;

/// Why a connection was closed: the code of the WebSocket close frame.
///
/// Codes below 4000 are those of [RFC 6455 §7.4.1] and the IANA registry; 4000-4999 are Parlor's:
/// after 4000-4499 a client comes back, after 4500-4999 it does not.
///
/// | code | sent by | redial | meaning |
/// | ---: | --- | --- | --- |
/// | 1000 | both | no | finished |
/// | 1001 | both | yes | going away |
/// | 1002 | both | yes | not the WebSocket protocol |
/// | 1003 | both | yes | a kind of data that is not taken |
/// | 1005, 1006 | nobody | yes | the connection was lost without a code |
/// | 1007 | both | yes | invalid UTF-8 |
/// | 1008 | server | no | too many malformed messages in a row |
/// | 1009 | both | yes | a message larger than the limit |
/// | 1011 | server | yes | a handler panicked |
/// | 1012 | server | yes | the server restarts |
/// | 1013 | server | yes | try again later |
/// | 4000 | server | yes | too slow: the outbox was full |
/// | 4001 | both | yes | heartbeat missed |
/// | 4002 | server | yes | the procedure has as many connections as it may |
/// | 4003 | server | yes | refused for now by the application |
/// | 4500 | server | no | disconnected by the application |
/// | 4501 | server | no | not authenticated |
/// | 4502 | server | no | no procedure at this path |
/// | 4503 | server | no | this Origin or Host is not allowed |
/// | 4504 | server | no | the contract is broken |
/// | 4505 | server | no | forbidden |
///
/// [RFC 6455 §7.4.1]: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: finished.
    pub const NORMAL: Self = Self(1000);
    /// 1001: going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: not the WebSocket protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of data that is not taken.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: closed without a code. Never on the wire.
    pub const NO_CODE: Self = Self(1005);
    /// 1006: lost without a close frame. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: invalid UTF-8.
    pub const INVALID_UTF8: Self = Self(1007);
    /// 1008: too many malformed messages in a row.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message larger than the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: a handler panicked.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts.
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN: Self = Self(1013);
    /// 4000: too slow; the outbox was full.
    pub const TOO_SLOW: Self = Self(4000);
    /// 4001: heartbeat missed.
    pub const HEARTBEAT_MISSED: Self = Self(4001);
    /// 4002: the procedure has as many connections as it may.
    pub const TOO_MANY_CONNECTIONS: Self = Self(4002);
    /// 4003: refused for now by the application.
    pub const REFUSED_FOR_NOW: Self = Self(4003);
    /// 4500: disconnected by the application.
    pub const DISCONNECTED: Self = Self(4500);
    /// 4501: not authenticated.
    pub const UNAUTHORIZED: Self = Self(4501);
    /// 4502: no procedure at this path.
    pub const NOT_FOUND: Self = Self(4502);
    /// 4503: this Origin or Host is not allowed.
    pub const ORIGIN: Self = Self(4503);
    /// 4504: the contract is broken.
    pub const CONTRACT: Self = Self(4504);
    /// 4505: forbidden.
    pub const FORBIDDEN: Self = Self(4505);

    /// Whether a client that was closed with this code should connect again.
    ///
    /// Codes that the table does not know are judged by their range, so that a server may add some.
    pub const fn redial(self) -> bool {
        !matches!(self.0, 1000 | 1008 | 4500..=4999)
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
