//! One attempt to connect: credentials, TCP, TLS, handshake, welcome.

use std::future::Future;
use std::io;

use data_encoding::BASE64URL_NOPAD;
use futures_util::StreamExt;
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{Request, Uri};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use super::connection::farewell;
use super::error::{BoxError, ConnectError};
use super::options::Options;
use super::tls;
use super::welcome::Welcome;
use crate::transport::Transport;
use crate::wire::{CloseCode, PROTOCOL_BEARER, PROTOCOL_JSON, PROTOCOL_RESUME};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<Transport>>;

/// The largest message that is taken from a server.
const MAX_MESSAGE: usize = 16 << 20;
/// What is read and written at once.
const BUFFER: usize = 16 << 10;

/// A connection that the server has welcomed.
pub(super) struct Link {
    pub(super) socket: Socket,
    pub(super) welcome: Welcome,
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

    /// Makes one attempt, with what is offered to `resume` a session, if one may be.
    pub(super) async fn dial(
        &self,
        options: &Options,
        resume: Option<&str>,
    ) -> Result<Link, ConnectError> {
        let request = self.request(options, resume).await?;
        let after = options.connect_timeout;
        match timeout(after, self.connect(options, request, resume.is_some())).await {
            Ok(link) => link,
            Err(_) => Err(ConnectError::TimedOut { after }),
        }
    }

    async fn request(
        &self,
        options: &Options,
        resume: Option<&str>,
    ) -> Result<Request<()>, ConnectError> {
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
        let protocols = protocols(resume, token.as_deref())?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocols);
        Ok(request)
    }

    async fn connect(
        &self,
        options: &Options,
        request: Request<()>,
        resumes: bool,
    ) -> Result<Link, ConnectError> {
        let transport = self
            .transport(options)
            .await
            .map_err(|error| ConnectError::Unreachable { host: self.address.clone(), error })?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        // tungstenite's handshake is a large future, and the user's would hold it.
        let (mut socket, response) =
            Box::pin(tls::open(request, transport, config, self.tls.clone()))
                .await
                .map_err(|error| self.failed(error))?;
        let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
        if chosen.is_none_or(|protocol| protocol != PROTOCOL_JSON) {
            return Err(ConnectError::NotParlor);
        }
        let welcome = self.welcome(&mut socket).await?;
        if welcome.recovered && !resumes {
            farewell(&mut socket, CloseCode::PROTOCOL).await;
            let problem = "its welcome resumes a session that was not asked for";
            return Err(ConnectError::Protocol(problem.to_owned()));
        }
        Ok(Link { socket, welcome })
    }

    async fn transport(&self, options: &Options) -> io::Result<Transport> {
        if let Some(connector) = &options.connector {
            return connector().await.map(Transport::Other);
        }
        Ok(TcpStream::connect(&self.address).await?.into())
    }

    async fn welcome(&self, socket: &mut Socket) -> Result<Welcome, ConnectError> {
        loop {
            return match socket.next().await {
                Some(Ok(Message::Text(text))) => Welcome::read(&text),
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = CloseCode::said(frame);
                    farewell(socket, code).await;
                    Err(ConnectError::Closed { code, reason })
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(_)) => Err(Welcome::missing()),
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

fn is_handshakes_own(header: &str) -> bool {
    matches!(header, "connection" | "upgrade") || header.starts_with("sec-websocket-")
}

fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::SinkExt;
    use http::Response;

    use super::*;
    use crate::transport::Stream;

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
    fn a_token_is_not_shown() {
        let value = protocols(None, Some("a token/+")).unwrap();
        assert_eq!(value, "parlor.v1.json, parlor.bearer.YSB0b2tlbi8r");
        assert!(!format!("{value:?}").contains("parlor.bearer"), "{value:?}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let value = protocols(Some("AZaz09-_AZaz09-_AZaz09.7"), Some("a token/+")).unwrap();
        let expected =
            "parlor.v1.json, parlor.resume.AZaz09-_AZaz09-_AZaz09.7, parlor.bearer.YSB0b2tlbi8r";
        assert_eq!(value, expected);
        assert!(!format!("{value:?}").contains("AZaz"), "{value:?}");
    }

    #[tokio::test(start_paused = true)]
    #[allow(clippy::result_large_err, reason = "tungstenite's callback returns a whole response")]
    async fn connects_over_what_the_connector_opens() {
        let (ours, theirs) = tokio::io::duplex(1 << 10);
        let ours = Mutex::new(Some(ours));
        let mut options = Options::new("ws://nowhere.invalid/chat?key=7");
        options.connector = Some(Arc::new(move || {
            let stream =
                ours.lock().unwrap().take().map(|stream| Box::new(stream) as Box<dyn Stream>);
            Box::pin(async { stream.ok_or_else(|| io::ErrorKind::NotConnected.into()) })
        }));
        let serve = async {
            let mut asked = String::new();
            let note = |request: &Request<()>, mut response: Response<()>| {
                asked = format!("{:?} {}", request.headers().get("host"), request.uri());
                let protocol = HeaderValue::from_static(PROTOCOL_JSON);
                response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
                Ok(response)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(theirs, note).await.unwrap();
            socket.send(Message::text(r#"["$welcome",{"received":0}]"#)).await.unwrap();
            (asked, socket)
        };
        let dialer = Dialer::new(&options).unwrap();
        let (link, (asked, _socket)) = tokio::join!(dialer.dial(&options, None), serve);
        assert!(!link.unwrap().welcome.recovered);
        assert_eq!(asked, r#"Some("nowhere.invalid") /chat?key=7"#);
        let error = dialer.dial(&options, None).await.map(drop).unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    }
}
