use std::net::{IpAddr, SocketAddr};

use http::StatusCode;
use tokio::time::timeout;

use super::admission::Admission;
use super::authority::Authority;
use super::error_response::ErrorResponse;
use super::forwarded::client_addr;
use super::not_found::not_found;
use super::routes::Routes;
use super::upgrade_response::upgrade_response;
use crate::reject::Reject;
use crate::request::{Mode, Request};
use crate::session::close_frame;
use crate::wire::{Frame, control};

/// The result of a handshake.
pub(super) enum Upgrade {
    /// A WebSocket with a session.
    Admitted { response: http::Response<()>, preamble: Vec<u8>, admission: Admission },
    /// A WebSocket that is closed at once. Browsers do not show the HTTP status of a failed
    /// handshake to scripts, but they show a close code.
    Rejected { response: http::Response<()>, close_frame: Vec<u8> },
    /// No WebSocket.
    ErrorResponse(ErrorResponse),
}

impl Upgrade {
    /// Checks and admits `request`. `sender` is from where it came, and `local` the server's address of its
    /// connection, if known. Without a sender, nothing that the request says of its client is believed.
    pub(super) async fn from_request(
        mut request: Request,
        sender: Option<IpAddr>,
        local: Option<SocketAddr>,
        routes: &Routes,
    ) -> Self {
        let (peer, mode) = (request.peer_addr(), request.mode());
        let (response, host) = match upgrade_response(&mut request, local, routes) {
            Ok(accepted) => accepted,
            Err(error) => return Self::ErrorResponse(error),
        };
        if let Some(sender) = sender {
            match client_addr(sender, request.headers(), &routes.trusted_proxies) {
                Ok(client) => request.set_client_addr(client),
                Err(error) => return Self::ErrorResponse(error),
            }
        }
        request.remove_handshake_headers();
        let admission =
            timeout(routes.handshakes.admission_timeout, admit(request, &host, local, routes))
                .await;
        match admission.unwrap_or_else(|_| Err(admission_timed_out())) {
            Ok(admission) => Self::admitted(response, mode, admission),
            Err(reject) => Self::rejected(response, peer, mode, &reject),
        }
    }

    fn admitted(response: http::Response<()>, mode: Mode, admission: Admission) -> Self {
        let preamble = match mode {
            Mode::Plain => Vec::new(),
            Mode::Parlor => match Frame::event(control::WELCOME, &admission.welcome) {
                Ok(welcome) => welcome.as_bytes().to_vec(),
                Err(error) => {
                    tracing::error!(%error, "the `$welcome` frame cannot be encoded");
                    let message = "the server failed to open a session";
                    return Self::ErrorResponse(ErrorResponse::new(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        message,
                    ));
                }
            },
        };
        Self::Admitted { response, preamble, admission }
    }

    fn rejected(
        response: http::Response<()>,
        peer: Option<SocketAddr>,
        mode: Mode,
        reject: &Reject,
    ) -> Self {
        match mode {
            Mode::Parlor => {
                tracing::debug!(?peer, %reject, "connection rejected");
                let frame = close_frame(reject.code(), reject.message());
                Self::Rejected { response, close_frame: frame.as_bytes().to_vec() }
            }
            Mode::Plain => Self::ErrorResponse(ErrorResponse::from(reject)),
        }
    }
}

async fn admit(
    request: Request,
    host: &Authority,
    local: Option<SocketAddr>,
    routes: &Routes,
) -> Result<Admission, Reject> {
    routes.rules.check(host, request.headers(), local, &routes.warnings)?;
    let asked = request.uri().path();
    let endpoint = routes.endpoint(asked).ok_or_else(|| not_found(asked, routes))?;
    let code = endpoint.user_code("a middleware of the router");
    let request = routes.middleware.run(request, code).await?;
    endpoint.admit(request).await
}

fn admission_timed_out() -> Reject {
    tracing::warn!(
        "rejected: middleware and the factory took longer than `Handshakes::admission_timeout`"
    );
    Reject::try_later("the server took too long to open a session")
}
