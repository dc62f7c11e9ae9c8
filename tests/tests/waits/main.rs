//! Each wait ends at its bound and not before: the clock is paused, so elapsed time is exact.

mod admission;
mod client;
mod session;
mod shutdown;

use std::future::pending;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use parlor::prelude::*;
use parlor::test::{End, Line, Network, settle};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

const SECOND: Duration = Duration::from_secs(1);

#[procedure]
trait Stuck {
    /// Never ends.
    #[incoming]
    async fn hang(&mut self) -> bool;
    /// Closes this socket.
    #[incoming]
    async fn quit(&mut self);
    /// Does nothing.
    #[incoming]
    async fn note(&mut self);

    #[outgoing]
    fn said(text: String);
}

/// What of a session never ends, beside `hang`.
#[derive(Clone, Copy, Default)]
struct Never {
    factory: bool,
    resumed: bool,
    disconnected: bool,
}

/// What a session reports.
#[derive(Debug, PartialEq)]
enum Report {
    /// Its `disconnected` begins.
    Ends(DisconnectReason),
    /// Its value is dropped.
    Dropped,
}

struct Guest {
    socket: StuckSocket,
    never: Never,
    reports: mpsc::UnboundedSender<Report>,
}

impl Stuck for Guest {
    async fn hang(&mut self) -> bool {
        pending().await
    }

    async fn quit(&mut self) {
        self.socket.close();
    }

    async fn note(&mut self) {}

    async fn resumed(&mut self, _request: Request) -> Result<(), Reject> {
        if self.never.resumed { pending().await } else { Ok(()) }
    }

    async fn disconnected(&mut self, reason: DisconnectReason) {
        let _ = self.reports.send(Report::Ends(reason));
        if self.never.disconnected {
            pending::<()>().await;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.reports.send(Report::Dropped);
    }
}

type Reports = mpsc::UnboundedReceiver<Report>;

fn stuck(never: Never) -> (StuckServer<Guest>, Reports) {
    let (sender, reports) = mpsc::unbounded_channel();
    let server = StuckServer::new(move |socket: StuckSocket| {
        let reports = sender.clone();
        async move {
            if never.factory {
                pending::<()>().await;
            }
            Ok(Guest { socket, never, reports })
        }
    });
    (server, reports)
}

fn network(server: StuckServer<Guest>) -> Network {
    Network::new(Router::new().procedure("/stuck", server))
}

/// Why the next session ends.
async fn end(reports: &mut Reports) -> DisconnectReason {
    match reports.recv().await {
        Some(Report::Ends(reason)) => reason,
        other => panic!("the end of a session was expected: {other:?}"),
    }
}

/// A client that is not Parlor's: it reads and writes when the test says so.
struct Wire(WebSocketStream<End>);

const PARLOR: &str = "parlor.v1.json";

/// What a client offers that comes back.
fn resuming(secret: &str) -> String {
    format!("{PARLOR}, parlor.resume.{secret}.0")
}

impl Wire {
    /// Connects in Parlor mode; returns the secret of the session, if it is kept.
    async fn welcomed(line: &Line) -> (Self, String) {
        let mut wire = Self::open(line, "/stuck", Some(PARLOR)).await;
        let welcome = wire.receive().await.expect("a welcome");
        assert_eq!(welcome[0], "$welcome");
        (wire, welcome[1]["resume"].as_str().unwrap_or_default().to_owned())
    }

    async fn open(line: &Line, path: &str, protocols: Option<&str>) -> Self {
        let url = format!("ws://localhost{path}");
        let mut request = url.into_client_request().expect("a request");
        if let Some(protocols) = protocols {
            let protocols = protocols.parse().expect("a header");
            request.headers_mut().insert("sec-websocket-protocol", protocols);
        }
        let stream = line.dial().expect("a connection");
        Self(client_async(request, stream).await.expect("accepted").0)
    }

    /// Calls `hang`, and lets it begin.
    async fn hang(&mut self) {
        self.send(r#"["hang",{},1]"#).await;
        settle().await;
    }

    async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("sent");
    }

    /// The next text frame, or with which code the server has closed.
    async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// Waits until the server drops its end, which reads nothing meanwhile.
    async fn dropped(&mut self) {
        let end = self.0.get_mut();
        while end.write_all(&[0; 1024]).await.is_ok() {}
    }
}

/// Connects as a client that comes back, and returns when the server closes, and with which code.
fn come_back(line: &Line, secret: &str) -> tokio::task::JoinHandle<(Instant, u16)> {
    let (line, protocols) = (line.clone(), resuming(secret));
    tokio::spawn(async move {
        let mut wire = Wire::open(&line, "/stuck", Some(&protocols)).await;
        let code = wire.receive().await.expect_err("closed");
        (Instant::now(), code)
    })
}
