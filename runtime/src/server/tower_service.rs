//! A router inside another HTTP server: axum, or any other that uses hyper.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{StatusCode, Version};
use http_body_util::Full;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade as auto;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::admission::Admission;
use super::copy_request::copy_request;
use super::error_response::ErrorResponse;
use super::extended_connect::{add_host, into_handshake, into_http2_response, is_extended_connect};
use super::handshake_limit::MAX_CONCURRENT;
use super::router::Router;
use super::upgrade::Upgrade;
use super::upgrade_response::upgrade_response;
use super::write_and_close::write_and_close;
use crate::request::Request;
use crate::transport::Transport;

/// Serves requests that another HTTP server has read; needs the feature `axum`.
///
/// ```no_run
/// # use parlor::prelude::*;
/// # #[procedure] trait Chat { #[incoming] async fn say(&mut self, text: String); }
/// # struct Guest;
/// # impl Chat for Guest { async fn say(&mut self, text: String) {} }
/// # async fn run() -> std::io::Result<()> {
/// # async fn ctrl_c() {}
/// use std::net::SocketAddr;
///
/// let chat = ChatServer::new(|_socket: ChatSocket| async { Ok(Guest) });
/// let procedures = parlor::Router::new().procedure("/chat/wsChat", chat);
/// let app = axum::Router::new().nest_service("/api", procedures.clone());
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
///     .with_graceful_shutdown(async move {
///         ctrl_c().await;
///         procedures.shutdown().await;
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// With the feature `http2` of axum, a WebSocket may also be opened over HTTP/2 (RFC 8441). Browsers do this only
/// over TLS. In its shutdown axum waits for HTTP/2 connections, and these wait until each WebSocket on
/// them is closed: call [`shutdown`](Router::shutdown) before, as above. Another server on hyper must enable
/// the protocol, with `enable_connect_protocol`.
///
/// Layers around the router run first. Values that they add to the request's extensions are
/// returned by [`Request::get`]. [`Handshakes::max_request_size`] has no effect: the HTTP
/// server has its own limit. [`Handshakes::timeout`] is the timeout from the response to the upgraded
/// connection.
///
/// [`Handshakes::max_request_size`]: crate::server::Handshakes::max_request_size
/// [`Handshakes::timeout`]: crate::server::Handshakes::timeout
///
/// [`Request::peer_addr`] is axum's `ConnectInfo<SocketAddr>`, or `None` without it. If it is a loopback
/// address, the request must use a loopback name of this server, against DNS rebinding, unless
/// [`allow_hosts`](Router::allow_hosts) is set. Without `ConnectInfo` this is not checked.
impl<B> Service<http::Request<B>> for Router {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let mut request = copy_request(request.map(drop));
        let is_http2 = request.version() == Version::HTTP_2;
        if is_http2 {
            add_host(&mut request);
        }
        if is_extended_connect(&request) {
            into_handshake(&mut request);
        }
        let router = self.clone();
        async move {
            let mut response = router.respond(request, upgrade).await;
            if is_http2 {
                into_http2_response(&mut response);
            }
            Ok(response.map(Full::from))
        }
        .boxed()
    }
}

/// Without the peer no header of a proxy is read.
const NO_CONNECT_INFO: &str = "`Router::trusted_proxies` needs `into_make_service_with_connect_info`: without it clients have no address";

impl Router {
    async fn respond(
        self,
        request: http::Request<()>,
        upgrade: Option<OnUpgrade>,
    ) -> http::Response<Bytes> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let into_http = |error: ErrorResponse| {
            error.into_response(peer, &self.routes.warnings).map(Bytes::from)
        };
        self.routes.start_node();
        if let Err(error) = self.routes.check() {
            tracing::error!(%error, "the router is not served");
            let message = "the router of this server is misconfigured";
            return into_http(ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        let Some(permit) = self.routes.handshake_limit.try_acquire() else {
            let message = "too many handshakes are running";
            self.routes.warnings.log(MAX_CONCURRENT, message);
            return into_http(ErrorResponse::new(StatusCode::SERVICE_UNAVAILABLE, message));
        };
        if peer.is_none()
            && !self.routes.trusted_proxies.is_empty()
            && self.routes.warnings.allow(NO_CONNECT_INFO)
        {
            tracing::warn!("{NO_CONNECT_INFO}");
        }
        // A client with a loopback address is connected to a loopback address of the server.
        let local = peer.filter(|peer| peer.ip().to_canonical().is_loopback());
        let mut request = Request::new(request, peer);
        let Some(upgrade) = upgrade else {
            let error = upgrade_response(&mut request, local, &self.routes).err();
            return into_http(error.unwrap_or_else(upgrade_missing));
        };
        let pending = PendingUpgrade { upgrade, timeout: self.routes.handshakes.timeout };
        let sender = peer.map(|peer| peer.ip());
        match Upgrade::from_request(request, sender, local, &self.routes).await {
            Upgrade::ErrorResponse(error) => into_http(error),
            Upgrade::Rejected { response, close_frame } => {
                tokio::spawn(async move {
                    if let Some((transport, _)) = pending.finish().await {
                        write_and_close(transport, &close_frame).await;
                    }
                    drop(permit);
                });
                response.map(|()| Bytes::new())
            }
            Upgrade::Admitted { response, preamble, admission } => {
                tokio::spawn(async move {
                    start_session(pending, preamble, admission).await;
                    drop(permit);
                });
                response.map(|()| Bytes::new())
            }
        }
    }
}

async fn start_session(pending: PendingUpgrade, preamble: Vec<u8>, admission: Admission) {
    // Without a connection the session gets an empty stream, so that its own task ends it.
    let (transport, read) = pending
        .finish()
        .await
        .unwrap_or_else(|| (Transport::Other(Box::new(tokio::io::empty())), Vec::new()));
    admission.start(transport, preamble, read);
}

fn upgrade_missing() -> ErrorResponse {
    tracing::error!(
        "rejected: the request has no `OnUpgrade` extension; check the layers around the router"
    );
    let message = "the server cannot upgrade this connection";
    ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, message)
}

/// An upgrade that the HTTP server completes after it has sent the response.
struct PendingUpgrade {
    upgrade: OnUpgrade,
    timeout: Duration,
}

impl PendingUpgrade {
    /// Waits for the connection. Returns it with the bytes that were read after the request.
    async fn finish(self) -> Option<(Transport, Vec<u8>)> {
        match timeout(self.timeout, self.upgrade).await {
            Ok(Ok(upgraded)) => Some(into_transport(upgraded)),
            Ok(Err(error)) if error.is_user() => {
                tracing::error!(%error, "the HTTP server does not support upgrades");
                None
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the connection was not upgraded");
                None
            }
            Err(_) => {
                tracing::debug!("the upgrade took longer than `Handshakes::timeout`");
                None
            }
        }
    }
}

/// Unwraps the TCP stream of a connection of `hyper_util`, which axum uses, or of hyper. Other
/// streams stay as they are.
fn into_transport(upgraded: Upgraded) -> (Transport, Vec<u8>) {
    let (stream, read) = match auto::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => (parts.io, parts.read_buf),
        Err(upgraded) => match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (parts.io, parts.read_buf),
            Err(upgraded) => {
                return (Transport::Other(Box::new(TokioIo::new(upgraded))), Vec::new());
            }
        },
    };
    // A copy, because `read` keeps the large read buffer of the HTTP server.
    (stream.into_inner().into(), read.to_vec())
}
