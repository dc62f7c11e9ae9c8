//! Redis with TLS.

use std::fs;
use std::sync::Arc;

use data_encoding::BASE64;
use parlor::backplane::ConnectError;
use parlor::rustls::pki_types::CertificateDer;
use parlor::rustls::{ClientConfig, RootCertStore};
use parlor_tests::free_addr;
use tokio::net::TcpListener;

use super::refused::{refused, time_of_silent_check};
use super::*;

/// A self-signed certificate for `localhost`.
const CERTIFICATE: &[u8] = include_bytes!("../../tls/cert.der");
const KEY: &[u8] = include_bytes!("../../tls/key.der");

/// Starts Redis, and returns it with its second port, which requires TLS.
async fn start(require_client_certificate: &str) -> Option<(Broker, u16)> {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let port = free_addr().port();
    let pem = |name: &str, label: &str, der: &[u8]| {
        let path = folder.join(format!("{name}-{port}.pem"));
        let text = BASE64.encode(der);
        fs::write(&path, format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"))
            .expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let certificate = pem("cert", "CERTIFICATE", CERTIFICATE);
    let key = pem("key", "PRIVATE KEY", KEY);
    let options = [
        format!("tls-port {port}"),
        format!("tls-cert-file {certificate}"),
        format!("tls-key-file {key}"),
        format!("tls-ca-cert-file {certificate}"),
        format!("tls-auth-clients {require_client_certificate}"),
    ];
    let broker = Broker::redis(&options.each_ref().map(String::as_str)).await?;
    Some((broker, port))
}

fn url(port: u16) -> String {
    format!("rediss://localhost:{port}")
}

fn trusting() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).expect("a certificate");
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test]
async fn tls_works_only_with_trusted_server() {
    let Some((_broker, port)) = start("no").await else { return };
    let topic = Topic::new("parlor:r:a");
    let redis = Redis::connect_with_rustls(url(port), trusting()).await.expect("trusted");
    let mut node = Node::link(&redis).await;
    node.subscribe(std::slice::from_ref(&topic)).await;
    node.publish(&[parcel(&topic, "a")]).await;
    assert_eq!(node.receive(1).await, [b"a".to_vec()]);

    let error = refused(&url(port)).await;
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("localhost:{port}")), "{error}");
}

#[tokio::test]
async fn missing_client_certificate_is_named() {
    let Some((_broker, port)) = start("yes").await else { return };
    let error = Redis::connect_with_rustls(url(port), trusting()).await.err();
    let Some(ConnectError::Tls { reason, .. }) = error else { panic!("{error:?}") };
    assert!(reason.contains("requires a client certificate"), "{reason}");
}

#[tokio::test]
async fn each_side_without_tls_is_named() {
    let Some((plain, port)) = start("no").await else { return };
    // Redis closes the connection, as a proxy does whose server is not there.
    let redis = Redis::connect(format!("redis://localhost:{port}")).await.expect("no error");
    let (inbox, _deliveries) = Inbox::channel();
    let error = within_timeout("an error", redis.connect(inbox)).await.err();
    let error = error.expect("no link").to_string();
    assert!(error.contains("for a server with TLS, use `rediss://`"), "{error}");

    let error = refused(&format!("rediss://user:secret@localhost:{}", plain.addr().port())).await;
    let ConnectError::Tls { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("use `redis://`"), "{reason}");

    let error = Redis::connect_with_rustls(plain.url(), trusting()).await.err();
    assert!(matches!(error, Some(ConnectError::Tls { .. })), "{error:?}");
}

#[tokio::test]
async fn silent_server_with_tls_is_no_error_after_2_5_s() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let connect = Redis::connect_with_rustls(format!("rediss://127.0.0.1:{port}"), trusting());
    let time = time_of_silent_check(connect, listener).await.as_millis();
    // Most of it is that of the paused clock.
    assert!((2500..2600).contains(&time), "{time} ms");
}
