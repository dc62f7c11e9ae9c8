use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

use crate::reject::Reject;

/// An HTTP answer to what does not become a WebSocket.
pub(crate) struct ErrorResponse {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl ErrorResponse {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), header: None }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The answer: its head, and its body.
    pub(super) fn into_response(self) -> http::Response<String> {
        let mut response = http::Response::new(self.message + "\n");
        *response.status_mut() = self.status;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<&Reject> for ErrorResponse {
    fn from(reject: &Reject) -> Self {
        let error_response = Self::new(reject.status(), reject.message());
        match reject.status() {
            StatusCode::UNAUTHORIZED => error_response.with(header::WWW_AUTHENTICATE, "Bearer"),
            _ => error_response,
        }
    }
}

impl From<Error> for ErrorResponse {
    fn from(error: Error) -> Self {
        match error {
            Error::Protocol(ProtocolError::WrongHttpMethod) => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket is opened with GET")
                    .with(header::ALLOW, "GET")
            }
            Error::Protocol(
                ProtocolError::MissingConnectionUpgradeHeader
                | ProtocolError::MissingUpgradeWebSocketHeader,
            ) => Self::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket endpoint")
                .with(header::UPGRADE, "websocket"),
            Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
                bad_handshake(&error).with(header::SEC_WEBSOCKET_VERSION, "13")
            }
            error => bad_handshake(&error),
        }
    }
}

fn bad_handshake(error: &Error) -> ErrorResponse {
    ErrorResponse::new(StatusCode::BAD_REQUEST, format!("bad WebSocket handshake: {error}"))
}
