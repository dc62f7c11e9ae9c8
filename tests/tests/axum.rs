//! Procedures inside another HTTP server: axum's, and bare hyper.

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
use parlor::{CloseCode, DisconnectReason, Reject, Router};
use parlor_tests::{ProbeServer, ProbeSocket, Prober, Probing, Wire, probing, soon};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

const PARLOR: (&str, &str) = ("sec-websocket-protocol", "parlor.v1.json");

/// The procedures under `/api`, and a page beside them.
fn app(procedures: &Router) -> axum::Router {
    axum::Router::new().route("/", get(async || "a page")).nest_service("/api", procedures.clone())
}

/// Serves `app` on a free port, with the addresses of its clients.
async fn serve(app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

/// Says and hears something, and calls.
async fn converse(addr: SocketAddr, path: &str) {
    let mut ada = Wire::parlor(addr, path).await;
    let mut bob = Wire::parlor(addr, path).await;
    assert_eq!(ada.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 1, 1]));
    assert_eq!(bob.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 2, 1]));
    ada.emit("say", json!({"room": "a", "text": "hi"})).await;
    let said = bob.receive().await;
    assert_eq!((&said[0], &said[1]["text"]), (&json!("said"), &json!("hi")));
    // More than a transport takes at once.
    let answer = ada.call("fill", json!({"size": 500_000}), 2).await;
    assert_eq!(answer[1].as_str().map(str::len), Some(500_000));
}

#[tokio::test]
async fn sessions_and_a_page_share_a_port() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let addr = serve(app(&procedures)).await;
    converse(addr, "/api/probe").await;
    let mut plain = Wire::plain(addr, "/api/probe").await;
    plain.send(r#"["ping",null]"#).await;
    assert_eq!(plain.receive().await, json!(["pong", null]));

    let mut stream = TcpStream::connect(addr).await.expect("connected");
    let request = format!("GET / HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut page = String::new();
    soon("the page", stream.read_to_string(&mut page)).await.expect("read");
    assert!(page.ends_with("a page"), "{page}");
}

#[tokio::test]
async fn what_is_no_websocket_gets_the_status_that_says_why() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let addr = serve(app(&procedures)).await;
    for (request, status) in
        [("GET /api/nowhere", "404"), ("GET /api/probe", "426"), ("POST /api/probe", "405")]
    {
        let mut stream = TcpStream::connect(addr).await.expect("connected");
        let request = format!("{request} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        soon("the answer", stream.read_to_string(&mut answer)).await.expect("read");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
}

#[tokio::test]
async fn sessions_find_what_layers_put_into_the_request() {
    #[derive(Clone)]
    struct User(&'static str);

    async fn authenticate(mut request: HttpRequest, next: Next) -> axum::response::Response {
        if request.headers().contains_key("x-ada") {
            request.extensions_mut().insert(User("ada"));
        }
        next.run(request).await
    }

    let probing = Arc::new(probing());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let probing = Arc::clone(&probing);
        async move {
            let request = socket.request();
            let Some(User("ada")) = request.get() else {
                return Err(Reject::unauthorized("who are you?"));
            };
            assert!(request.peer_addr().is_some_and(|peer| peer.ip().is_loopback()));
            Ok(probing.session(socket))
        }
    });
    let procedures = Router::new().procedure("/probe", server);
    let addr = serve(app(&procedures).layer(from_fn(authenticate))).await;

    let ada = Wire::open(addr, "/api/probe", &[("x-ada", "1")]).await;
    assert!(ada.is_ok(), "{:?}", ada.err());
    // Plain clients read a status, browsers a close code.
    let refused = Wire::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::UNAUTHORIZED));
    let mut refused = Wire::open(addr, "/api/probe", &[PARLOR]).await.expect("accepted");
    let closed = refused.closed().await;
    assert_eq!((closed.code, &*closed.reason), (CloseCode::UNAUTHORIZED.0, "who are you?"));
}

#[tokio::test]
async fn other_names_and_origins_are_refused() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let addr = serve(app(&procedures)).await;
    for (name, value) in [("host", "rebound.example"), ("origin", "https://evil.example")] {
        let refused = Wire::open(addr, "/api/probe", &[(name, value)]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{name}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_sessions_and_waits_for_them() {
    let Probing { server, mut ended, .. } = probing();
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
    let mut wire = Wire::parlor(addr, "/api/probe").await;
    stop.send(()).expect("it runs");
    assert_eq!(wire.closed().await.code, CloseCode::RESTART.0);
    drop(wire);
    soon("the end", served).await.expect("no panic");
    assert_eq!(ended.try_recv(), Ok(DisconnectReason::ShutDown));
}

#[tokio::test]
async fn nobody_is_let_in_after_a_shutdown() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let addr = serve(app(&procedures)).await;
    procedures.shutdown().await;
    let refused = Wire::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test]
async fn procedures_that_cannot_be_mounted_serve_nobody() {
    let procedures =
        Router::new().procedure("/probe", probing().server).procedure("/probe", probing().server);
    let addr = serve(app(&procedures)).await;
    let refused = Wire::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::INTERNAL_SERVER_ERROR));
}

