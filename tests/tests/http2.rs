//! A WebSocket over HTTP/2 (RFC 8441), inside axum.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parlor::http::{Method, Request, Response, StatusCode, Version};
use parlor::server::Limits;
use parlor::wire::CloseCode;
use parlor::{DisconnectReason, Reject, Router};
use parlor_tests::{
    ProbeFixture, ProbeServer, ProbeSession, ProbeSocket, RawClient, broadcast_until_end,
    probe_fixture, recovery_off, secret, within_timeout,
};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

const PARLOR: (&str, &str) = ("sec-websocket-protocol", "parlor.v1.json");

type Http2Client = RawClient<TokioIo<Upgraded>>;

/// An HTTP/2 connection, without TLS.
struct Http2 {
    requests: SendRequest<Empty<Bytes>>,
    addr: SocketAddr,
}

impl Http2 {
    async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("connected");
        let (requests, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut http2 = Self { requests, addr };
        // The settings of the server arrive before its first response.
        assert_eq!(http2.send("GET", None, "/", &[]).await.status(), StatusCode::OK);
        http2
    }

    async fn send(
        &mut self,
        method: &str,
        protocol: Option<&'static str>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response<hyper::body::Incoming> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method.parse::<Method>().expect("a method");
        *request.uri_mut() = format!("http://{}{path}", self.addr).parse().expect("a URI");
        *request.version_mut() = Version::HTTP_2;
        for (name, value) in headers {
            let name: parlor::http::HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, value.parse().expect("a value"));
        }
        if let Some(protocol) = protocol {
            request.extensions_mut().insert(Protocol::from_static(protocol));
        }
        within_timeout("the response", self.requests.send_request(request)).await.expect("sent")
    }

    /// Opens a WebSocket. Returns the status if that fails.
    async fn open(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Http2Client, StatusCode> {
        let version = ("sec-websocket-version", "13");
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == version.0) {
            headers.push(version);
        }
        let response = self.send("CONNECT", Some("websocket"), path, &headers).await;
        for absent in ["connection", "upgrade", "sec-websocket-accept"] {
            assert!(!response.headers().contains_key(absent), "{absent}");
        }
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        let chosen = response.headers().get("sec-websocket-protocol");
        let is_parlor = headers.iter().any(|(_, value)| value.starts_with("parlor.v1.json"));
        assert_eq!(chosen.is_some_and(|chosen| chosen == "parlor.v1.json"), is_parlor);
        let upgraded = within_timeout("the stream", hyper::upgrade::on(response)).await;
        let stream = TokioIo::new(upgraded.expect("upgraded"));
        Ok(RawClient(WebSocketStream::from_raw_socket(stream, Role::Client, None).await))
    }

    async fn parlor(&mut self, path: &str) -> Http2Client {
        let client = self.open(path, &[PARLOR]).await.expect("accepted");
        client.take_welcome().await.client
    }
}

/// Serves the procedures under `/api`, and a page at `/`.
async fn serve(procedures: &Router) -> SocketAddr {
    let app = axum::Router::new()
        .route("/", get(async || "a page"))
        .nest_service("/api", procedures.clone())
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

fn probe() -> Router {
    Router::new().procedure("/probe", probe_fixture().server)
}

#[tokio::test]
async fn websockets_share_http2_connection_and_meet_those_of_http1() {
    let addr = serve(&probe()).await;
    let mut http2 = Http2::connect(addr).await;
    let mut ada = http2.parlor("/api/probe").await;
    let mut bob = http2.parlor("/api/probe").await;
    let mut old = RawClient::parlor(addr, "/api/probe").await;
    assert_eq!(ada.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 1, 1]));
    assert_eq!(bob.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 2, 1]));
    assert_eq!(old.call("enter", json!({"room": "a"}), 1).await, json!(["$ok", 3, 1]));
    ada.emit("say", json!({"room": "a", "text": "hi"})).await;
    assert_eq!(bob.receive().await[1]["text"], "hi");
    assert_eq!(old.receive().await[1]["text"], "hi");
    // More than the flow control window of a stream.
    let answer = ada.call("fill", json!({"size": 500_000}), 2).await;
    assert_eq!(answer[1].as_str().map(str::len), Some(500_000));
    // Its stream ends, and the others do not.
    ada.close(1000).await;
    assert_eq!(bob.receive().await[1]["text"], "bye");
    assert_eq!(bob.call("add", json!({"a": 1, "b": 2}), 2).await, json!(["$ok", 3, 2]));

    let mut plain = http2.open("/api/probe", &[]).await.expect("accepted");
    plain.send(r#"["ping",null]"#).await;
    assert_eq!(plain.receive().await, json!(["pong", null]));
}

#[tokio::test]
async fn session_is_resumed_over_other_http_version() {
    let addr = serve(&probe()).await;
    let mut http2 = Http2::connect(addr).await;
    let client = http2.open("/api/probe", &[PARLOR]).await.expect("accepted");
    let mut first = client.take_welcome().await;
    assert_eq!(first.client.call("enter", json!({"room": "a"}), 1).await[0], "$ok");
    drop(first.client);
    let mut second = RawClient::resumed(addr, "/api/probe", secret(&first.welcome), 1).await;
    assert_eq!(second.welcome["recovered"], true);
    second.client.emit("shout", json!({"room": "a", "text": "hi"})).await;
    assert_eq!(second.client.receive().await[1]["text"], "hi");
    drop(second.client);
    let offer = format!("parlor.v1.json, parlor.resume.{}.2", secret(&second.welcome));
    let offers = [("sec-websocket-protocol", offer.as_str())];
    let third = http2.open("/api/probe", &offers).await.expect("accepted");
    assert_eq!(third.take_welcome().await.welcome["recovered"], true);
}

