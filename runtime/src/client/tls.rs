//! TLS for `wss://`, with the feature `rustls`.

use std::io;

#[cfg(feature = "rustls")]
use rustls::pki_types::ServerName;
use tokio_tungstenite::MaybeTlsStream;

use super::error::ConnectError;
use super::options::Options;
use crate::transport::Transport;

#[cfg(feature = "rustls")]
pub(super) type Connector = tokio_rustls::TlsConnector;
/// There is none.
#[cfg(not(feature = "rustls"))]
pub(super) type Connector = std::convert::Infallible;

/// The connector with the user's configuration, else with the default that [`rustls_config`] documents.
///
/// [`rustls_config`]: super::ClientBuilder::rustls_config
#[cfg(feature = "rustls")]
pub(super) fn connector(options: &Options) -> Result<Connector, ConnectError> {
    if let Some(config) = &options.rustls_config {
        return Ok(Connector::from(std::sync::Arc::clone(config)));
    }
    let config =
        crate::tls::default_config().map_err(|error| ConnectError::Tls(error.to_string()))?;
    Ok(Connector::from(config))
}

#[cfg(not(feature = "rustls"))]
pub(super) fn connector(_: &Options) -> Result<Connector, ConnectError> {
    Err(ConnectError::TlsDisabled)
}

/// Encrypts the connection to `host` if there is a connector.
#[cfg(feature = "rustls")]
pub(super) async fn secure(
    transport: Transport,
    host: &str,
    connector: Option<&Connector>,
) -> io::Result<MaybeTlsStream<Transport>> {
    let Some(connector) = connector else { return Ok(MaybeTlsStream::Plain(transport)) };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    connector.connect(name, transport).await.map(MaybeTlsStream::Rustls).map_err(explain)
}

#[cfg(not(feature = "rustls"))]
#[allow(clippy::unused_async, reason = "with `rustls` it is asynchronous")]
pub(super) async fn secure(
    transport: Transport,
    _: &str,
    _: Option<&Connector>,
) -> io::Result<MaybeTlsStream<Transport>> {
    Ok(MaybeTlsStream::Plain(transport))
}

/// Adds the likely cause to an error of TLS.
#[cfg(feature = "rustls")]
fn explain(error: io::Error) -> io::Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidMessage(_)) => {
            let hint = "the server does not answer with TLS: for a server without it, use ws://";
            io::Error::new(error.kind(), format!("{error}; {hint}"))
        }
        _ => error,
    }
}
