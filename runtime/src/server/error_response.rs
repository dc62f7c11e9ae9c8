use std::net::SocketAddr;

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::log_limit::LogLimit;
use crate::reject::Reject;

/// What a request of HTTP/1.1 with another method is told.
pub(super) const USES_GET: &str = "a WebSocket handshake uses GET";

/// The HTTP response to a request that does not become a WebSocket.
pub(crate) struct ErrorResponse {
    status: StatusCode,
    message: String,
    headers: Vec<(HeaderName, &'static str)>,
    /// The likely mistake in the configuration of this server or a proxy.
    warning: Option<&'static str>,
}

impl ErrorResponse {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), headers: Vec::new(), warning: None }
    }

    pub(super) fn wrong_method(message: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message).with_header(header::ALLOW, "GET")
    }

    pub(super) fn wrong_version() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "a WebSocket handshake uses HTTP/1.1")
    }

    /// `cause` is the likely cause of a connection that does not begin as it should.
    pub(super) fn other_protocol(cause: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, cause).with_warning(cause)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Logs `warning` at `WARN`, at most once a minute.
    pub(super) fn with_warning(mut self, warning: &'static str) -> Self {
        self.warning = Some(warning);
        self
    }

    /// Returns the response to the client of `peer`, and logs why it gets no WebSocket.
    pub(super) fn into_response(
        self,
        peer: Option<SocketAddr>,
        warnings: &LogLimit,
    ) -> http::Response<String> {
        match self.warning {
            Some(warning) if warnings.allow(warning) => {
                tracing::warn!(?peer, "rejected (logged once a minute): {warning}");
            }
            _ => tracing::debug!(?peer, status = %self.status, "no WebSocket: {}", self.message),
        }
        let mut response = http::Response::new(self.message + "\n");
        *response.status_mut() = self.status;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<&Reject> for ErrorResponse {
    fn from(reject: &Reject) -> Self {
        let response = Self::new(reject.status(), reject.message());
        match reject.status() {
            StatusCode::UNAUTHORIZED => response.with_header(header::WWW_AUTHENTICATE, "Bearer"),
            _ => response,
        }
    }
}
