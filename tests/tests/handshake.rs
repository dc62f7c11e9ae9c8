//! What is asked before a session begins, and what is said to those who do not get one.

use std::time::Duration;

use parlor::http::StatusCode;
use parlor::{CloseCode, Reject, Request, Router};
use parlor_tests::{ProbeServer, ProbeSocket, Prober, Running, Wire, probing, soon};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const PARLOR: (&str, &str) = ("sec-websocket-protocol", "parlor.v1.json");

async fn running() -> Running {
    Running::start(Router::new().procedure("/probe", probing().server)).await
}

/// Sends bytes and returns all that comes back.
async fn raw(running: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.addr).await.expect("connected");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = String::new();
    // A reset after the answer is as good as an end.
    let _ = soon("the answer", stream.read_to_string(&mut answer)).await;
    answer
}

#[tokio::test]
async fn what_is_no_websocket_gets_the_status_that_says_why() {
    let running = running().await;
    let upgrade = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), "404"),
        ("GET /probe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), "426"),
        ("POST /probe HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), "405"),
        (format!("GET /probe HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n\r\n"), "400"),
        (format!("GET /probe HTTP/1.1\r\n{upgrade}{key}Sec-WebSocket-Version: 8\r\n\r\n"), "400"),
        ("GARBAGE\r\n\r\n".to_owned(), "400"),
        (format!("GET /probe HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200)), "431"),
    ] {
        let answer = raw(&running, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    let wire = Wire::open(running.addr, "/nowhere", &[]).await;
    assert_eq!(wire.err(), Some(StatusCode::NOT_FOUND));
    // A Parlor client could not read a 404 in a browser.
    let mut wire = Wire::open(running.addr, "/nowhere", &[PARLOR]).await.expect("accepted");
    assert_eq!(wire.closed().await.code, CloseCode::NOT_FOUND.0);
}

#[tokio::test]
async fn endless_headers_are_cut_off() {
    let running = running().await;
    let endless = format!("GET /probe HTTP/1.1\r\nX: {}", "y".repeat(64 << 10));
    let answer = raw(&running, endless.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
}

/// What is not compressed cannot grow.
#[tokio::test]
async fn no_extension_is_accepted() {
    let running = running().await;
    let mut request =
        format!("ws://{}/probe", running.addr).into_client_request().expect("a request");
    let offer = "permessage-deflate; client_max_window_bits".parse().expect("a header");
    request.headers_mut().insert("sec-websocket-extensions", offer);
    let stream = TcpStream::connect(running.addr).await.expect("connected");
    let (_, response) =
        soon("the handshake", client_async(request, stream)).await.expect("accepted");
    assert_eq!(response.headers().get("sec-websocket-extensions"), None);
}

#[tokio::test]
async fn a_handshake_that_stalls_is_closed_at_the_bound() {
    let router = Router::new()
        .procedure("/probe", probing().server)
        .handshake_timeout(Duration::from_millis(50));
    let running = Running::start(router).await;
    assert_eq!(raw(&running, b"GET /probe HT").await, "");
}

#[tokio::test]
async fn handshakes_under_way_are_bounded() {
    let router = Router::new().procedure("/probe", probing().server).max_handshakes(1);
    let running = Running::start(router).await;
    let mut first = TcpStream::connect(running.addr).await.expect("connected");
    first.write_all(b"GET /probe HT").await.expect("sent");
    assert_eq!(raw(&running, b"").await, "", "the second is dropped");
}

#[tokio::test]
async fn origins_and_hosts_are_checked() {
    let router =
        Router::new().procedure("/probe", probing().server).allow_origins(["https://app.example"]);
    let running = Running::start(router).await;
    let own = format!("http://{}", running.addr);
    for origin in ["https://app.example", own.as_str()] {
        assert!(
            Wire::open(running.addr, "/probe", &[("origin", origin)]).await.is_ok(),
            "{origin}"
        );
    }
    for headers in [
        ("origin", "null"),
        ("origin", "https://evil.example"),
        ("origin", "http://app.example"),
        ("host", "rebound.example"),
    ] {
        let refused = Wire::open(running.addr, "/probe", &[headers]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{headers:?}");
        let accepted = Wire::open(running.addr, "/probe", &[headers, PARLOR]).await;
        let closed = accepted.expect("accepted").closed().await;
        assert_eq!(closed.code, CloseCode::ORIGIN.0, "{headers:?}");
    }
}

#[derive(Clone)]
struct User(String);

/// Middleware: who has no token is refused, who has one is a user.
async fn authenticate(mut request: Request) -> Result<Request, Reject> {
    let token = request.bearer_token().ok_or(Reject::unauthorized("a token is needed"))?;
    request.extensions_mut().insert(User(token));
    Ok(request)
}

/// Middleware that comes after [`authenticate`].
async fn no_eve(request: Request) -> Result<Request, Reject> {
    match request.get::<User>() {
        Some(User(name)) if name == "eve" => Err(Reject::forbidden("not you")),
        Some(_) => Ok(request),
        None => Err(Reject::new(StatusCode::IM_A_TEAPOT, 4042, "the order is wrong")),
    }
}

#[tokio::test]
async fn middleware_runs_in_order_and_refuses() {
    let server = probing().server.middleware(no_eve);
    let router = Router::new().middleware(authenticate).procedure("/probe", server);
    let running = Running::start(router).await;

    for (headers, status, code) in
        [(vec![], 401, 4501), (vec![("authorization", "Bearer eve")], 403, 4505)]
    {
        let refused = Wire::open(running.addr, "/probe", &headers).await;
        assert_eq!(refused.err().map(|status| status.as_u16()), Some(status));
        let headers = [headers, vec![PARLOR]].concat();
        let mut accepted = Wire::open(running.addr, "/probe", &headers).await.expect("accepted");
        assert_eq!(accepted.closed().await.code, code);
    }
    let headers = [("authorization", "Bearer ada")];
    assert!(Wire::open(running.addr, "/probe", &headers).await.is_ok());
    let offered = [("sec-websocket-protocol", "parlor.v1.json, parlor.bearer.YWRh")];
    let mut browser = Wire::open(running.addr, "/probe", &offered).await.expect("accepted");
    assert_eq!(browser.receive().await[0], "$welcome");
}

#[tokio::test]
async fn a_factory_that_refuses_undoes_what_it_did() {
    let inner = probing().server;
    let io = inner.io();
    let server: ProbeServer<Prober> = ProbeServer::new(|socket: ProbeSocket| async move {
        socket.join("lobby")?;
        socket.emit().said("lobby", "hello", "server");
        Err(Reject::try_later("come back"))
    });
    let refusing = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let refused = Wire::open(running.addr, "/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let mut accepted = Wire::open(running.addr, "/probe", &[PARLOR]).await.expect("accepted");
    assert_eq!(accepted.next().await.map_err(|closed| closed.code), Err(4003));
    assert_eq!(refusing.members("lobby").await.len(), 0);
    assert_eq!(refusing.connections() + io.connections(), 0);
}

#[tokio::test]
async fn what_a_factory_emits_comes_behind_the_welcome() {
    let server: ProbeServer<Prober> = ProbeServer::new(|socket: ProbeSocket| {
        let prober = probing().session(socket.clone());
        async move {
            socket.emit().said("lobby", "hello", "server");
            Ok(prober)
        }
    });
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut wire = Wire::parlor_unwelcomed(running.addr, "/probe").await;
    let welcome = wire.receive().await;
    assert_eq!(welcome[0], "$welcome");
    assert_eq!(welcome[1]["recovered"], false);
    assert_eq!(welcome[1]["heartbeat"], 30_000);
    assert_eq!(welcome[1]["maxMessage"], 64 << 10);
    assert_eq!(wire.receive().await[1]["text"], "hello");
}

#[tokio::test]
async fn a_factory_that_panics_refuses_and_nothing_else() {
    let server: ProbeServer<Prober> =
        ProbeServer::new(|_socket: ProbeSocket| async move { panic!("as the test asked") });
    let router = Router::new().procedure("/panics", server).procedure("/probe", probing().server);
    let running = Running::start(router).await;
    let refused = Wire::open(running.addr, "/panics", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    let mut other = Wire::parlor(running.addr, "/probe").await;
    assert_eq!(other.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

#[tokio::test]
async fn connections_are_bounded_when_asked() {
    let server = probing().server.max_connections(1);
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let _first = Wire::parlor(running.addr, "/probe").await;
    let refused = Wire::open(running.addr, "/probe", &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let mut accepted = Wire::open(running.addr, "/probe", &[PARLOR]).await.expect("accepted");
    assert_eq!(accepted.closed().await.code, CloseCode::TOO_MANY_CONNECTIONS.0);
}

#[tokio::test]
async fn a_path_that_is_mounted_twice_does_not_serve() {
    let router = Router::new()
        .procedure("/probe", probing().server)
        .procedure("/probe", probing().server)
        .procedure("oops", probing().server);
    let error = router.serve("127.0.0.1:0").await.expect_err("two mistakes").to_string();
    assert!(error.contains("`/probe`") && error.contains("`oops`"), "{error}");
}
