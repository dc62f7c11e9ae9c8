use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::time::error::Elapsed;

use super::close::{Close, CloseCause};
use crate::wire::{CloseCode, ErrorCode, Violation};

/// Any error. The functions given to [`token`](super::ClientBuilder::token) and
/// [`headers`](super::ClientBuilder::headers) may return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a client could not connect.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used: it has no scheme, another one than `ws` or `wss`, no host, an impossible
    /// port, or a part that is never sent, which are a fragment, a user name and a password. No attempt is
    /// made.
    #[error("`{url}` is not the URL of a procedure: {problem}; write ws://host:port/path")]
    #[non_exhaustive]
    Url {
        /// The URL without its query, its fragment, and its user name and password, which may be secrets.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A `wss://` URL without the feature `rustls`.
    #[error("`wss://` needs the feature `rustls` of the crate `parlor`: enable it in Cargo.toml")]
    TlsDisabled,
    /// The installed `CryptoProvider` does not support TLS.
    #[error("TLS cannot be set up: {0}; install a rustls `CryptoProvider` with TLS 1.2 or 1.3")]
    Tls(String),
    /// The function given to `token` or `headers` failed.
    ///
    /// Its error may contain secrets, so it is the [`source`](std::error::Error::source) and not in the
    /// message.
    #[error("the function given to `{setter}` failed{}", if error.is::<Elapsed>() { ": timed out" } else { "" })]
    #[non_exhaustive]
    Credentials {
        /// `token` or `headers`.
        setter: &'static str,
        /// Its error, or that it took longer than `connect_timeout`.
        #[source]
        error: BoxError,
    },
    /// The function given to `headers` sets a header that is reserved for the handshake.
    #[error("the header `{0}` belongs to the handshake: leave it out of `headers`")]
    Header(String),
    /// No connection to the host, or TLS failed.
    #[error("cannot connect to {host}: {error}; is the server running, and the port right?")]
    #[non_exhaustive]
    Unreachable {
        /// Host and port of the URL.
        host: String,
        /// The error of the system.
        error: io::Error,
    },
    /// The server answered with an HTTP status and did not open a WebSocket.
    #[error(
        "the server answered HTTP {status} and opened no WebSocket: \
         check the path of the URL, and proxies in front of the server"
    )]
    #[non_exhaustive]
    Http {
        /// The status.
        status: u16,
    },
    /// The server opens a WebSocket but does not support Parlor mode.
    #[error(
        "the server did not accept the subprotocol `parlor.v1.json`: it is no Parlor server, \
         or a proxy drops the header Sec-WebSocket-Protocol"
    )]
    NotParlor,
    /// The server closed the connection instead of welcoming it.
    #[error("the server rejected the connection: {code} {reason}")]
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
    /// The server violates the protocol.
    #[error("the server violates the protocol: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// The end of the attempt that failed with this error. Its cause determines whether another one is made.
    pub(super) fn into_close(self) -> Close {
        match self {
            Self::Closed { code, reason } => Close::by_server(code, reason),
            Self::Header(_) | Self::Url { .. } | Self::Tls(_) | Self::TlsDisabled => {
                Close::new(CloseCause::Misconfigured, CloseCode::ABNORMAL, self.to_string())
            }
            _ => Close::by_server(CloseCode::ABNORMAL, self.to_string()),
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
    /// The event is larger than the server accepts.
    #[error("the event has {size} bytes; the server accepts at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Its size in bytes, encoded.
        size: usize,
        /// The server's limit in bytes.
        limit: usize,
    },
    /// The queue is full: `buffer` messages while disconnected, 1 MiB while connected.
    #[error("too many events are queued: wait for the connection, or raise `buffer`")]
    Full,
    /// The client is closed: how its last connection or attempt ended.
    #[error("the client is closed: {0}; connect a new one")]
    Closed(Close),
    /// A field cannot be encoded as JSON, such as a NaN; with the path to the value.
    #[error("the event cannot be encoded: {0}")]
    Encode(String),
}