#[tokio::test]
async fn rejected_request_gets_status_or_close_code() {
    let fixture = Arc::new(probe_fixture());
    let server: ProbeServer<ProbeSession> = ProbeServer::new(move |socket: ProbeSocket| {
        let fixture = Arc::clone(&fixture);
        async move {
            if socket.request().query() == Some("no") {
                return Err(Reject::unauthorized("on purpose"));
            }
            assert!(socket.request().peer_addr().is_some());
            Ok(fixture.session(socket))
        }
    });
    let addr = serve(&Router::new().procedure("/probe", server)).await;
    let mut http2 = Http2::connect(addr).await;
    for (path, headers, status) in [
        ("/api/probe?no", vec![], StatusCode::UNAUTHORIZED),
        ("/api/nowhere", vec![], StatusCode::NOT_FOUND),
        ("/api/probe", vec![("origin", "https://foreign.example")], StatusCode::FORBIDDEN),
        ("/api/probe", vec![("host", "other.example")], StatusCode::BAD_REQUEST),
        ("/api/probe", vec![("sec-websocket-version", "12")], StatusCode::UPGRADE_REQUIRED),
    ] {
        let refused = http2.open(path, &headers).await;
        assert_eq!(refused.err(), Some(status), "{path} {headers:?}");
    }
    let own = format!("http://{addr}");
    assert!(http2.open("/api/probe", &[("origin", &own)]).await.is_ok());
    let mut refused = http2.open("/api/probe?no", &[PARLOR]).await.expect("accepted");
    let closed = refused.closed().await;
    assert_eq!((closed.code, &*closed.reason), (CloseCode::UNAUTHORIZED.0, "on purpose"));
}

#[tokio::test]
async fn request_that_opens_no_websocket_gets_matching_status() {
    let addr = serve(&probe()).await;
    let mut http2 = Http2::connect(addr).await;
    let foreign = [("origin", "https://foreign.example")];
    for (method, protocol, path, headers, status, text) in [
        ("CONNECT", Some("connect-udp"), "/api/probe", &[][..], 405, "extended CONNECT"),
        ("POST", None, "/api/probe", &[], 405, "extended CONNECT"),
        ("GET", None, "/api/probe", &[], 400, "this is a WebSocket endpoint"),
        ("GET", None, "/api/probe", &[], 400, "extended CONNECT of HTTP/2"),
        ("GET", None, "/api/%6eowhere", &[], 404, "at /nowhere; mounted is /probe"),
        ("GET", None, "/api/nowhere", &foreign, 403, "Origin"),
        ("GET", None, "/api/probe", &[("host", "other.example")], 400, "Host"),
    ] {
        let response = http2.send(method, protocol, path, headers).await;
        assert_eq!(response.status().as_u16(), status, "{method} {protocol:?} {path}");
        let body =
            within_timeout("the body", response.into_body().collect()).await.expect("a body");
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        assert!(body.contains(text), "{method} {protocol:?} {path}: {body}");
    }
    let response = http2.send("CONNECT", Some("websocket"), "/api/probe", &[]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST, "without a version");
}

#[tokio::test]
async fn websocket_that_is_not_read_is_closed_as_too_slow_and_others_continue() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let server = server
        .recovery(recovery_off())
        .limits(Limits { max_outbox_size: 100_000, ..Limits::default() });
    let io = server.io();
    let addr = serve(&Router::new().procedure("/probe", server)).await;
    let mut http2 = Http2::connect(addr).await;
    let mut slow = http2.parlor("/api/probe").await;
    let mut quick = http2.parlor("/api/probe").await;
    let reason = broadcast_until_end(&io, &mut quick, &mut ended).await;
    assert_eq!(reason, DisconnectReason::TooSlow);
    // The close code is received when it reads again.
    assert_eq!(slow.closed().await.code, 4000);
    assert_eq!(quick.call("add", json!({"a": 1, "b": 2}), 1).await[1], 3);
}

/// In its shutdown axum waits for HTTP/2 connections, and these wait until each WebSocket is closed.
#[tokio::test]
async fn shutdown_before_that_of_axum_ends_websockets_and_connection() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let procedures = Router::new().procedure("/probe", server);
    let (stop, stopped) = oneshot::channel::<()>();
    let app = axum::Router::new()
        .route("/", get(async || "a page"))
        .nest_service("/api", procedures.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let served = tokio::spawn(async move {
        let drained = async move {
            drop(stopped.await);
            procedures.shutdown().await;
        };
        axum::serve(listener, app).with_graceful_shutdown(drained).await.expect("served");
    });
    let mut http2 = Http2::connect(addr).await;
    let mut client = http2.parlor("/api/probe").await;
    stop.send(()).expect("it runs");
    assert_eq!(client.closed().await.code, CloseCode::RESTART.0);
    drop(client);
    within_timeout("the end", served).await.expect("no panic");
    assert_eq!(ended.try_recv(), Ok(DisconnectReason::ShutDown));
}
