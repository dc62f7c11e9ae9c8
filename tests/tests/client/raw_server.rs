//! A WebSocket server that a test scripts frame by frame.

#![allow(clippy::result_large_err, reason = "tungstenite's callback returns a whole response")]

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use parlor_tests::within_timeout;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

pub(crate) struct RawServer {
    listener: TcpListener,
}

impl RawServer {
    pub(crate) async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        Self { listener: TcpListener::bind(address).await.expect("bind") }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/chat", self.address())
    }

    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        within_timeout("a connection", self.listener.accept()).await.expect("accept").0
    }

    /// Accepts as a Parlor server does, without a welcome.
    pub(crate) async fn accept_before_welcome(&self) -> Peer {
        let mut offered = Offered::default();
        let socket = within_timeout(
            "a handshake",
            accept_hdr_async(
                self.accept_tcp().await,
                |request: &Request, mut response: Response| {
                    offered = Offered::of(request);
                    let protocol = HeaderValue::from_static("parlor.v1.json");
                    response.headers_mut().insert("sec-websocket-protocol", protocol);
                    Ok(response)
                },
            ),
        );
        let socket = socket.await.expect("handshake");
        Peer { socket, offered }
    }

    /// Accepts and sends a welcome.
    pub(crate) async fn accept(&self) -> Peer {
        self.accept_with(30_000, 65_536).await
    }

    /// Accepts and sends a welcome with a heartbeat in milliseconds and a message limit in bytes.
    pub(crate) async fn accept_with(&self, heartbeat: u64, max_message: usize) -> Peer {
        let mut peer = self.accept_before_welcome().await;
        peer.welcome(heartbeat, max_message).await;
        peer
    }

    /// Accepts and sends a welcome with a resume secret: for a fresh session, unless `more` has
    /// other fields.
    pub(crate) async fn accept_session(&self, secret: &str, more: &str) -> Peer {
        let mut peer = self.accept_before_welcome().await;
        peer.send(&format!(
            r#"["$welcome",{{"resume":"{secret}",{more}"heartbeat":30000,"maxMessage":65536}}]"#
        ))
        .await;
        peer
    }

    /// Accepts a resumed session, of which the server has received `received` frames.
    pub(crate) async fn accept_resumed(&self, secret: &str, received: u64) -> Peer {
        let more = format!(r#""recovered":true,"received":{received},"#);
        self.accept_session(secret, &more).await
    }

    /// Accepts without a subprotocol, as a server other than Parlor does.
    pub(crate) async fn accept_without_protocol(&self) {
        let accepted =
            accept_hdr_async(self.accept_tcp().await, |_: &Request, response| Ok(response));
        let _ = within_timeout("a handshake", accepted).await;
    }

    pub(crate) async fn refuse(&self, status: StatusCode) {
        let refused = accept_hdr_async(self.accept_tcp().await, |_: &Request, _| {
            let mut response = ErrorResponse::new(None);
            *response.status_mut() = status;
            Err(response)
        });
        assert!(within_timeout("a handshake", refused).await.is_err());
    }
}

/// What a client sends in its handshake.
#[derive(Default, Debug)]
pub(crate) struct Offered {
    pub(crate) protocols: Vec<String>,
    pub(crate) locale: Option<String>,
}

impl Offered {
    fn of(request: &Request) -> Self {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        Self {
            protocols: header("sec-websocket-protocol")
                .into_iter()
                .flat_map(|protocols| protocols.split(", "))
                .map(str::to_owned)
                .collect(),
            locale: header("accept-language").map(str::to_owned),
        }
    }
}

/// The server's end of one connection.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) offered: Offered,
}

impl Peer {
    async fn welcome(&mut self, heartbeat: u64, max_message: usize) {
        self.send(&format!(
            r#"["$welcome",{{"resume":null,"received":0,"recovered":false,"heartbeat":{heartbeat},"maxMessage":{max_message}}}]"#
        ))
        .await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        within_timeout("sending", self.socket.send(Message::text(text))).await.expect("send");
    }

    /// Returns the next text frame; `None` when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            return match within_timeout("a message", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => None,
            };
        }
    }

    /// Returns the secret and the count that the client offers to resume its session.
    pub(crate) fn offered_resume(&self) -> Option<&str> {
        self.offered.protocols.iter().find_map(|protocol| protocol.strip_prefix("parlor.resume."))
    }

    /// Returns the next text frame.
    pub(crate) async fn text(&mut self) -> String {
        self.next().await.expect("an event or a call")
    }

    /// Answers the next call with the frame `name` (`$ok` or `$err`) and `payload`.
    pub(crate) async fn answer(&mut self, name: &str, payload: &str) {
        let call = self.text().await;
        let (_, id) = call.rsplit_once(',').expect("a call");
        self.send(&format!(r#"["{name}",{payload},{id}"#)).await;
    }

    /// Returns the client's close code and answers its close frame.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(Ok(message)) = within_timeout("a close frame", self.socket.next()).await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }

    pub(crate) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        within_timeout("closing", self.socket.close(Some(frame))).await.expect("close");
        while let Some(Ok(_)) = within_timeout("the end", self.socket.next()).await {}
        let mut rest = [0; 16];
        let read =
            within_timeout("the client to close the stream", self.socket.get_mut().read(&mut rest))
                .await;
        assert!(matches!(read, Ok(0)), "{read:?}");
    }

    /// Ends the TCP connection without a close frame.
    pub(crate) fn cut(self) {
        drop(self);
    }
}
