use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

use crate::wire::CloseCode;

/// A refusal to open a session, made by middleware or by the session factory.
///
/// Plain clients get the HTTP status. Parlor clients get an accepted connection that is closed with
/// the code, because a browser cannot read a refused handshake.
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
    /// A refusal with an HTTP status, a close code of 4000-4999 and a message for people.
    ///
    /// After 4000-4499 clients come back later, after 4500-4999 they do not. A status that is not
    /// of 400-599 is sent as 403, a code that is not of 4000-4999 as 4505.
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

    /// 401, 4501: who is it? The client does not come back by itself.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, CloseCode::UNAUTHORIZED, message)
    }

    /// 403, 4505: not for this one. The client does not come back by itself.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, CloseCode::FORBIDDEN, message)
    }

    /// 503, 4003: not now. The client comes back later.
    pub fn try_later(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, CloseCode::REFUSED_FOR_NOW, message)
    }

    /// The status that plain clients get.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code with which Parlor clients are closed.
    pub fn code(&self) -> CloseCode {
        self.code
    }

    /// The message, sent to the client.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {} / {}: {}", self.status.as_u16(), self.code, self.message)
    }
}

impl std::error::Error for Reject {}
