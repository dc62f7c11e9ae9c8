//! How the server reads the request of a handshake: on its own listener and inside axum.

mod client_address;
mod contradictions;
mod heads;
mod lists;
mod messages;
mod paths;
mod proxy_protocol;
mod values;

use std::net::SocketAddr;

use parlor::Router;
use parlor_tests::{Log, TestServer, probe_fixture, within_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const HOST: &str = "Host: localhost";
const CONNECTION: &str = "Connection: Upgrade";
const UPGRADE: &str = "Upgrade: websocket";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const PARLOR: &str = "Sec-WebSocket-Protocol: parlor.v1.json";
/// The header lines of a handshake.
const LINES: [&str; 5] = [HOST, CONNECTION, UPGRADE, KEY, VERSION];

/// One router on the two ways to serve it.
struct Served {
    plain: TestServer,
    axum: SocketAddr,
}

impl Served {
    /// Serves the probe procedure at `/probe`.
    async fn probe() -> Self {
        Self::start(Router::new().procedure("/probe", probe_fixture().server)).await
    }

    async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let axum = listener.local_addr().expect("an address");
        let app = axum::Router::new()
            .fallback_service(router.clone())
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { plain: TestServer::start(router).await, axum }
    }

    /// Sends a request to both. Returns the name and the response of each.
    async fn send(&self, request: &str) -> [(&'static str, Response); 2] {
        [
            ("plain", send(self.plain.addr, request.as_bytes()).await),
            ("axum", send(self.axum, request.as_bytes()).await),
        ]
    }

    /// Asserts that both answer with `status`, and that their text contains `text`.
    async fn assert_response(&self, request: &str, status: u16, text: &str) {
        for (server, response) in self.send(request).await {
            let what = format!("{server}: {request}\n{}{}", response.head, response.body);
            assert_eq!(response.status(), status, "{what}");
            assert!(response.body.contains(text), "`{text}` is not in the body\n{what}");
        }
    }
}

struct Response {
    head: String,
    body: String,
}

impl Response {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends bytes and reads one response.
async fn send(addr: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(addr).await.expect("connected");
    stream.write_all(request).await.expect("sent");
    within_timeout("the response", read_response(&mut stream)).await
}

async fn read_response(stream: &mut TcpStream) -> Response {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let response = Response { head: head.to_owned() + "\r\n", body: body.to_owned() };
            let length = response.header("content-length").and_then(|value| value.parse().ok());
            if response.status() == 101 || response.body.len() >= length.unwrap_or(0) {
                return response;
            }
        }
        if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
            return Response { head: String::new(), body: text };
        }
    }
}

/// Asserts that one line at `WARN` has this text.
fn assert_warned_once(log: &Log, text: &str) {
    let log = log.text();
    let warnings = log.lines().filter(|line| line.contains(" WARN ") && line.contains(text));
    assert_eq!(warnings.count(), 1, "`{text}`: {log}");
}

/// A request with these header lines.
fn request(target: &str, lines: &[&str]) -> String {
    format!("GET {target} HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"))
}

/// A handshake with more header lines.
fn with(more: &[&str]) -> String {
    request("/probe", &[&LINES[..], more].concat())
}

/// A handshake with `lines` in the place of `line`.
fn replacing(line: &str, lines: &[&str]) -> String {
    let others = LINES.into_iter().filter(|other| *other != line);
    request("/probe", &others.chain(lines.iter().copied()).collect::<Vec<_>>())
}
