//! Checks before a session starts, and the responses to rejected clients.

use std::time::Duration;

use parlor::http::StatusCode;
use parlor::server::{Handshakes, Limits};
use parlor::wire::CloseCode;
use parlor::{Reject, Request, Router};
use parlor_tests::{
    ProbeServer, ProbeSession, ProbeSocket, RawClient, TestServer, probe_fixture, within_timeout,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const PARLOR: (&str, &str) = ("sec-websocket-protocol", "parlor.v1.json");

async fn running() -> TestServer {
    TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await
}

/// Sends bytes and returns the whole response.
async fn raw(running: &TestServer, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.addr).await.expect("connected");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = String::new();
    // The server may reset the connection after its response.
    let _ = within_timeout("the answer", stream.read_to_string(&mut answer)).await;
    answer
}

#[tokio::test]
async fn invalid_upgrade_request_gets_matching_http_status() {
    let running = running().await;
    let upgrade = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), "404"),
        ("GET /probe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), "426"),
        ("POST /probe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), "405"),
        (format!("GET /probe HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n\r\n"), "400"),
        (format!("GET /probe HTTP/1.1\r\n{upgrade}{key}Sec-WebSocket-Version: 8\r\n\r\n"), "426"),
        ("GARBAGE\r\n\r\n".to_owned(), "400"),
        (format!("GET /probe HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200)), "431"),
    ] {
        let answer = raw(&running, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    let client = RawClient::open(running.addr, "/nowhere", &[]).await;
    assert_eq!(client.err(), Some(StatusCode::NOT_FOUND));
    // A Parlor client in a browser cannot read a 404.
    let mut client = RawClient::open(running.addr, "/nowhere", &[PARLOR]).await.expect("accepted");
    assert_eq!(client.closed().await.code, CloseCode::NOT_FOUND.0);
}

#[tokio::test]
async fn headers_over_size_limit_are_rejected() {
    let running = running().await;
    let endless = format!("GET /probe HTTP/1.1\r\nX: {}", "y".repeat(64 << 10));
    let answer = raw(&running, endless.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
}

/// Without compression, a message cannot grow after its size was checked.
#[tokio::test]
async fn compression_offer_is_not_accepted() {
    let running = running().await;
    let mut request =
        format!("ws://{}/probe", running.addr).into_client_request().expect("a request");
    let offer = "permessage-deflate; client_max_window_bits".parse().expect("a header");
    request.headers_mut().insert("sec-websocket-extensions", offer);
    let stream = TcpStream::connect(running.addr).await.expect("connected");
    let (_, response) =
        within_timeout("the handshake", client_async(request, stream)).await.expect("accepted");
    assert_eq!(response.headers().get("sec-websocket-extensions"), None);
}

#[tokio::test]
async fn stalled_handshake_is_closed_after_handshake_timeout() {
    let timeout = Duration::from_millis(50);
    let router = Router::new()
        .procedure("/probe", probe_fixture().server)
        .handshakes(Handshakes { timeout, ..Handshakes::default() });
    let running = TestServer::start(router).await;
    assert_eq!(raw(&running, b"GET /probe HT").await, "");
}

#[tokio::test]
async fn connection_over_max_concurrent_handshakes_is_dropped() {
    let router = Router::new()
        .procedure("/probe", probe_fixture().server)
        .handshakes(Handshakes { max_concurrent: 1, ..Handshakes::default() });
    let running = TestServer::start(router).await;
    let mut first = TcpStream::connect(running.addr).await.expect("connected");
    first.write_all(b"GET /probe HT").await.expect("sent");
    assert_eq!(raw(&running, b"").await, "", "the second is dropped");
}

#[tokio::test]
async fn foreign_origin_or_host_is_rejected() {
    let router = Router::new()
        .procedure("/probe", probe_fixture().server)
        .allow_origins(["https://app.example"]);
    let running = TestServer::start(router).await;
    let own = format!("http://{}", running.addr);
    for origin in ["https://app.example", own.as_str()] {
        assert!(
            RawClient::open(running.addr, "/probe", &[("origin", origin)]).await.is_ok(),
            "{origin}"
        );
    }
    for headers in [
        ("origin", "null"),
        ("origin", "https://evil.example"),
        ("origin", "http://app.example"),
        ("host", "rebound.example"),
    ] {
        let refused = RawClient::open(running.addr, "/probe", &[headers]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{headers:?}");
        let accepted = RawClient::open(running.addr, "/probe", &[headers, PARLOR]).await;
        let closed = accepted.expect("accepted").closed().await;
        assert_eq!(closed.code, CloseCode::ORIGIN.0, "{headers:?}");
    }
}

#[derive(Clone)]
struct User(String);

/// Middleware that rejects requests without a token and stores the user of the others.
async fn authenticate(mut request: Request) -> Result<Request, Reject> {
    let token = request.bearer_token().ok_or(Reject::unauthorized("a token is needed"))?;
    request.extensions_mut().insert(User(token));
    Ok(request)
}

/// Middleware that runs after [`authenticate`].
async fn reject_eve(request: Request) -> Result<Request, Reject> {
    match request.get::<User>() {
        Some(User(name)) if name == "eve" => Err(Reject::forbidden("eve is not allowed")),
        Some(_) => Ok(request),
        None => Err(Reject::new(StatusCode::IM_A_TEAPOT, 4042, "the order is wrong")),
    }
}

#[tokio::test]
async fn middleware_runs_in_order_and_rejects() {
    let server = probe_fixture().server.middleware(reject_eve);
    let router = Router::new().middleware(authenticate).procedure("/probe", server);
    let running = TestServer::start(router).await;

    for (headers, status, code) in
        [(vec![], 401, 4501), (vec![("authorization", "Bearer eve")], 403, 4505)]
    {
        let refused = RawClient::open(running.addr, "/probe", &headers).await;
        assert_eq!(refused.err().map(|status| status.as_u16()), Some(status));
        let headers = [headers, vec![PARLOR]].concat();
        let mut accepted =
            RawClient::open(running.addr, "/probe", &headers).await.expect("accepted");
        assert_eq!(accepted.closed().await.code, code);
    }
    let headers = [("authorization", "Bearer ada")];
    assert!(RawClient::open(running.addr, "/probe", &headers).await.is_ok());
    let offered = [("sec-websocket-protocol", "parlor.v1.json, parlor.bearer.YWRh")];
    let mut browser = RawClient::open(running.addr, "/probe", &offered).await.expect("accepted");
    assert_eq!(browser.receive().await[0], "$welcome");
}

#[tokio::test]
async fn rejecting_factory_leaves_rooms_and_sends_nothing() {
    let inner = probe_fixture().server;
    let io = inner.io();
    let server: ProbeServer<ProbeSession> = ProbeServer::new(|socket: ProbeSocket| async move {
        socket.join("lobby")?;
        socket.emit().said("lobby", "hello", "server");
        Err(Reject::try_later("retry later"))
    });
    let refusing = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let refused = RawClient::open(running.addr, "/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let mut accepted = RawClient::open(running.addr, "/probe", &[PARLOR]).await.expect("accepted");
    assert_eq!(accepted.next().await.map_err(|closed| closed.code), Err(4003));
    assert_eq!(refusing.members("lobby").await.len(), 0);
    assert_eq!(refusing.connections() + io.connections(), 0);
}

#[tokio::test]
async fn emit_in_factory_arrives_after_welcome() {
    let server: ProbeServer<ProbeSession> = ProbeServer::new(|socket: ProbeSocket| {
        let prober = probe_fixture().session(socket.clone());
        async move {
            socket.emit().said("lobby", "hello", "server");
            Ok(prober)
        }
    });
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut client = RawClient::connect_before_welcome(running.addr, "/probe").await;
    let welcome = client.receive().await;
    assert_eq!(welcome[0], "$welcome");
    assert_eq!(welcome[1]["recovered"], false);
    assert_eq!(welcome[1]["heartbeat"], 30_000);
    assert_eq!(welcome[1]["maxMessage"], 64 << 10);
    assert_eq!(client.receive().await[1]["text"], "hello");
}

#[tokio::test]
async fn panicking_factory_rejects_only_its_own_connection() {
    let server: ProbeServer<ProbeSession> =
        ProbeServer::new(|_socket: ProbeSocket| async move { panic!("on purpose") });
    let router =
        Router::new().procedure("/panics", server).procedure("/probe", probe_fixture().server);
    let running = TestServer::start(router).await;
    let refused = RawClient::open(running.addr, "/panics", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    let mut other = RawClient::parlor(running.addr, "/probe").await;
    assert_eq!(other.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn connection_over_max_connections_is_rejected() {
    let server =
        probe_fixture().server.limits(Limits { max_connections: Some(1), ..Limits::default() });
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let _first = RawClient::parlor(running.addr, "/probe").await;
    let refused = RawClient::open(running.addr, "/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let mut accepted = RawClient::open(running.addr, "/probe", &[PARLOR]).await.expect("accepted");
    assert_eq!(accepted.closed().await.code, CloseCode::TOO_MANY_CONNECTIONS.0);
}

#[tokio::test]
async fn path_mounted_twice_fails_to_serve() {
    let router = Router::new()
        .procedure("/probe", probe_fixture().server)
        .procedure("/probe", probe_fixture().server)
        .procedure("oops", probe_fixture().server);
    let error = router.serve("127.0.0.1:0").await.expect_err("two mistakes").to_string();
    assert!(error.contains("`/probe`") && error.contains("`oops`"), "{error}");
}
