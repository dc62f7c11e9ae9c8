//! One attempt to connect: credentials, TCP, TLS, handshake, welcome.

use std::future::Future;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use futures_util::StreamExt;
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{Request, Uri};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use super::connection::farewell;
use super::error::{BoxError, ConnectError};
use super::options::{MAX_HEARTBEAT, Options};
use super::tls;
use crate::wire::{CloseCode, Head, PROTOCOL_BEARER, PROTOCOL_JSON, control};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The largest message that is taken from a server.
const MAX_MESSAGE: usize = 16 << 20;
/// What is read and written at once.
const BUFFER: usize = 16 << 10;

/// A connection that the server has welcomed.
pub(super) struct Link {
    pub(super) socket: Socket,
    pub(super) welcome: Welcome,
}

/// What the server says first.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome {
    /// Whether this is the session from before.
    #[serde(default)]
    pub(super) recovered: bool,
    /// How often the server pings, in milliseconds.
    #[serde(default)]
    heartbeat: u64,
    /// The most bytes that the server takes in a message.
    #[serde(default = "no_limit")]
    pub(super) max_message: usize,
}

impl Welcome {
    /// How often the server pings: never less than once a day, so that a dead one is noticed.
    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat).min(MAX_HEARTBEAT)
    }
}

fn no_limit() -> usize {
    usize::MAX
}

/// Knows where to connect.
pub(super) struct Dialer {
    uri: Uri,
    /// Host and port.
    address: String,
    /// For `wss://`.
    tls: Option<Connector>,
}

impl Dialer {
    pub(super) fn new(options: &Options) -> Result<Self, ConnectError> {
        let url = options.url.as_str();
        let wrong = |problem: String| ConnectError::Url { url: without_query(url), problem };
        let uri: Uri = url.parse().map_err(|error| wrong(format!("{error}")))?;
        let (port, tls) = match uri.scheme_str() {
            Some("ws") => (80, None),
            Some("wss") => (443, Some(tls::connector(options)?)),
            Some(scheme) => return Err(wrong(format!("its scheme is `{scheme}`"))),
            None => return Err(wrong("it has no scheme".to_owned())),
        };
        let host = match uri.host() {
            Some(host) if !host.is_empty() => host,
            _ => return Err(wrong("it has no host".to_owned())),
        };
        let address = format!("{host}:{}", uri.port_u16().unwrap_or(port));
        Ok(Self { uri, address, tls })
    }

    /// Host, port and path, for logs.
    pub(super) fn place(&self) -> String {
        format!("{}{}", self.address, self.uri.path())
    }

    /// Makes one attempt.
    pub(super) async fn dial(&self, options: &Options) -> Result<Link, ConnectError> {
        let request = self.request(options).await?;
        let after = options.connect_timeout;
        match timeout(after, self.connect(request)).await {
            Ok(link) => link,
            Err(_) => Err(ConnectError::TimedOut { after }),
        }
    }

    async fn request(&self, options: &Options) -> Result<Request<()>, ConnectError> {
        let mut request =
            self.uri.clone().into_client_request().map_err(|error| self.failed(error))?;
        if let Some(headers) = &options.headers {
            let headers = provided("headers", options, headers()).await?;
            if let Some(name) = headers.keys().find(|name| is_handshakes_own(name.as_str())) {
                return Err(ConnectError::Header(name.to_string()));
            }
            // `Host` may be replaced.
            request.headers_mut().extend(headers);
        }
        let token = match &options.token {
            Some(token) => Some(provided("token", options, token()).await?),
            None => None,
        };
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols(token.as_deref())?);
        Ok(request)
    }

    async fn connect(&self, request: Request<()>) -> Result<Link, ConnectError> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        // tungstenite's handshake is a large future, and the user's would hold it.
        let (mut socket, response) = Box::pin(tls::open(request, config, self.tls.clone()))
            .await
            .map_err(|error| self.failed(error))?;
        let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
        if chosen.is_none_or(|protocol| protocol != PROTOCOL_JSON) {
            return Err(ConnectError::NotParlor);
        }
        let welcome = self.welcome(&mut socket).await?;
        Ok(Link { socket, welcome })
    }

    async fn welcome(&self, socket: &mut Socket) -> Result<Welcome, ConnectError> {
        loop {
            return match socket.next().await {
                Some(Ok(Message::Text(text))) => read_welcome(&text),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = closed(frame);
                    farewell(socket, code).await;
                    Err(ConnectError::Closed { code, reason })
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(_)) => Err(not_welcome()),
                Some(Err(error)) => Err(self.failed(error)),
                None => Err(ConnectError::Closed {
                    code: CloseCode::ABNORMAL,
                    reason: "the connection was lost".to_owned(),
                }),
            };
        }
    }

    fn failed(&self, error: Error) -> ConnectError {
        match error {
            Error::Io(error) => ConnectError::Unreachable { host: self.address.clone(), error },
            Error::Http(response) => ConnectError::Http { status: response.status().as_u16() },
            Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
                ConnectError::NotParlor
            }
            error => ConnectError::Protocol(error.to_string()),
        }
    }
}

