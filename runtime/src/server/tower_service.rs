//! A router inside another HTTP server: axum's, or any other on hyper.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http_body_util::Full;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade as auto;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::Router;
use super::admission::Admission;
use super::compact::compact;
use super::error_response::ErrorResponse;
use super::upgrade::{Upgrade, accept};
use super::write_and_close::write_and_close;
use crate::request::Request;
use crate::transport::Transport;

/// Serves requests that another HTTP server has read: with the feature `axum`.
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
///     .with_graceful_shutdown(ctrl_c())
///     .await?;
/// procedures.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// Layers around it see the requests first; what they put into the request's extensions, sessions
/// find with [`Request::get`]. Of the settings, [`max_request_size`](Router::max_request_size) is the
/// HTTP server's affair here, and [`handshake_timeout`](Router::handshake_timeout) bounds the time
/// from our answer to the upgraded connection.
///
/// With axum's `ConnectInfo<SocketAddr>`, sessions know the address of their client, and one on a
/// loopback address may use loopback names of this server only, against DNS rebinding, unless
/// [`allow_hosts`](Router::allow_hosts) says more. Without it neither is known.
impl<B> Service<http::Request<B>> for Router {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let request = compact(request.map(drop));
        let router = self.clone();
        async move { Ok(router.answer(request, upgrade).await.map(Full::from)) }.boxed()
    }
}

impl Router {
    async fn answer(
        self,
        request: http::Request<()>,
        upgrade: Option<OnUpgrade>,
    ) -> http::Response<Bytes> {
        if let Err(error) = self.check() {
            tracing::error!(%error, "nothing is served");
            let message = "the server's procedures are not mounted rightly";
            return refuse(ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        let Some(under_way) = self.shared.handshakes.begin() else {
            tracing::warn!("refused: too many handshakes are under way");
            let message = "too many handshakes are under way";
            return refuse(ErrorResponse::new(StatusCode::SERVICE_UNAVAILABLE, message));
        };
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let request = Request::new(request, peer);
        let Some(upgrade) = upgrade else {
            return refuse(accept(&request, &self).err().unwrap_or_else(cannot_upgrade));
        };
        // Who comes from a loopback address has come to one.
        let local = peer.filter(|peer| peer.ip().to_canonical().is_loopback());
        let upgrading = Upgrading { upgrade, bound: self.shared.handshake_timeout };
        match Upgrade::decide(request, local, &self).await {
            Upgrade::Refuse(error_response) => refuse(error_response),
            Upgrade::Close { response, close_frame } => {
                tokio::spawn(async move {
                    if let Some((transport, _)) = upgrading.finish().await {
                        write_and_close(transport, &close_frame).await;
                    }
                    drop(under_way);
                });
                response.map(|()| Bytes::new())
            }
            Upgrade::Open { response, preamble, admission } => {
                tokio::spawn(async move {
                    open(upgrading, preamble, admission).await;
                    drop(under_way);
                });
                response.map(|()| Bytes::new())
            }
        }
    }
}

async fn open(upgrading: Upgrading, preamble: Vec<u8>, admission: Admission) {
    // A session that was begun is ended by its own task, although the client has gone meanwhile.
    let (transport, read) = upgrading
        .finish()
        .await
        .unwrap_or_else(|| (Transport::Other(Box::new(tokio::io::empty())), Vec::new()));
    admission.start(transport, preamble, read);
}

/// The error_response of a WebSocket that could never be opened: for nobody a session begins.
fn cannot_upgrade() -> ErrorResponse {
    tracing::error!("refused: the HTTP server, or a layer, has left no upgrade in the request");
    ErrorResponse::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the server cannot upgrade this connection",
    )
}

fn refuse(error_response: ErrorResponse) -> http::Response<Bytes> {
    error_response.into_response().map(Bytes::from)
}

/// A connection that its HTTP server is about to hand over.
struct Upgrading {
    upgrade: OnUpgrade,
    bound: std::time::Duration,
}

impl Upgrading {
    /// The connection, and what was read from it already.
    async fn finish(self) -> Option<(Transport, Vec<u8>)> {
        match timeout(self.bound, self.upgrade).await {
            Ok(Ok(upgraded)) => Some(take_apart(upgraded)),
            Ok(Err(error)) if error.is_user() => {
                tracing::error!(%error, "the HTTP server hands no connection over");
                None
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the connection was not upgraded");
                None
            }
            Err(_) => {
                tracing::debug!("the upgrade took too long");
                None
            }
        }
    }
}

/// Takes the TCP connection out of what its HTTP server has wrapped around it: `hyper_util`'s, which
/// is axum's, or hyper's own. What is none stays as it is.
fn take_apart(upgraded: Upgraded) -> (Transport, Vec<u8>) {
    let (stream, read) = match auto::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => (parts.io, parts.read_buf),
        Err(upgraded) => match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (parts.io, parts.read_buf),
            Err(upgraded) => {
                return (Transport::Other(Box::new(TokioIo::new(upgraded))), Vec::new());
            }
        },
    };
    // Copied, little as it is: it lies in the large buffer of its HTTP server.
    (stream.into_inner().into(), read.to_vec())
}