#[tokio::test]
async fn handshakes_have_a_bound() {
    let (go_on, wait) = (Arc::new(tokio::sync::Notify::new()), Arc::new(AtomicBool::new(false)));
    let (inner, waits) = (Arc::clone(&go_on), Arc::clone(&wait));
    let probing = Arc::new(probing());
    let server: ProbeServer<Prober> = ProbeServer::new(move |socket: ProbeSocket| {
        let (go_on, waits, probing) =
            (Arc::clone(&inner), Arc::clone(&waits), Arc::clone(&probing));
        async move {
            waits.store(true, Ordering::SeqCst);
            go_on.notified().await;
            Ok(probing.session(socket))
        }
    });
    let procedures = Router::new().procedure("/probe", server).max_handshakes(1);
    let addr = serve(app(&procedures)).await;
    let first = tokio::spawn(Wire::open(addr, "/api/probe", &[]));
    let waiting = async {
        while !wait.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    };
    soon("the first to be in the factory", waiting).await;
    let second = Wire::open(addr, "/api/probe", &[]).await;
    assert_eq!(second.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    go_on.notify_one();
    assert!(first.await.expect("no panic").is_ok());
    go_on.notify_one();
    assert!(Wire::open(addr, "/api/probe", &[]).await.is_ok(), "the bound is on those under way");
}

/// A listener whose connections are no TCP streams to whoever has them, and hold back what is not
/// flushed, as TLS does.
struct Buffered(TcpListener);

impl Listener for Buffered {
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
async fn a_transport_that_is_not_tcp_carries_sessions_too() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = app(&procedures);
    tokio::spawn(async move { axum::serve(Buffered(listener), app).await });
    converse(addr, "/api/probe").await;
}

#[tokio::test]
async fn plain_hyper_serves_procedures() {
    let procedures = Router::new().procedure("/probe", probing().server);
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
    converse(addr, "/probe").await;
}

/// What a session did at its beginning, its end can undo, even if the client never hears of it.
#[tokio::test]
async fn a_client_that_leaves_during_the_upgrade_is_a_session_that_ends() {
    // A layer that lets no upgrade happen: hyper hands over no connection after any other status.
    async fn spoil(request: HttpRequest, next: Next) -> axum::response::Response {
        let mut response = next.run(request).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert("connection", "close".parse().expect("a value"));
        response
    }

    let Probing { server, mut ended, .. } = probing();
    let procedures = Router::new().procedure("/probe", server);
    let addr = serve(app(&procedures).layer(from_fn(spoil))).await;
    let refused = Wire::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::OK));
    let reason = soon("`disconnected`", ended.recv()).await;
    assert!(matches!(reason, Some(DisconnectReason::ConnectionLost { .. })), "{reason:?}");
    soon("the end", procedures.shutdown()).await;
    assert!(ended.try_recv().is_err(), "it is told once");
}

/// Else each client that tries again would come and go for the others, and never get in.
#[tokio::test]
async fn no_session_begins_where_no_upgrade_can_happen() {
    async fn forget(mut request: HttpRequest, next: Next) -> axum::response::Response {
        request.extensions_mut().clear();
        next.run(request).await
    }

    let Probing { server, mut ended, .. } = probing();
    let procedures = Router::new().procedure("/probe", server);
    let addr = serve(app(&procedures).layer(from_fn(forget))).await;
    let refused = Wire::open(addr, "/api/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    soon("the end", procedures.shutdown()).await;
    assert!(ended.try_recv().is_err(), "none had begun");
}

/// A page elsewhere may make its name lead to this host, also where IPv4 comes in IPv6's clothes.
#[tokio::test]
async fn other_names_are_refused_to_loopback_clients_of_a_listener_of_both_ip_versions() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let Ok(listener) = TcpListener::bind("[::]:0").await else { return };
    let port = listener.local_addr().expect("an address").port();
    let app = app(&procedures).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let refused = Wire::open(addr, "/api/probe", &[("host", "rebound.example")]).await;
    assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
    assert!(Wire::open(addr, "/api/probe", &[]).await.is_ok());
}

