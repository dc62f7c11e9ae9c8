//! From the first byte of a TCP connection to a session, or to a refusal that says why.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{create_response, write_response};
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;

use super::connection::close_frame;
use super::{Alive, Mode, Reject, Request, Router};
use crate::wire::{CloseCode, Frame, PROTOCOL_JSON, control};

/// How long a client may take to read a refusal.
const GOODBYE: Duration = Duration::from_secs(2);

/// One TCP connection before it is a session's.
pub(super) struct Incoming {
    pub(super) stream: TcpStream,
    pub(super) peer: Option<SocketAddr>,
    pub(super) local: Option<SocketAddr>,
}

/// Reads the request, asks everyone who has a say, and starts the session.
pub(super) async fn handshake(incoming: Incoming, router: Arc<Router>, alive: Alive) {
    let Incoming { mut stream, peer, local } = incoming;
    let read =
        timeout(router.handshake_timeout, read_request(&mut stream, router.max_request_size)).await;
    let (request, rest) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(refusal)) => return refuse(stream, &refusal).await,
        Err(_) => return tracing::debug!(?peer, "the handshake took too long"),
    };
    let request = Request::new(request, peer);
    let mode = request.mode();
    let accepted = match accept(&request) {
        Ok(accepted) => accepted,
        // Browsers and people who open the address in a tab: the path matters more than the upgrade.
        Err(_) if router.endpoint(request.uri().path()).is_none() => {
            return refuse(stream, &Refusal::from(&not_found())).await;
        }
        Err(refusal) => return refuse(stream, &refusal).await,
    };
    let admission = match admit(request, local, &router).await {
        Ok(admission) => admission,
        Err(reject) => {
            tracing::debug!(?peer, %reject, "connection refused");
            return match mode {
                Mode::Plain => refuse(stream, &Refusal::from(&reject)).await,
                Mode::Parlor => accept_and_close(stream, accepted, &reject).await,
            };
        }
    };
    let mut greeting = accepted;
    if mode == Mode::Parlor {
        match Frame::event(control::WELCOME, &admission.welcome) {
            Ok(welcome) => greeting.extend_from_slice(welcome.as_bytes()),
            Err(error) => return tracing::error!(%error, "the welcome cannot be encoded"),
        }
    }
    // From here on it is the session's affair: a client that has left is a connection lost.
    admission.start(stream, greeting, rest, alive);
}

/// Reads up to the end of the request; what came behind it is the WebSocket's.
async fn read_request(
    stream: &mut TcpStream,
    max_size: usize,
) -> Result<(http::Request<()>, Vec<u8>), Refusal> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let seen = bytes.len();
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Refusal::gone()),
            Ok(_) => {}
        }
        // Parsed once, when its end is there: a trickle of bytes costs no more than a gush.
        let from = seen.saturating_sub(3);
        let whole = bytes[from..].windows(4).any(|window| window == b"\r\n\r\n");
        if whole && let Some((end, request)) = parse(&bytes)? {
            let rest = bytes.split_off(end);
            return Ok((request, rest));
        }
        if whole || bytes.len() > max_size {
            return Err(Refusal::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "the request is too large",
            ));
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(usize, http::Request<()>)>, Refusal> {
    http::Request::<()>::try_parse(bytes).map_err(|error| match error {
        Error::Protocol(ProtocolError::WrongHttpMethod) => {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket is opened with GET")
                .with(header::ALLOW, "GET")
        }
        Error::Capacity(CapacityError::TooManyHeaders) => {
            Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers")
        }
        error => Refusal::bad_handshake(&error),
    })
}

/// The response that makes a WebSocket of the connection.
fn accept(request: &Request) -> Result<Vec<u8>, Refusal> {
    let mut response = create_response(&request.to_http()).map_err(|error| match error {
        Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::MissingUpgradeWebSocketHeader,
        ) => Refusal::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket endpoint")
            .with(header::UPGRADE, "websocket"),
        Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
            Refusal::bad_handshake(&error).with(header::SEC_WEBSOCKET_VERSION, "13")
        }
        error => Refusal::bad_handshake(&error),
    })?;
    if request.mode() == Mode::Parlor {
        let protocol = HeaderValue::from_static(PROTOCOL_JSON);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    let mut bytes = Vec::with_capacity(256);
    write_response(&mut bytes, &response).map_err(|error| Refusal::bad_handshake(&error))?;
    Ok(bytes)
}

async fn admit(
    request: Request,
    local: Option<SocketAddr>,
    router: &Router,
) -> Result<super::admission::Admission, Reject> {
    router.rules.check(request.headers(), local)?;
    let endpoint = router.endpoint(request.uri().path()).ok_or_else(not_found)?;
    let request =
        super::middleware::contain("a middleware", router.middleware.run(request)).await?;
    endpoint.admit(request).await
}

fn not_found() -> Reject {
    let message = "no procedure is mounted at this path";
    Reject::new(StatusCode::NOT_FOUND, CloseCode::NOT_FOUND, message)
}

/// An HTTP answer to what does not become a WebSocket.
struct Refusal {
    /// None for a client that has gone.
    status: Option<StatusCode>,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status: Some(status), message: message.into(), header: None }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    fn gone() -> Self {
        Self { status: None, message: String::new(), header: None }
    }

    fn bad_handshake(error: &Error) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("bad WebSocket handshake: {error}"))
    }
}

impl From<&Reject> for Refusal {
    fn from(reject: &Reject) -> Self {
        let refusal = Self::new(reject.status(), reject.message());
        match reject.status() {
            StatusCode::UNAUTHORIZED => refusal.with(header::WWW_AUTHENTICATE, "Bearer"),
            _ => refusal,
        }
    }
}

async fn refuse(stream: TcpStream, refusal: &Refusal) {
    let Some(status) = refusal.status else { return };
    let message = &refusal.message;
    let header = match &refusal.header {
        Some((name, value)) => format!("{name}: {value}\r\n"),
        None => String::new(),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n{header}\r\n{message}\n",
        message.len() + 1
    );
    say_goodbye(stream, answer.as_bytes()).await;
}

/// A browser cannot read the status of a refused handshake, but it can read a close code.
async fn accept_and_close(stream: TcpStream, mut accepted: Vec<u8>, reject: &Reject) {
    let frame = close_frame(reject.code(), reject.message());
    if RawFrame::close(Some(frame)).format(&mut accepted).is_ok() {
        say_goodbye(stream, &accepted).await;
    }
}

/// Writes the last words, then reads and forgets until the client has gone: else TCP would reset
/// the connection and the words might never be read.
async fn say_goodbye(mut stream: TcpStream, words: &[u8]) {
    let goodbye = async {
        stream.write_all(words).await?;
        stream.shutdown().await?;
        let mut scratch = [0; 1024];
        while stream.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // A client that stays or has gone is none of our business any more.
    let _ = timeout(GOODBYE, goodbye).await;
}
