//! One attempt to connect: credentials, TCP, TLS, handshake, welcome.

use std::future::Future;
use std::io;

use data_encoding::BASE64URL_NOPAD;
use futures::StreamExt;
use http::Request;
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;
use tungstenite::error::{Error, ProtocolError};
use tungstenite::protocol::WebSocketConfig;

use super::error::{BoxError, ConnectError};
use super::handshake;
use super::options::Options;
use super::tls;
use super::url::Url;
use super::websocket::{WebSocket, close_socket};
use crate::transport::Transport;
use crate::wire::{CloseCode, PROTOCOL_BEARER, PROTOCOL_JSON, PROTOCOL_RESUME, Welcome};

/// The largest message accepted from a server.
const MAX_MESSAGE: usize = 16 << 20;
/// The size of the read buffer and of the write buffer.
const BUFFER: usize = 16 << 10;

/// A connection that the server has welcomed.
pub(super) struct Connected {
    pub(super) socket: WebSocket,
    pub(super) welcome: Welcome,
}

/// Dials the URL of one client.
pub(super) struct Dialer {
    url: Url,
    /// For `wss://`.
    tls: Option<tls::Connector>,
}

impl Dialer {
    pub(super) fn new(options: &Options) -> Result<Self, ConnectError> {
        let url = Url::parse(&options.url)?;
        let tls = if url.is_tls { Some(tls::connector(options)?) } else { None };
        Ok(Self { url, tls })
    }

    /// Host, port and path, for logs.
    pub(super) fn address_and_path(&self) -> String {
        format!("{}{}", self.url.address, self.url.uri.path())
    }

    /// Dials once. `resume`: the secret and number that resume a session.
    pub(super) async fn dial(
        &self,
        options: &Options,
        resume: Option<&str>,
    ) -> Result<Connected, ConnectError> {
        let request = self.request(options, resume).await?;
        let after = options.connect_timeout;
        match timeout(after, self.connect(options, request, resume.is_some())).await {
            Ok(connected) => connected,
            Err(_) => Err(ConnectError::TimedOut { after }),
        }
    }

    async fn request(
        &self,
        options: &Options,
        resume: Option<&str>,
    ) -> Result<Request<()>, ConnectError> {
        let mut request =
            self.url.uri.clone().into_client_request().map_err(|error| self.failed(error))?;
        if let Some(headers) = &options.headers {
            let headers = await_user("headers", options, headers()).await?;
            if let Some(name) = headers.keys().find(|name| is_reserved_header(name.as_str())) {
                return Err(ConnectError::Header(name.to_string()));
            }
            // `Host` may be replaced.
            request.headers_mut().extend(headers);
        }
        let token = match &options.token {
            Some(token) => Some(await_user("token", options, token()).await?),
            None => None,
        };
        let protocols = protocols(resume, token.as_deref())?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols);
        Ok(request)
    }

    async fn connect(
        &self,
        options: &Options,
        request: Request<()>,
        resumes: bool,
    ) -> Result<Connected, ConnectError> {
        let transport = self.transport(options).await.map_err(|error| self.unreachable(error))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        // Boxed, because TLS and the handshake are large futures, which would be part of the user's.
        let stream = Box::pin(tls::secure(transport, &self.url.host, self.tls.as_ref()))
            .await
            .map_err(|error| self.unreachable(error))?;
        let (mut socket, response) = Box::pin(handshake::open(request, stream, config))
            .await
            .map_err(|error| self.failed(error))?;
        // It occurs once (RFC 6455 §11.3.4).
        if !response.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().eq([PROTOCOL_JSON]) {
            return Err(ConnectError::NotParlor);
        }
        let welcome = self.welcome(&mut socket).await?;
        if welcome.recovered && !resumes {
            close_socket(&mut socket, CloseCode::PROTOCOL).await;
            let problem = "it resumed a session without a resume request";
            return Err(ConnectError::Protocol(problem.to_owned()));
        }
        Ok(Connected { socket, welcome })
    }

    async fn transport(&self, options: &Options) -> io::Result<Transport> {
        if let Some(connector) = &options.connector {
            return connector().await.map(Transport::Other);
        }
        Ok(TcpStream::connect(&self.url.address).await?.into())
    }

    async fn welcome(&self, socket: &mut WebSocket) -> Result<Welcome, ConnectError> {
        loop {
            return match socket.next().await {
                Some(Ok(Message::Text(text))) => read_welcome(&text),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = CloseCode::from_frame(frame);
                    close_socket(socket, code).await;
                    Err(ConnectError::Closed { code, reason })
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(_)) => Err(no_welcome()),
                Some(Err(error)) => Err(self.failed(error)),
                None => Err(ConnectError::Closed {
                    code: CloseCode::ABNORMAL,
                    reason: "the connection was lost".to_owned(),
                }),
            };
        }
    }

    fn unreachable(&self, error: io::Error) -> ConnectError {
        ConnectError::Unreachable { host: self.url.address.clone(), error }
    }

    fn failed(&self, error: Error) -> ConnectError {
        match error {
            Error::Io(error) => self.unreachable(error),
            Error::Protocol(ProtocolError::HttparseError(error)) => {
                let hint =
                    if self.tls.is_none() { "; for a server with TLS, use wss://" } else { "" };
                ConnectError::Protocol(format!("its answer is not HTTP/1.1: {error}{hint}"))
            }
            Error::Http(response) => ConnectError::Http { status: response.status().as_u16() },
            error => ConnectError::Protocol(error.to_string()),
        }
    }
}

