//! A server of HTTP/2 over TLS for the tests in browsers: a page at `/`, and the probe at `/probe`. It prints the
//! version, method and path of each request.
//!
//! ```sh
//! cargo run --package parlor-tests --features rustls --bin http2 -- --addr 127.0.0.1:0
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, Response};
use axum::routing::get;
use axum::serve::Listener;
use parlor::Router;
use parlor::rustls::ServerConfig;
use parlor::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use parlor_tests::probe_fixture;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A self-signed certificate for `localhost` and 127.0.0.1.
const CERTIFICATE: &[u8] = include_bytes!("../../tls/cert.der");
const KEY: &[u8] = include_bytes!("../../tls/key.der");

/// Accepts TLS connections that use HTTP/2.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, addr) = Listener::accept(&mut self.listener).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, addr);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[tokio::main]
async fn main() {
    let addr = std::env::args().nth(2).expect("usage: http2 --addr ADDRESS");
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(CERTIFICATE)],
            PrivatePkcs8KeyDer::from(KEY).into(),
        )
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind(addr).await.expect("the address is free");
    println!("https://{}", listener.local_addr().expect("an address"));
    let listener = TlsListener { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
    let app = axum::Router::new()
        .route("/", get(async || Html("<!doctype html><link rel=icon href=data:,>")))
        .fallback_service(Router::new().procedure("/probe", probe_fixture().server))
        .layer(from_fn(print_request));
    axum::serve(listener, app).await.expect("served");
}

async fn print_request(request: Request, next: Next) -> Response {
    println!("{:?} {} {}", request.version(), request.method(), request.uri().path());
    next.run(request).await
}