/// Why a call has no answer. `E` is the error type of the event's `Result`.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler returned `Err(E)`.
    #[error("refused: {0:?}")]
    Refused(E),
    /// The handler has run, and the server cannot send its answer, which cannot be encoded or is too large.
    /// Also for a code of a newer server. Contains the server's message.
    #[error("the call failed on the server: {0}")]
    Failed(String),
    /// A field is missing, of the wrong type or breaks a rule. The client or the server detected it.
    #[error("{0}")]
    Invalid(Violation),
    /// The procedure's guard denied it; with the server's message.
    #[error("denied: {0}")]
    Denied(String),
    /// The server's rate limit is exceeded; with its message.
    #[error("limited: {0}")]
    Limited(String),
    /// The handler panicked.
    #[error("the handler panicked on the server")]
    Panicked,
    /// No answer within `call_timeout`, or the handler took longer than the server allows. The handler
    /// may have run. A call that was still queued is not sent.
    #[error("no answer in time")]
    TimedOut,
    /// The connection was lost before the answer was received, and its session was not recovered. Contains
    /// how the last connection or attempt ended. The handler may have run.
    #[error("no answer was received, and the session is over: {0}")]
    Disconnected(Close),
    /// The client was closed, or gave up, before the answer was received: how, in
    /// [`Close::cause`]. The handler may have run if the call was sent.
    ///
    /// After [`CloseCause::GaveUp`] another call begins anew, else a new client is needed.
    #[error("no answer was received: {0}")]
    Closed(Close),
    /// The client reconnected as another identity, by what its `token` or `headers` returned, before the
    /// answer was received. A call that was still queued is not sent. The handler may have run if it was
    /// sent before, as the previous identity.
    #[error("no answer was received, because the client reconnected as another identity")]
    IdentityChanged,
    /// The queue is full: `buffer` messages while disconnected, 1 MiB while connected. Or 1024 calls
    /// have no answer.
    #[error(
        "too many calls or events are queued: await some answers, wait for the connection, or raise `buffer`"
    )]
    Full,
    /// The call is larger than the server accepts.
    #[error("the call has {size} bytes; the server accepts at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Its size in bytes, encoded.
        size: usize,
        /// The server's limit in bytes.
        limit: usize,
    },
    /// A field cannot be encoded as JSON, such as a NaN; with the path to the value.
    #[error("the call cannot be encoded: {0}")]
    Encode(String),
    /// Client and server have different contracts: the server has no such event, or its answer has
    /// another type than this client's contract declares.
    #[error("client and server have different contracts: {0}; build both from one trait")]
    Protocol(String),
    /// The inbox is full: 1 MiB of events wait until `ClientEvents` is polled. The answer comes after them
    /// and cannot be read.
    #[error(
        "the answer cannot be read, because the inbox is full: poll `ClientEvents`, or drop it"
    )]
    EventsNotPolled,
}

impl<E> From<EmitError> for CallError<E> {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Invalid(violation) => Self::Invalid(violation),
            EmitError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            EmitError::Full => Self::Full,
            EmitError::Closed(close) => Self::Closed(close),
            EmitError::Encode(problem) => Self::Encode(problem),
        }
    }
}

impl<E> CallError<E> {
    /// The error for an `$err` frame; `refused` decodes the typed error.
    pub(super) fn from_server(
        code: ErrorCode,
        message: String,
        violation: Option<Violation>,
        refused: impl FnOnce() -> Result<E, String>,
    ) -> Self {
        match code {
            ErrorCode::Refused => match refused() {
                Ok(error) => Self::Refused(error),
                Err(problem) => Self::Protocol(format!("{problem} (the server: {message})")),
            },
            ErrorCode::Failed | ErrorCode::Other => Self::Failed(message),
            ErrorCode::Invalid => {
                Self::Invalid(violation.unwrap_or_else(|| Violation::new("", "", message)))
            }
            ErrorCode::Denied => Self::Denied(message),
            ErrorCode::Limited => Self::Limited(message),
            ErrorCode::Panicked => Self::Panicked,
            ErrorCode::TimedOut => Self::TimedOut,
            ErrorCode::Unknown | ErrorCode::Malformed => Self::Protocol(message),
        }
    }
}
