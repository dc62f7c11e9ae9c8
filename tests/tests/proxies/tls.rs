//! Clients that connect to a proxy over TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parlor::http::StatusCode;
use parlor::rustls::pki_types::{CertificateDer, ServerName};
use parlor::rustls::{ClientConfig, RootCertStore};
use parlor_tests::{RawClient, within_timeout};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A self-signed certificate for `localhost`.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../../tls/cert.der");
pub(crate) const KEY: &[u8] = include_bytes!("../../tls/key.der");

pub(crate) type RawTlsClient = RawClient<Box<TlsStream<TcpStream>>>;

/// Returns a configuration that trusts the certificate.
pub(crate) fn client_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).expect("a certificate");
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// An address of clients that differs from that of the proxy.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Connects to `path` with `headers`, from [`CLIENT`]. Returns the HTTP status if the handshake fails.
pub(crate) async fn open(
    proxy: SocketAddr,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<RawTlsClient, StatusCode> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((CLIENT, 0).into()).expect("a loopback address");
    let stream = socket.connect(proxy).await.expect("the proxy listens");
    let name = ServerName::try_from("localhost").expect("a name");
    let connected = Box::pin(TlsConnector::from(client_config()).connect(name, stream));
    let stream = within_timeout("the TLS handshake", connected).await.expect("trusted");
    RawClient::over(Box::new(stream), &format!("wss://localhost:{}{path}", proxy.port()), headers)
        .await
}
