//! Opens a WebSocket, over TLS for `wss://` with the feature `rustls`.

use std::io;

use http::Request;
use tokio_tungstenite::Connector;
#[cfg(not(feature = "rustls"))]
use tokio_tungstenite::MaybeTlsStream;
use tungstenite::handshake::client::Response;
use tungstenite::{Error, protocol::WebSocketConfig};

use super::error::ConnectError;
use super::options::Options;
use super::websocket::WebSocket;
use crate::transport::Transport;

/// The connector with the user's configuration, else with the default that [`rustls_config`] documents.
///
/// [`rustls_config`]: super::ClientBuilder::rustls_config
#[cfg(feature = "rustls")]
pub(super) fn connector(options: &Options) -> Result<Connector, ConnectError> {
    use std::sync::Arc;

    use rustls::crypto::{CryptoProvider, ring};
    use rustls::{ClientConfig, RootCertStore};

    if let Some(config) = &options.rustls_config {
        return Ok(Connector::Rustls(Arc::clone(config)));
    }
    let provider = CryptoProvider::get_default()
        .map_or_else(|| Arc::new(ring::default_provider()), Arc::clone);
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector::Rustls(Arc::new(config)))
}

#[cfg(not(feature = "rustls"))]
pub(super) fn connector(_: &Options) -> Result<Connector, ConnectError> {
    Err(ConnectError::TlsDisabled)
}

#[cfg(feature = "rustls")]
pub(super) async fn open(
    request: Request<()>,
    transport: Transport,
    config: WebSocketConfig,
    tls: Option<Connector>,
) -> Result<(WebSocket, Response), Error> {
    tokio_tungstenite::client_async_tls_with_config(request, transport, Some(config), tls).await
}

#[cfg(not(feature = "rustls"))]
pub(super) async fn open(
    request: Request<()>,
    transport: Transport,
    config: WebSocketConfig,
    _: Option<Connector>,
) -> Result<(WebSocket, Response), Error> {
    let plain = MaybeTlsStream::Plain(transport);
    tokio_tungstenite::client_async_with_config(request, plain, Some(config)).await
}

/// Adds the likely cause to an error of TLS.
#[cfg(feature = "rustls")]
pub(super) fn explain(error: io::Error) -> io::Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidMessage(_)) => {
            let hint = "the server does not answer with TLS: for a server without it, use ws://";
            io::Error::new(error.kind(), format!("{error}; {hint}"))
        }
        _ => error,
    }
}

#[cfg(not(feature = "rustls"))]
pub(super) fn explain(error: io::Error) -> io::Error {
    error
}
