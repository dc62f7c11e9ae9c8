//! Whether a request becomes a WebSocket: asks everyone who has a say.

use std::net::SocketAddr;

use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::Router;
use super::admission::Admission;
use super::error_response::ErrorResponse;
use super::middleware::contain;
use crate::reject::Reject;
use crate::request::{Mode, Request};
use crate::session::close_frame;
use crate::wire::{CloseCode, Frame, PROTOCOL_JSON, control};

/// The answer to a request.
pub(super) enum Upgrade {
    /// A WebSocket with a session.
    Open { response: http::Response<()>, preamble: Vec<u8>, admission: Admission },
    /// A WebSocket that is closed at once: a browser cannot read the status of a refused
    /// handshake, but it can read a close code.
    Close { response: http::Response<()>, close_frame: Vec<u8> },
    /// No WebSocket.
    Refuse(ErrorResponse),
}

impl Upgrade {
    /// Decides about `request`; `local` is the address that it came to, if that is known.
    pub(super) async fn decide(
        mut request: Request,
        local: Option<SocketAddr>,
        router: &Router,
    ) -> Self {
        let (peer, mode) = (request.peer_addr(), request.mode());
        let response = match accept(&request, router) {
            Ok(response) => response,
            Err(error_response) => return Self::Refuse(error_response),
        };
        request.forget_handshake();
        let admitted =
            timeout(router.shared.admission_timeout, admit(request, local, router)).await;
        match admitted.unwrap_or_else(|_| Err(took_too_long())) {
            Ok(admission) => Self::open(response, mode, admission),
            Err(reject) => {
                tracing::debug!(?peer, %reject, "connection refused");
                Self::turn_away(response, mode, &reject)
            }
        }
    }

    fn open(response: http::Response<()>, mode: Mode, admission: Admission) -> Self {
        let preamble = match mode {
            Mode::Plain => Vec::new(),
            Mode::Parlor => match Frame::event(control::WELCOME, &admission.welcome) {
                Ok(welcome) => welcome.as_bytes().to_vec(),
                Err(error) => {
                    tracing::error!(%error, "the welcome cannot be encoded");
                    let message = "the server failed to open a session";
                    return Self::Refuse(ErrorResponse::new(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        message,
                    ));
                }
            },
        };
        Self::Open { response, preamble, admission }
    }

    fn turn_away(response: http::Response<()>, mode: Mode, reject: &Reject) -> Self {
        match mode {
            Mode::Parlor => {
                let frame = close_frame(reject.code(), reject.message());
                Self::Close { response, close_frame: frame.as_bytes().to_vec() }
            }
            Mode::Plain => Self::Refuse(ErrorResponse::from(reject)),
        }
    }
}

/// The response that makes a WebSocket of the connection, if that is what `request` asks for.
pub(super) fn accept(
    request: &Request,
    router: &Router,
) -> Result<http::Response<()>, ErrorResponse> {
    let mut response = create_response(&request.to_http()).map_err(|error| {
        // People who open the address in a tab: the path matters more than the upgrade.
        match router.endpoint(request.uri().path()) {
            None => ErrorResponse::from(&not_found()),
            Some(_) => ErrorResponse::from(error),
        }
    })?;
    if request.mode() == Mode::Parlor {
        let protocol = HeaderValue::from_static(PROTOCOL_JSON);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

async fn admit(
    request: Request,
    local: Option<SocketAddr>,
    router: &Router,
) -> Result<Admission, Reject> {
    let shared = &router.shared;
    shared.rules.check(request.headers(), local)?;
    let endpoint = router.endpoint(request.uri().path()).ok_or_else(not_found)?;
    let request = contain("a middleware", shared.middleware.run(request)).await?;
    endpoint.admit(request).await
}

fn took_too_long() -> Reject {
    tracing::warn!("refused: middleware and the factory took longer than `admission_timeout`");
    Reject::try_later("the server took too long to open a session")
}

fn not_found() -> Reject {
    let message = "no procedure is mounted at this path";
    Reject::new(StatusCode::NOT_FOUND, CloseCode::NOT_FOUND, message)
}
