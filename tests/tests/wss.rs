//! The client over TLS.

use std::sync::Arc;

use parlor::Router;
use parlor::client::ConnectError;
use parlor::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use parlor::rustls::{ClientConfig, RootCertStore, ServerConfig};
use parlor_tests::{ProbeClient, TestServer, probe_fixture, within_timeout};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A self-signed certificate for `localhost`.
const CERTIFICATE: &[u8] = include_bytes!("../tls/cert.der");
const KEY: &[u8] = include_bytes!("../tls/key.der");

/// Starts a TLS proxy in front of a server and returns its `wss://` URL.
async fn start_tls_proxy(running: &TestServer) -> String {
    let server = running.addr;
    let key = PrivatePkcs8KeyDer::from(KEY).into();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut tls) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(server).await.expect("the server listens");
                let _ = copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    format!("wss://localhost:{port}/probe")
}

#[tokio::test]
async fn call_over_tls_works_only_with_trusted_server() {
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let url = start_tls_proxy(&running).await;

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).expect("a certificate");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let builder = ProbeClient::builder(&url).rustls_config(Arc::new(config));
    let (probe, _events) =
        within_timeout("the connection", builder.connect()).await.expect("trusted");
    assert_eq!(probe.add(1, 2).await.expect("an answer"), 3);

    // By default only Mozilla's roots are trusted, and this certificate is not among them.
    let refused = within_timeout("the error", ProbeClient::connect(&url)).await.err();
    assert!(matches!(refused, Some(ConnectError::Unreachable { .. })), "{refused:?}");
}

#[tokio::test]
async fn server_without_tls_has_error_that_names_ws() {
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let url = running.url("/probe").replace("ws://", "wss://");
    let error = within_timeout("the error", ProbeClient::connect(&url)).await.err();
    let error = error.expect("no TLS").to_string();
    assert!(error.contains("use ws://"), "{error}");
}
