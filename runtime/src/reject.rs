use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

use crate::wire::CloseCode;

/// Rejects a connection. Middleware, the session factory and `resumed` return it.
///
/// A client of plain mode gets the HTTP status. A connection of a client of Parlor mode is accepted
/// and closed with the close code, because browsers do not show the status of a failed handshake to
/// scripts.
///
/// ```
/// # use parlor::{Reject, Request};
/// async fn authenticate(request: Request) -> Result<Request, Reject> {
///     match request.bearer_token() {
///         Some(_) => Ok(request),
///         None => Err(Reject::unauthorized("a bearer token is needed")),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    status: StatusCode,
    code: CloseCode,
    message: Cow<'static, str>,
}

impl Reject {
    /// A rejection with an HTTP status, a close code from 4000 to 4999 and a message for people.
    ///
    /// Clients reconnect after codes from 4000 to 4499, and do not after codes from 4500 to 4999. A
    /// status outside 400 to 599 is sent as 403, a code outside 4000 to 4999 as 4505.
    pub fn new(
        status: StatusCode,
        code: impl Into<CloseCode>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let code = code.into();
        let is_error = status.is_client_error() || status.is_server_error();
        Self {
            status: if is_error { status } else { StatusCode::FORBIDDEN },
            code: if (4000..=4999).contains(&code.0) { code } else { CloseCode::FORBIDDEN },
            message: message.into(),
        }
    }

    /// 400 and 4506: the request is wrong, such as a parameter of its query. The client does not reconnect by
    /// itself.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, CloseCode::BAD_REQUEST, message)
    }

    /// 401 and 4501: credentials are missing or wrong. The client does not reconnect by itself.
    ///
    /// The response with status 401 has `www-authenticate: Bearer` (RFC 9110 §15.5.2), also if the credentials
    /// are of another kind.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, CloseCode::UNAUTHORIZED, message)
    }

    /// 403 and 4505: this client may not connect. It does not reconnect by itself.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, CloseCode::FORBIDDEN, message)
    }

    /// 503 and 4003: the server cannot accept the client now. The client reconnects later.
    pub fn try_later(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, CloseCode::REFUSED_FOR_NOW, message)
    }

    /// 500 and 4003, after the cause was logged: code of the server failed. The client reconnects later.
    #[cfg(feature = "server")]
    pub(crate) fn server_failed() -> Self {
        let message = "the server failed to open a session";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, CloseCode::REFUSED_FOR_NOW, message)
    }

    /// The HTTP status for clients of plain mode.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The close code for clients of Parlor mode.
    pub fn code(&self) -> CloseCode {
        self.code
    }

    /// The message that is sent to the client.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected with {} / {}: {}", self.status.as_u16(), self.code, self.message)
    }
}

impl std::error::Error for Reject {}