/// Code and reason of a close frame, as the user sees them.
pub(super) fn closed(frame: Option<CloseFrame>) -> (CloseCode, String) {
    match frame {
        Some(frame) => (CloseCode(frame.code.into()), frame.reason.to_string()),
        None => (CloseCode::NO_CODE, String::new()),
    }
}

/// Asks a function of the user's, for as long as an attempt may take.
async fn provided<T>(
    setter: &'static str,
    options: &Options,
    answer: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, ConnectError> {
    match timeout(options.connect_timeout, answer).await {
        Ok(answer) => answer.map_err(|error| ConnectError::Credentials { setter, error }),
        Err(elapsed) => Err(ConnectError::Credentials { setter, error: elapsed.into() }),
    }
}

/// What is offered as `Sec-WebSocket-Protocol`.
fn protocols(token: Option<&str>) -> Result<HeaderValue, ConnectError> {
    let Some(token) = token else {
        return Ok(HeaderValue::from_static(PROTOCOL_JSON));
    };
    let token = BASE64URL_NOPAD.encode(token.as_bytes());
    let mut value = HeaderValue::try_from(format!("{PROTOCOL_JSON}, {PROTOCOL_BEARER}{token}"))
        .map_err(|error| ConnectError::Credentials { setter: "token", error: error.into() })?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_handshakes_own(header: &str) -> bool {
    matches!(header, "connection" | "upgrade") || header.starts_with("sec-websocket-")
}

fn read_welcome(text: &str) -> Result<Welcome, ConnectError> {
    let head = Head::parse(text).map_err(|_| not_welcome())?;
    if head.name(text) != control::WELCOME {
        return Err(not_welcome());
    }
    serde_json::from_str(head.payload(text))
        .map_err(|error| ConnectError::Protocol(format!("its welcome: {error}")))
}

fn not_welcome() -> ConnectError {
    ConnectError::Protocol("its first message is no welcome".to_owned())
}

fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_url() {
        for (url, what) in [
            ("", "`` is not the URL"),
            ("http://host/chat", "its scheme is `http`"),
            ("/chat", "it has no scheme"),
            ("ws://", "is not the URL"),
            ("ws://host/a b?token=secret", "is not the URL"),
        ] {
            let error = Dialer::new(&Options::new(url)).map(drop).unwrap_err().to_string();
            assert!(error.contains(what), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        #[cfg(not(feature = "rustls"))]
        assert!(matches!(
            Dialer::new(&Options::new("wss://host/chat")),
            Err(ConnectError::TlsDisabled)
        ));
    }

    #[test]
    fn a_place_has_no_secrets() {
        let place = |url| Dialer::new(&Options::new(url)).map(|dialer| dialer.place()).unwrap();
        assert_eq!(place("ws://user:pass@host:1/chat?token=secret"), "host:1/chat");
        assert_eq!(place("ws://[::1]"), "[::1]:80/");
    }

    #[test]
    fn a_server_cannot_ask_for_more_than_a_day_of_patience() {
        for (heartbeat, taken) in [
            (r#""heartbeat":250"#, Duration::from_millis(250)),
            (r#""heartbeat":18446744073709551615"#, Duration::from_secs(86_400)),
            (r#""resume":null"#, Duration::ZERO),
        ] {
            let welcome = read_welcome(&format!(r#"["$welcome",{{{heartbeat}}}]"#)).unwrap();
            assert_eq!(welcome.heartbeat(), taken, "{heartbeat}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let value = protocols(Some("a token/+")).unwrap();
        assert_eq!(value, "parlor.v1.json, parlor.bearer.YSB0b2tlbi8r");
        assert!(!format!("{value:?}").contains("parlor.bearer"), "{value:?}");
    }
}
