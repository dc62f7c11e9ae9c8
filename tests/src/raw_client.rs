use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{Request, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::within_timeout;

/// A WebSocket client independent of Parlor's. It sends exactly the frames that a test passes.
pub struct RawClient<S = TcpStream>(pub WebSocketStream<S>);

/// A connection in Parlor mode and its welcome.
pub struct Welcomed<S = TcpStream> {
    /// The connection.
    pub client: RawClient<S>,
    /// The payload of its `$welcome`.
    pub welcome: Value,
}

/// Returns the resume secret of a welcome.
pub fn secret(welcome: &Value) -> &str {
    welcome["resume"].as_str().expect("a secret")
}

/// How the server closed a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// The code; 1006 when there was no close frame.
    pub code: u16,
    /// The reason.
    pub reason: String,
}

impl RawClient {
    /// Connects in plain mode.
    pub async fn plain(addr: SocketAddr, path: &str) -> Self {
        Self::open(addr, path, &[]).await.expect("the handshake is accepted")
    }

    /// Connects in Parlor mode and receives the welcome.
    pub async fn parlor(addr: SocketAddr, path: &str) -> Self {
        let mut client = Self::connect_before_welcome(addr, path).await;
        assert_eq!(client.receive().await[0], "$welcome");
        client
    }

    /// Connects in Parlor mode with additional headers and returns the welcome.
    pub async fn welcomed(addr: SocketAddr, path: &str, more: &[(&'static str, &str)]) -> Welcomed {
        let mut headers = vec![("sec-websocket-protocol", "parlor.v1.json")];
        headers.extend_from_slice(more);
        let client = Self::open(addr, path, &headers).await.expect("the handshake is accepted");
        client.take_welcome().await
    }

    /// Connects to resume a session, as a client that has received `received` counted frames.
    pub async fn resumed(addr: SocketAddr, path: &str, secret: &str, received: u64) -> Welcomed {
        let protocols = format!("parlor.v1.json, parlor.resume.{secret}.{received}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let client = Self::open(addr, path, &headers).await.expect("the handshake is accepted");
        client.take_welcome().await
    }

    /// Connects in Parlor mode and leaves the welcome unread.
    pub async fn connect_before_welcome(addr: SocketAddr, path: &str) -> Self {
        let headers = [("sec-websocket-protocol", "parlor.v1.json")];
        Self::open(addr, path, &headers).await.expect("the handshake is accepted")
    }

    /// Connects with `headers`. Returns the HTTP status if the handshake fails.
    pub async fn open(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        let stream = within_timeout("the server to accept", TcpStream::connect(addr))
            .await
            .expect("a stream");
        stream.set_nodelay(true).expect("no delay");
        Self::over(stream, &format!("ws://{addr}{path}"), headers).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawClient<S> {
    /// Connects to `url` over `stream`, with `headers`. Returns the HTTP status if the handshake fails.
    pub async fn over(
        stream: S,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request: Request<()> = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match within_timeout("the handshake", client_async(request, stream)).await {
            Ok((websocket, _)) => Ok(Self(websocket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    /// Receives the welcome.
    pub async fn take_welcome(mut self) -> Welcomed<S> {
        let mut welcome = self.receive().await;
        assert_eq!(welcome[0], "$welcome");
        Welcomed { client: self, welcome: welcome[1].take() }
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: impl Into<String>) {
        self.send_message(Message::text(text.into())).await;
    }

    /// Sends an event.
    pub async fn emit(&mut self, event: &str, payload: Value) {
        self.send(json!([event, payload]).to_string()).await;
    }

    /// Sends a call and returns its answer: `["$ok", value, id]` or `["$err", body, id]`.
    ///
    /// # Panics
    ///
    /// When another frame arrives first.
    pub async fn call(&mut self, event: &str, payload: Value, id: u64) -> Value {
        self.send(json!([event, payload, id]).to_string()).await;
        let answer = self.receive().await;
        assert_eq!(answer[2], json!(id), "{answer}");
        answer
    }

    /// Sends any frame.
    pub async fn send_message(&mut self, message: Message) {
        within_timeout("the server to read", self.0.send(message)).await.expect("sent");
    }

    /// Sends a ping frame and waits for its pong. The server has then read all earlier messages.
    ///
    /// # Panics
    ///
    /// When another frame arrives first.
    pub async fn ping(&mut self) {
        self.send_message(Message::Ping(b"ping".as_slice().into())).await;
        let pong = within_timeout("a pong", self.0.next()).await.expect("open").expect("open");
        assert_eq!(pong, Message::Pong(b"ping".as_slice().into()));
    }

    /// Sends a close frame and waits for the answer.
    pub async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.send_message(Message::Close(Some(frame))).await;
        self.closed().await;
    }

    /// Returns the next text frame as JSON and skips acknowledgements.
    ///
    /// # Panics
    ///
    /// When the connection ends, or a frame is not JSON text.
    pub async fn receive(&mut self) -> Value {
        loop {
            match self.next().await {
                Ok(value) if value[0] == "$ack" => {}
                Ok(value) => return value,
                Err(closed) => panic!("the server closed the connection: {closed:?}"),
            }
        }
    }

    /// Returns the next text frame as JSON and skips acknowledgements and pongs.
    pub async fn receive_except_pongs(&mut self) -> Value {
        loop {
            let frame = self.receive().await;
            if frame[0] != "pong" {
                return frame;
            }
        }
    }

    /// Returns the next text frame, or how the connection ended.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            match within_timeout("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    return Err(Closed { code, reason });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Closed { code: 1006, reason: String::new() }),
            }
        }
    }

    /// Reads until the connection ends.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.next().await {
                return closed;
            }
        }
    }

    /// Asserts that no counted frame was received: the pong is the next frame.
    pub async fn assert_nothing_received(&mut self) {
        self.send(r#"["ping",424242]"#).await;
        assert_eq!(self.receive().await, json!(["pong", 424_242]));
    }
}