/// Bytes that tell when nobody holds them any more.
struct Held(Vec<u8>, mpsc::UnboundedSender<()>);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// hyper reads a request into 8 KiB, to which its headers and path refer.
#[tokio::test]
async fn a_session_does_not_keep_the_buffer_that_its_request_was_read_into() {
    let (holders, mut forgotten) = mpsc::unbounded_channel();
    let own = from_fn(move |mut request: HttpRequest, next: Next| {
        let of = |text: String| Bytes::from_owner(Held(text.into(), holders.clone()));
        let path = of(request.uri().to_string());
        *request.uri_mut() = Uri::from_maybe_shared(path).expect("a path");
        let value = HeaderValue::from_maybe_shared(of("secret".to_owned())).expect("a value");
        request.headers_mut().insert("x-value", value);
        next.run(request)
    });
    let probing = Arc::new(probing());
    let server = ProbeServer::new(move |socket: ProbeSocket| {
        let probing = Arc::clone(&probing);
        async move {
            let request = socket.request();
            assert_eq!(request.headers()["x-value"], "secret");
            assert_eq!(request.uri(), "/probe?a=b");
            let asked = request.get::<OriginalUri>().map(|OriginalUri(uri)| uri.to_string());
            assert_eq!(asked.as_deref(), Some("/api/probe?a=b"));
            Ok(probing.session(socket))
        }
    });
    let procedures = Router::new().procedure("/probe", server);
    let outer = axum::Router::new().fallback_service(app(&procedures)).layer(own);
    let addr = serve(outer).await;
    let mut wire = Wire::parlor(addr, "/api/probe?a=b").await;
    assert_eq!(wire.call("add", json!({"a": 1, "b": 2}), 1).await, json!(["$ok", 3, 1]));
    for what in ["the path", "the header"] {
        soon(what, forgotten.recv()).await.expect("it is told");
    }
}

/// Two routers of one template have nothing in common but what was mounted before.
#[tokio::test]
async fn a_router_that_was_built_further_waits_for_its_own_sessions() {
    let template = Router::new().procedure("/both", probing().server).max_handshakes(1);
    let Probing { server, gate, .. } = probing();
    let one = template.clone().procedure("/one", server);
    let other = template.clone().procedure("/other", probing().server);
    let addr = serve(app(&one)).await;
    let mut wire = Wire::parlor(addr, "/api/one").await;
    let mut shared = Wire::parlor(addr, "/api/both").await;
    wire.send(r#"["wait",{},1]"#).await;
    wire.nothing_came().await;

    // It ends the session that it shares, and waits for no other.
    let leaving = async move {
        shared.closed().await;
        drop(shared);
    };
    soon("the end of the other", async { tokio::join!(other.shutdown(), leaving) }).await;
    gate.add_permits(1);
    assert_eq!(wire.receive().await, json!(["$ok", 0, 1]));
}

/// A transport that tells when its writing half was ended.
struct Ending(TcpStream, mpsc::UnboundedSender<()>);

impl AsyncRead for Ending {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Ending {
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

/// TLS says goodbye in its own words; without them it looks as if something had been cut off.
#[tokio::test]
async fn the_transport_is_ended_in_order_after_a_clients_goodbye() {
    let procedures = Router::new().procedure("/probe", probing().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let (ending, mut endings) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(procedures.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(Ending(stream, ending.clone())), service)
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    let mut wire = Wire::parlor(addr, "/probe").await;
    wire.send_message(Message::Close(None)).await;
    wire.closed().await;
    soon("the end of the transport", endings.recv()).await.expect("it is told");
}

/// What is read uses up the budget of the session's task before anything is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_sends_without_a_pause_gets_its_answers() {
    const PING: &[u8] = b"\x81\x8d\0\0\0\0[\"ping\",null]";
    const PONG: &[u8] = b"\x81\x0d[\"pong\",null]";
    let procedures = Router::new().procedure("/probe", probing().server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = app(&procedures);
    // A transport whose writes take part in the budget, as those of TLS do.
    tokio::spawn(async move { axum::serve(Buffered(listener), app).await });
    let wire = Wire::plain(addr, "/api/probe").await;
    let (mut input, mut output) = wire.0.into_inner().into_split();
    let flood = tokio::spawn(async move {
        let pings = PING.repeat(10_000);
        while output.write_all(&pings).await.is_ok() {}
    });
    let mut pongs = vec![0; 20_000 * PONG.len()];
    soon("the answers", input.read_exact(&mut pongs)).await.expect("not cut");
    assert!(pongs == PONG.repeat(20_000));
    flood.abort();
}
