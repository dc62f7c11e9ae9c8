//! Procedures inside axum and inside bare hyper.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Bytes;
use axum::extract::{OriginalUri, Request as HttpRequest};
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use axum::serve::Listener;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parlor::http::{HeaderValue, StatusCode, Uri};
use parlor::server::Handshakes;
use parlor::wire::CloseCode;
use parlor::{DisconnectReason, Reject, Router};
use parlor_tests::{
    ProbeFixture, ProbeServer, ProbeSession, ProbeSocket, RawClient, probe_fixture, within_timeout,
};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

const PARLOR: (&str, &str) = ("sec-websocket-protocol", "parlor.v1.json");

/// An app with the procedures under `/api` and a page at `/`.
fn app(procedures: &Router) -> axum::Router {
    axum::Router::new().route("/", get(async || "a page")).nest_service("/api", procedures.clone())
}

/// Serves `app` with connect info on a free port.
async fn serve(app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

/// Sends events and calls between two clients.
async fn exchange_messages(addr: SocketAddr, path: &str) {
    let mut ada = RawClient::parlor(addr, path).await;
    let mut bob = RawClient::parlor(addr, path).await;
    assert_eq!(ada.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 1, 1]));
    assert_eq!(bob.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 2, 1]));
    ada.emit("say", json!({"room": "a", "text": "hi"})).await;
    let said = bob.receive().await;
    assert_eq!((&said[0], &said[1]["text"]), (&json!("said"), &json!("hi")));
    // More than one write to the socket takes.
    let answer = ada.call("fill", json!({"size": 500_000}), 2).await;
    assert_eq!(answer[1].as_str().map(str::len), Some(500_000));
}

#[tokio::test]
async fn procedures_and_page_share_one_port() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let addr = serve(app(&procedures)).await;
    exchange_messages(addr, "/api/probe").await;
    let mut plain = RawClient::plain(addr, "/api/probe").await;
    plain.send(r#"["ping",null]"#).await;
    assert_eq!(plain.receive().await, json!(["pong", null]));

    let mut stream = TcpStream::connect(addr).await.expect("connected");
    let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut page = String::new();
    within_timeout("the page", stream.read_to_string(&mut page)).await.expect("read");
    assert!(page.ends_with("a page"), "{page}");
}

#[tokio::test]
async fn request_without_upgrade_gets_matching_http_status() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let addr = serve(app(&procedures)).await;
    for (request, status) in
        [("GET /api/nowhere", "404"), ("GET /api/probe", "426"), ("POST /api/probe", "405")]
    {
        let mut stream = TcpStream::connect(addr).await.expect("connected");
        let request = format!("{request} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        within_timeout("the answer", stream.read_to_string(&mut answer)).await.expect("read");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
}

#[tokio::test]
async fn extension_set_by_axum_layer_is_visible_to_factory() {
    #[derive(Clone)]
    struct User(&'static str);

    async fn authenticate(mut request: HttpRequest, next: Next) -> axum::response::Response {
        if request.headers().contains_key("x-ada") {
            request.extensions_mut().insert(User("ada"));
        }
        next.run(request).await
    }

    let fixture = Arc::new(probe_fixture());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let fixture = Arc::clone(&fixture);
        async move {
            let request = socket.request();
            let Some(User("ada")) = request.get() else {
                return Err(Reject::unauthorized("unknown user"));
            };
            assert!(request.peer_addr().is_some_and(|peer| peer.ip().is_loopback()));
            Ok(fixture.session(socket))
        }
    });
    let procedures = Router::new().procedure("/probe", server);
    let addr = serve(app(&procedures).layer(from_fn(authenticate))).await;

    let ada = RawClient::open(addr, "/api/probe", &[("x-ada", "1")]).await;
    assert!(ada.is_ok(), "{:?}", ada.err());
    // Plain clients get an HTTP status, Parlor clients a close code.
    let refused = RawClient::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::UNAUTHORIZED));
    let mut refused = RawClient::open(addr, "/api/probe", &[PARLOR]).await.expect("accepted");
    let closed = refused.closed().await;
    assert_eq!((closed.code, &*closed.reason), (CloseCode::UNAUTHORIZED.0, "unknown user"));
}

#[tokio::test]
async fn foreign_host_or_origin_is_rejected_with_403() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let addr = serve(app(&procedures)).await;
    for (name, value) in [("host", "rebound.example"), ("origin", "https://evil.example")] {
        let refused = RawClient::open(addr, "/api/probe", &[(name, value)]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{name}");
    }
}

#[tokio::test]
async fn router_shutdown_ends_sessions_and_waits_for_them() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let procedures = Router::new().procedure("/probe", server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn({
        let (app, procedures) = (app(&procedures), procedures.clone());
        async move {
            let stopped = async { drop(stopped.await) };
            axum::serve(listener, app).with_graceful_shutdown(stopped).await.expect("served");
            procedures.shutdown().await;
        }
    });
    let mut client = RawClient::parlor(addr, "/api/probe").await;
    stop.send(()).expect("it runs");
    assert_eq!(client.closed().await.code, CloseCode::RESTART.0);
    drop(client);
    within_timeout("the end", served).await.expect("no panic");
    assert_eq!(ended.try_recv(), Ok(DisconnectReason::ShutDown));
}

