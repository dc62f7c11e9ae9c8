use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::wire::{CloseCode, ErrorCode, Violation};

/// Any error; what the functions given to [`token`](super::ClientBuilder::token) and
/// [`headers`](super::ClientBuilder::headers) may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a client could not connect.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("`{url}` is not the URL of a procedure: {problem}; write ws://host:port/path")]
    #[non_exhaustive]
    Url {
        /// The URL without its query, which may hold secrets.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A `wss://` URL without the feature that it needs.
    #[error("`wss://` needs the feature `rustls` of the crate `parlor`: enable it in Cargo.toml")]
    TlsDisabled,
    /// The installed cryptography cannot do TLS.
    #[error("TLS cannot be set up: {0}; install a rustls `CryptoProvider` with TLS 1.2 or 1.3")]
    Tls(String),
    /// The function given to `token` or `headers` failed.
    #[error("the function given to `{setter}` failed: {error}")]
    #[non_exhaustive]
    Credentials {
        /// `token` or `headers`.
        setter: &'static str,
        /// What it failed with.
        error: BoxError,
    },
    /// The function given to `headers` sets a header that is the handshake's own.
    #[error("the header `{0}` belongs to the handshake: leave it out of `headers`")]
    Header(String),
    /// No connection to the host, or TLS failed.
    #[error("cannot connect to {host}: {error}; is the server running, and the port right?")]
    #[non_exhaustive]
    Unreachable {
        /// Host and port of the URL.
        host: String,
        /// What the system says.
        error: io::Error,
    },
    /// The server answered with an HTTP status and did not open a WebSocket.
    #[error(
        "the server answered HTTP {status} and opened no WebSocket: \
         check the path of the URL, and what stands in front of the server"
    )]
    #[non_exhaustive]
    Http {
        /// The status.
        status: u16,
    },
    /// There is a WebSocket server, but it does not speak Parlor.
    #[error(
        "the server did not accept the subprotocol `parlor.v1.json`: it is no Parlor server, \
         or a proxy drops the header Sec-WebSocket-Protocol"
    )]
    NotParlor,
    /// The server closed the connection instead of welcoming it.
    #[error("the server refused the connection: {code} {reason}")]
    #[non_exhaustive]
    Closed {
        /// Why; the table is at [`CloseCode`].
        code: CloseCode,
        /// The server's reason; it may be empty.
        reason: String,
    },
    /// The server was not ready in time.
    #[error("not connected after {after:?}: is the server busy, or `connect_timeout` too short?")]
    #[non_exhaustive]
    TimedOut {
        /// The `connect_timeout`.
        after: Duration,
    },
    /// What the server sent is not what a Parlor server sends.
    #[error("the server does not keep to the protocol: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// The close code that says the same, and whether trying again may help.
    pub(super) fn code(&self) -> CloseCode {
        match self {
            Self::Closed { code, .. } => *code,
            _ => CloseCode::ABNORMAL,
        }
    }
}

/// Why an event was not sent.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// A field breaks a rule of `#[validate]`.
    #[error("{0}")]
    Invalid(Violation),
    /// The event is larger than the server takes.
    #[error("the event has {size} bytes; the server takes at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Its size in bytes, encoded.
        size: usize,
        /// The server's limit in bytes.
        limit: usize,
    },
    /// Too much waits to be sent: `buffer` messages while disconnected, 1 MiB while connected.
    #[error("too many events wait to be sent: wait for the connection, or raise `buffer`")]
    Full,
    /// The client is closed for good.
    #[error("the client is closed: connect a new one")]
    Closed,
    /// A field cannot be written as JSON.
    #[error("the event cannot be encoded: {0}")]
    Encode(String),
}

/// Why a call has no answer. `E` is the error type of the event's `Result`.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler answered `Err(E)`.
    #[error("refused: {0:?}")]
    Refused(E),
    /// A field is missing, of the wrong type or breaks a rule. Known before it is sent, or the
    /// server's finding.
    #[error("{0}")]
    Invalid(Violation),
    /// The procedure's guard refused it; with the server's message.
    #[error("denied: {0}")]
    Denied(String),
    /// More events than the server's rate limit allows; with its message.
    #[error("limited: {0}")]
    Limited(String),
    /// The server has too much to do; with its message.
    #[error("the server is busy: {0}")]
    Busy(String),
    /// The handler panicked.
    #[error("the handler panicked on the server")]
    Panicked,
    /// No answer within `call_timeout`, or the handler took longer than the server allows. It may
    /// have run; a call that was still waiting for the connection is not sent any more.
    #[error("no answer in time")]
    TimedOut,
    /// The connection was lost before the answer came, and its session was not recovered. The handler
    /// may have run.
    #[error("the connection was lost before the answer came")]
    Disconnected,
    /// The client is closed for good, or was before the answer came.
    #[error("the client is closed: connect a new one")]
    Closed,
    /// Too much waits: `buffer` messages while disconnected, 1 MiB while connected, or 1024 calls
    /// without an answer.
    #[error(
        "too many calls or events wait: await some answers, wait for the connection, or raise `buffer`"
    )]
    Full,
    /// The call is larger than the server takes.
    #[error("the call has {size} bytes; the server takes at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Its size in bytes, encoded.
        size: usize,
        /// The server's limit in bytes.
        limit: usize,
    },
    /// A field cannot be written as JSON.
    #[error("the call cannot be encoded: {0}")]
    Encode(String),
    /// The two sides do not agree: the server does not know the event, or its answer is not of the
    /// type that this client's contract says.
    #[error("client and server do not agree: {0}")]
    Protocol(String),
    /// Events wait for `ClientEvents` to be polled and fill their 1 MiB, so the answer, which comes
    /// behind them, cannot be read.
    #[error("the answer is behind events that nobody takes: poll `ClientEvents`, or drop it")]
    EventsNotPolled,
}

impl<E> From<EmitError> for CallError<E> {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Invalid(violation) => Self::Invalid(violation),
            EmitError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            EmitError::Full => Self::Full,
            EmitError::Closed => Self::Closed,
            EmitError::Encode(problem) => Self::Encode(problem),
        }
    }
}

impl<E> CallError<E> {
    /// What the server's refusal means; `refused` reads the typed error.
    pub(super) fn from_server(
        code: ErrorCode,
        message: String,
        violation: Option<Violation>,
        refused: impl FnOnce() -> Result<E, String>,
    ) -> Self {
        match code {
            ErrorCode::Refused => refused().map_or_else(Self::Protocol, Self::Refused),
            ErrorCode::Invalid => {
                Self::Invalid(violation.unwrap_or_else(|| Violation::new("", "", message)))
            }
            ErrorCode::Denied => Self::Denied(message),
            ErrorCode::Limited => Self::Limited(message),
            ErrorCode::Busy => Self::Busy(message),
            ErrorCode::Panicked => Self::Panicked,
            ErrorCode::TimedOut => Self::TimedOut,
            ErrorCode::Unknown | ErrorCode::Malformed | ErrorCode::Other => Self::Protocol(message),
        }
    }
}