fn read_welcome(text: &str) -> Result<Welcome, ConnectError> {
    Welcome::parse(text).ok_or_else(no_welcome)?.map_err(|error| {
        ConnectError::Protocol(format!("its `$welcome` cannot be decoded: {error}"))
    })
}

fn no_welcome() -> ConnectError {
    ConnectError::Protocol("its first message is not `$welcome`".to_owned())
}

/// Awaits a user's function, for at most `connect_timeout`.
async fn await_user<T>(
    setter: &'static str,
    options: &Options,
    value: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, ConnectError> {
    match timeout(options.connect_timeout, value).await {
        Ok(value) => value.map_err(|error| ConnectError::Credentials { setter, error }),
        Err(elapsed) => Err(ConnectError::Credentials { setter, error: elapsed.into() }),
    }
}

/// The value of `Sec-WebSocket-Protocol`.
fn protocols(resume: Option<&str>, token: Option<&str>) -> Result<HeaderValue, ConnectError> {
    let mut offered = PROTOCOL_JSON.to_owned();
    if let Some(resume) = resume {
        offered = format!("{offered}, {PROTOCOL_RESUME}{resume}");
    }
    if let Some(token) = token {
        offered =
            format!("{offered}, {PROTOCOL_BEARER}{}", BASE64URL_NOPAD.encode(token.as_bytes()));
    }
    let mut value = HeaderValue::try_from(offered)
        .map_err(|error| ConnectError::Credentials { setter: "token", error: error.into() })?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_reserved_header(header: &str) -> bool {
    matches!(header, "connection" | "upgrade") || header.starts_with("sec-websocket-")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::SinkExt;
    use http::Response;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_tungstenite::MaybeTlsStream;
    use tungstenite::handshake::derive_accept_key;

    use super::*;
    use crate::transport::Stream;

    #[cfg(not(feature = "rustls"))]
    #[test]
    fn wss_url_fails_without_feature() {
        let dialer = Dialer::new(&Options::new("wss://host/chat"));
        assert!(matches!(dialer, Err(ConnectError::TlsDisabled)));
    }

    #[test]
    fn address_and_path_has_no_secrets() {
        let address =
            |url| Dialer::new(&Options::new(url)).map(|dialer| dialer.address_and_path()).unwrap();
        assert_eq!(address("ws://host:1/chat?token=secret"), "host:1/chat");
        assert_eq!(address("ws://[::1]"), "[::1]:80/");
    }

    #[test]
    fn debug_hides_token() {
        let value = protocols(None, Some("a token/+")).unwrap();
        assert_eq!(value, "parlor.v1.json, parlor.bearer.YSB0b2tlbi8r");
        assert!(!format!("{value:?}").contains("parlor.bearer"), "{value:?}");
    }

    #[test]
    fn debug_hides_resume_secret() {
        let value = protocols(Some("AZaz09-_AZaz09-_AZaz09.7"), Some("a token/+")).unwrap();
        let expected =
            "parlor.v1.json, parlor.resume.AZaz09-_AZaz09-_AZaz09.7, parlor.bearer.YSB0b2tlbi8r";
        assert_eq!(value, expected);
        assert!(!format!("{value:?}").contains("AZaz"), "{value:?}");
    }

    /// Dials a server that responds with these header lines besides `Sec-WebSocket-Accept`.
    async fn dial_response(lines: &[&str]) -> Result<Connected, ConnectError> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let ours = Mutex::new(Some(ours));
        let mut options = Options::new("ws://host/chat");
        options.connector = Some(Arc::new(move || {
            let stream = ours.lock().unwrap().take().unwrap();
            Box::pin(async { Ok(Box::new(stream) as Box<dyn Stream>) })
        }));
        let respond = async {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                theirs.read_buf(&mut request).await.unwrap();
            }
            let request = String::from_utf8(request).unwrap();
            let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let accept = derive_accept_key(key.unwrap().as_bytes());
            let response = format!(
                "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n{}\r\n\r\n",
                lines.join("\r\n")
            );
            let welcome = r#"["$welcome",{"received":0}]"#;
            let frame =
                [&[0x81, u8::try_from(welcome.len()).unwrap()], welcome.as_bytes()].concat();
            theirs.write_all(&[response.as_bytes(), &frame].concat()).await.unwrap();
            theirs
        };
        let dialer = Dialer::new(&options).unwrap();
        tokio::join!(dialer.dial(&options, None), respond).0
    }

    const PROTOCOL: &str = "Sec-WebSocket-Protocol: parlor.v1.json";

    #[tokio::test]
    async fn list_fields_of_response_are_read_as_lists() {
        for lines in [
            &["Connection: Upgrade", "Upgrade: websocket"][..],
            &["Connection: upgrade, keep-alive", "Upgrade: WebSocket"],
            &["Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket"],
            &["Connection:\tkeep-alive\t,upgrade", "Upgrade: , websocket"],
        ] {
            let connected = dial_response(&[lines, &[PROTOCOL]].concat()).await;
            assert!(connected.is_ok(), "{lines:?}: {:?}", connected.err());
        }
    }

    #[tokio::test]
    async fn response_without_upgrade_or_with_contradiction_is_refused() {
        let (connection, upgrade) = ("Connection: Upgrade", "Upgrade: websocket");
        for lines in [
            &[connection, PROTOCOL][..],
            &[upgrade, PROTOCOL],
            &["Connection: no upgrade", upgrade, PROTOCOL],
            &[connection, "Upgrade: websockets", PROTOCOL],
            &[connection, upgrade, PROTOCOL, "Sec-WebSocket-Accept: AAAA"],
            &[connection, upgrade, PROTOCOL, "Sec-WebSocket-Protocol: other"],
            &[connection, upgrade],
        ] {
            assert!(dial_response(lines).await.is_err(), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn answer_of_tls_server_has_error_that_names_wss() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let dialer = Dialer::new(&Options::new("ws://host/chat")).unwrap();
        let request = "ws://host/chat".into_client_request().unwrap();
        let stream = MaybeTlsStream::Plain(Transport::Other(Box::new(ours)));
        // The alert `protocol_version`.
        theirs.write_all(b"\x15\x03\x01\x00\x02\x02\x46").await.unwrap();
        let opened = handshake::open(request, stream, WebSocketConfig::default()).await;
        let error = dialer.failed(opened.map(drop).unwrap_err()).to_string();
        assert!(error.contains("wss://"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    #[allow(clippy::result_large_err, reason = "tungstenite's callback returns a whole response")]
    async fn dial_uses_stream_of_connector() {
        let (ours, theirs) = tokio::io::duplex(1 << 10);
        let ours = Mutex::new(Some(ours));
        let mut options = Options::new("ws://nowhere.invalid/chat?key=7");
        options.connector = Some(Arc::new(move || {
            let stream =
                ours.lock().unwrap().take().map(|stream| Box::new(stream) as Box<dyn Stream>);
            Box::pin(async { stream.ok_or_else(|| io::ErrorKind::NotConnected.into()) })
        }));
        let serve = async {
            let mut requested = String::new();
            let record = |request: &Request<()>, mut response: Response<()>| {
                requested = format!("{:?} {}", request.headers().get("host"), request.uri());
                let protocol = HeaderValue::from_static(PROTOCOL_JSON);
                response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
                Ok(response)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(theirs, record).await.unwrap();
            socket.send(Message::text(r#"["$welcome",{"received":0}]"#)).await.unwrap();
            (requested, socket)
        };
        let dialer = Dialer::new(&options).unwrap();
        let (connected, (requested, _socket)) = tokio::join!(dialer.dial(&options, None), serve);
        assert!(!connected.unwrap().welcome.recovered);
        assert_eq!(requested, r#"Some("nowhere.invalid") /chat?key=7"#);
        let error = dialer.dial(&options, None).await.map(drop).unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    }
}
