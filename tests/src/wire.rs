use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{Request, StatusCode};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::soon;

/// A bare WebSocket: it sends and receives what the test says, and knows nothing of Parlor.
pub struct Wire(pub WebSocketStream<TcpStream>);

/// A connection in Parlor mode, and what the server said first.
pub struct Welcomed {
    /// The connection.
    pub wire: Wire,
    /// The payload of its `$welcome`.
    pub welcome: Value,
}

/// What a `$welcome` gives to resume the session with.
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

impl Wire {
    /// Connects in plain mode.
    pub async fn plain(addr: SocketAddr, path: &str) -> Self {
        Self::open(addr, path, &[]).await.expect("the handshake is accepted")
    }

    /// Connects in Parlor mode and takes the welcome.
    pub async fn parlor(addr: SocketAddr, path: &str) -> Self {
        let mut wire = Self::parlor_unwelcomed(addr, path).await;
        assert_eq!(wire.receive().await[0], "$welcome");
        wire
    }

    /// Connects in Parlor mode, with headers of the test's choice, and keeps the welcome.
    pub async fn welcomed(addr: SocketAddr, path: &str, more: &[(&'static str, &str)]) -> Welcomed {
        let mut headers = vec![("sec-websocket-protocol", "parlor.v1.json")];
        headers.extend_from_slice(more);
        let wire = Self::open(addr, path, &headers).await.expect("the handshake is accepted");
        wire.take_welcome().await
    }

    /// Comes back to a session of which it has received so many counted frames.
    pub async fn resumed(addr: SocketAddr, path: &str, secret: &str, received: u64) -> Welcomed {
        let protocols = format!("parlor.v1.json, parlor.resume.{secret}.{received}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        let wire = Self::open(addr, path, &headers).await.expect("the handshake is accepted");
        wire.take_welcome().await
    }

    /// Takes the server's welcome.
    pub async fn take_welcome(mut self) -> Welcomed {
        let mut welcome = self.receive().await;
        assert_eq!(welcome[0], "$welcome");
        Welcomed { wire: self, welcome: welcome[1].take() }
    }

    /// Connects in Parlor mode.
    pub async fn parlor_unwelcomed(addr: SocketAddr, path: &str) -> Self {
        let headers = [("sec-websocket-protocol", "parlor.v1.json")];
        Self::open(addr, path, &headers).await.expect("the handshake is accepted")
    }

    /// Connects with headers of the test's choice, or returns the status of the refusal.
    pub async fn open(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request: Request<()> =
            format!("ws://{addr}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let stream =
            soon("the server to accept", TcpStream::connect(addr)).await.expect("a stream");
        stream.set_nodelay(true).expect("no delay");
        match soon("the handshake", client_async(request, stream)).await {
            Ok((websocket, _)) => Ok(Self(websocket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    /// Sends a text frame as it is.
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
    /// When anything else comes first.
    pub async fn call(&mut self, event: &str, payload: Value, id: u64) -> Value {
        self.send(json!([event, payload, id]).to_string()).await;
        let answer = self.receive().await;
        assert_eq!(answer[2], json!(id), "{answer}");
        answer
    }

    /// Sends any frame.
    pub async fn send_message(&mut self, message: Message) {
        soon("the server to read", self.0.send(message)).await.expect("sent");
    }

    /// Sends a ping frame and waits for its pong: all that was sent before it was read.
    ///
    /// # Panics
    ///
    /// When anything else comes first.
    pub async fn ping(&mut self) {
        self.send_message(Message::Ping(b"all?".as_slice().into())).await;
        let pong = soon("a pong", self.0.next()).await.expect("open").expect("open");
        assert_eq!(pong, Message::Pong(b"all?".as_slice().into()));
    }

    /// Closes with a code, and waits for the server to agree.
    pub async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.send_message(Message::Close(Some(frame))).await;
        self.closed().await;
    }

    /// The next text frame that is no acknowledgement, as JSON.
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

    /// The next text frame that is not just a sign of life, as JSON.
    pub async fn receive_more_than_pongs(&mut self) -> Value {
        loop {
            let frame = self.receive().await;
            if frame[0] != "pong" {
                return frame;
            }
        }
    }

    /// The next text frame, or how the connection ended.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            match soon("a message", self.0.next()).await {
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

    /// Reads until the server closes.
    pub async fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.next().await {
                return closed;
            }
        }
    }

    /// That nothing was received up to now: the answer to a ping comes first.
    pub async fn nothing_came(&mut self) {
        self.send(r#"["ping",424242]"#).await;
        assert_eq!(self.receive().await, json!(["pong", 424_242]));
    }
}