#[tokio::test]
async fn connection_after_shutdown_is_rejected_with_503() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let addr = serve(app(&procedures)).await;
    procedures.shutdown().await;
    let refused = RawClient::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn path_mounted_twice_rejects_every_connection_with_500() {
    let procedures = Router::new()
        .procedure("/probe", probe_fixture().server)
        .procedure("/probe", probe_fixture().server);
    let addr = serve(app(&procedures)).await;
    let refused = RawClient::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::INTERNAL_SERVER_ERROR));
}

#[tokio::test]
async fn handshake_over_max_concurrent_is_rejected_with_503() {
    let (go_on, wait) = (Arc::new(tokio::sync::Notify::new()), Arc::new(AtomicBool::new(false)));
    let (inner, waits) = (Arc::clone(&go_on), Arc::clone(&wait));
    let fixture = Arc::new(probe_fixture());
    let server: ProbeServer<ProbeSession> = ProbeServer::new(move |socket: ProbeSocket| {
        let (go_on, waits, fixture) =
            (Arc::clone(&inner), Arc::clone(&waits), Arc::clone(&fixture));
        async move {
            waits.store(true, Ordering::SeqCst);
            go_on.notified().await;
            Ok(fixture.session(socket))
        }
    });
    let handshakes = Handshakes { max_concurrent: 1, ..Handshakes::default() };
    let procedures = Router::new().procedure("/probe", server).handshakes(handshakes);
    let addr = serve(app(&procedures)).await;
    let first = tokio::spawn(RawClient::open(addr, "/api/probe", &[]));
    let waiting = async {
        while !wait.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    };
    within_timeout("the first to be in the factory", waiting).await;
    let second = RawClient::open(addr, "/api/probe", &[]).await;
    assert_eq!(second.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    go_on.notify_one();
    assert!(first.await.expect("no panic").is_ok());
    go_on.notify_one();
    assert!(
        RawClient::open(addr, "/api/probe", &[]).await.is_ok(),
        "the limit counts only handshakes in progress"
    );
}

/// A listener whose connections are not `TcpStream` and buffer writes until they are flushed, as
/// TLS does.
struct BufferedListener(TcpListener);

impl Listener for BufferedListener {
    type Io = BufStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        (BufStream::new(stream), addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[tokio::test]
async fn session_works_over_buffered_transport() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = app(&procedures);
    tokio::spawn(async move { axum::serve(BufferedListener(listener), app).await });
    exchange_messages(addr, "/api/probe").await;
}

#[tokio::test]
async fn session_works_with_bare_hyper() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(procedures.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    exchange_messages(addr, "/probe").await;
}

/// `disconnected` must run for each session, so that it can undo what the factory did.
#[tokio::test]
async fn failed_upgrade_runs_disconnected_once() {
    // This layer prevents the upgrade: hyper upgrades only after the status 101.
    async fn change_status(request: HttpRequest, next: Next) -> axum::response::Response {
        let mut response = next.run(request).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert("connection", "close".parse().expect("a value"));
        response
    }

    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let procedures = Router::new().procedure("/probe", server);
    let addr = serve(app(&procedures).layer(from_fn(change_status))).await;
    let refused = RawClient::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::OK));
    let reason = within_timeout("`disconnected`", ended.recv()).await;
    assert!(matches!(reason, Some(DisconnectReason::ConnectionLost { .. })), "{reason:?}");
    within_timeout("the end", procedures.shutdown()).await;
    assert!(ended.try_recv().is_err(), "it ran twice");
}

/// Otherwise each repeated attempt would start and end a session that other clients see.
#[tokio::test]
async fn request_without_upgrade_extension_starts_no_session() {
    async fn clear_extensions(mut request: HttpRequest, next: Next) -> axum::response::Response {
        request.extensions_mut().clear();
        next.run(request).await
    }

    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let procedures = Router::new().procedure("/probe", server);
    let addr = serve(app(&procedures).layer(from_fn(clear_extensions))).await;
    let refused = RawClient::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    within_timeout("the end", procedures.shutdown()).await;
    assert!(ended.try_recv().is_err(), "a session started");
}

/// DNS rebinding can also reach a dual-stack listener, where an IPv4 peer has an IPv4-mapped
/// address.
#[tokio::test]
async fn foreign_host_on_dual_stack_listener_is_rejected_for_loopback_client() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let Ok(listener) = TcpListener::bind("[::]:0").await else { return };
    let port = listener.local_addr().expect("an address").port();
    let app = app(&procedures).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let refused = RawClient::open(addr, "/api/probe", &[("host", "rebound.example")]).await;
    assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
    assert!(RawClient::open(addr, "/api/probe", &[]).await.is_ok());
}

/// Bytes that report when they are dropped.
struct ReportsDrop(Vec<u8>, mpsc::UnboundedSender<()>);

impl Drop for ReportsDrop {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

impl AsRef<[u8]> for ReportsDrop {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// hyper reads a request into a buffer of 8 KiB, which its headers and path refer to.
#[tokio::test]
async fn session_releases_buffer_of_its_http_request() {
    let (drops, mut dropped) = mpsc::unbounded_channel();
    let own = from_fn(move |mut request: HttpRequest, next: Next| {
        let of = |text: String| Bytes::from_owner(ReportsDrop(text.into(), drops.clone()));
        let path = of(request.uri().to_string());
        *request.uri_mut() = Uri::from_maybe_shared(path).expect("a path");
        let value = HeaderValue::from_maybe_shared(of("secret".to_owned())).expect("a value");
        request.headers_mut().insert("x-value", value);
        next.run(request)
    });
    let fixture = Arc::new(probe_fixture());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let fixture = Arc::clone(&fixture);
        async move {
            let request = socket.request();
            assert_eq!(request.headers()["x-value"], "secret");
            assert_eq!(request.uri(), "/probe?a=b");
            let asked = request.get::<OriginalUri>().map(|OriginalUri(uri)| uri.to_string());
            assert_eq!(asked.as_deref(), Some("/api/probe?a=b"));
            Ok(fixture.session(socket))
        }
    });
    let procedures = Router::new().procedure("/probe", server);
    let outer = axum::Router::new().fallback_service(app(&procedures)).layer(own);
    let addr = serve(outer).await;
    let mut client = RawClient::parlor(addr, "/api/probe?a=b").await;
    assert_eq!(client.call("add", json!({"a": 1, "b": 2}), 1).await, json!(["$ok", 3, 1]));
    for what in ["the path", "the header"] {
        within_timeout(what, dropped.recv()).await.expect("a report");
    }
}

/// Routers cloned from one template share only the procedures that were added before the clone.
#[tokio::test]
async fn shutdown_of_cloned_router_waits_only_for_its_own_sessions() {
    let handshakes = Handshakes { max_concurrent: 1, ..Handshakes::default() };
    let template = Router::new().procedure("/both", probe_fixture().server).handshakes(handshakes);
    let ProbeFixture { server, gate, .. } = probe_fixture();
    let one = template.clone().procedure("/one", server);
    let other = template.clone().procedure("/other", probe_fixture().server);
    let addr = serve(app(&one)).await;
    let mut client = RawClient::parlor(addr, "/api/one").await;
    let mut shared = RawClient::parlor(addr, "/api/both").await;
    client.send(r#"["wait",{},1]"#).await;
    client.assert_nothing_received().await;

    // It ends the session of the shared procedure and waits for no other.
    let leaving = async move {
        shared.closed().await;
        drop(shared);
    };
    within_timeout("the end of the other", async { tokio::join!(other.shutdown(), leaving) }).await;
    gate.add_permits(1);
    assert_eq!(client.receive().await, json!(["$ok", 0, 1]));
}

/// A transport that reports its shutdown.
struct ReportsShutdown(TcpStream, mpsc::UnboundedSender<()>);

impl AsyncRead for ReportsShutdown {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ReportsShutdown {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = self.1.send(());
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// TLS sends `close_notify` on shutdown. Without it, the peer sees a truncated stream.
#[tokio::test]
async fn client_close_frame_shuts_transport_down() {
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let (shutdowns, mut reports) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(procedures.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(ReportsShutdown(stream, shutdowns.clone())), service)
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    let mut client = RawClient::parlor(addr, "/probe").await;
    client.send_message(Message::Close(None)).await;
    client.closed().await;
    within_timeout("the end of the transport", reports.recv()).await.expect("a report");
}

/// Reading uses up the budget of the session's task before anything is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_sends_without_pause_receives_its_answers() {
    const PING: &[u8] = b"\x81\x8d\0\0\0\0[\"ping\",null]";
    const PONG: &[u8] = b"\x81\x0d[\"pong\",null]";
    let procedures = Router::new().procedure("/probe", probe_fixture().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = app(&procedures);
    // The writes of this transport consume budget, as those of TLS do.
    tokio::spawn(async move { axum::serve(BufferedListener(listener), app).await });
    let client = RawClient::plain(addr, "/api/probe").await;
    let (mut input, mut output) = client.0.into_inner().into_split();
    let flood = tokio::spawn(async move {
        let pings = PING.repeat(10_000);
        while output.write_all(&pings).await.is_ok() {}
    });
    let mut pongs = vec![0; 20_000 * PONG.len()];
    within_timeout("the answers", input.read_exact(&mut pongs)).await.expect("not closed");
    assert!(pongs == PONG.repeat(20_000));
    flood.abort();
}
