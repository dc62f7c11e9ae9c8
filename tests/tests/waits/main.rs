//! Each wait ends exactly at its bound. The clock is paused, so elapsed time is exact.

mod admission;
mod client;
mod session;
mod shutdown;

use std::future::pending;
use std::sync::LazyLock;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use parlor::prelude::*;
use parlor::test::{End, Line, Network, settle};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Runtime};
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
    /// Spawns a task that never ends.
    #[incoming]
    async fn spawn_hanging(&mut self);
    /// Spawns a task on a runtime that polls no task.
    #[incoming]
    async fn spawn_on_undriven_runtime(&mut self);
    /// Closes this socket.
    #[incoming]
    async fn quit(&mut self);
    /// Does nothing.
    #[incoming]
    async fn note(&mut self);

    #[outgoing]
    fn said(text: String);
}

/// Which functions of a session never return, besides `hang`.
#[derive(Clone, Copy, Default)]
struct Never {
    factory: bool,
    resumed: bool,
    disconnected: bool,
}

/// What a session reports.
#[derive(Debug, PartialEq)]
enum Report {
    /// Its `disconnected` starts.
    Disconnected(DisconnectReason),
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

    async fn spawn_hanging(&mut self) {
        self.socket.spawn(pending());
    }

    async fn spawn_on_undriven_runtime(&mut self) {
        static UNDRIVEN: LazyLock<Runtime> =
            LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));
        let _entered = UNDRIVEN.enter();
        self.socket.spawn(pending());
    }

    async fn quit(&mut self) {
        self.socket.close();
    }

    async fn note(&mut self) {}

    async fn resumed(&mut self, _request: Request) -> Result<(), Reject> {
        if self.never.resumed { pending().await } else { Ok(()) }
    }

    async fn disconnected(&mut self, reason: DisconnectReason) {
        let _ = self.reports.send(Report::Disconnected(reason));
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

/// Waits until the next session ends and returns the reason.
async fn end(reports: &mut Reports) -> DisconnectReason {
    match reports.recv().await {
        Some(Report::Disconnected(reason)) => reason,
        other => panic!("expected the end of a session: {other:?}"),
    }
}

/// A WebSocket client independent of Parlor's. It reads and writes only when a test does.
struct RawClient(WebSocketStream<End>);

const PARLOR: &str = "parlor.v1.json";

/// Returns the subprotocols that resume a session.
fn resume_protocols(secret: &str) -> String {
    format!("{PARLOR}, parlor.resume.{secret}.0")
}

impl RawClient {
    /// Connects in Parlor mode. Returns the secret of the session, which is empty if the session is
    /// not kept.
    async fn welcomed(line: &Line) -> (Self, String) {
        let mut client = Self::open(line, "/stuck", Some(PARLOR)).await;
        let welcome = client.receive().await.expect("a welcome");
        assert_eq!(welcome[0], "$welcome");
        (client, welcome[1]["resume"].as_str().unwrap_or_default().to_owned())
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

    /// Calls `hang` and waits until it runs.
    async fn hang(&mut self) {
        self.send(r#"["hang",{},1]"#).await;
        settle().await;
    }

    async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("sent");
    }

    /// Returns the next text frame, or the close code of the server.
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

    /// Waits until the server drops its end, which does not read meanwhile.
    async fn dropped(&mut self) {
        let end = self.0.get_mut();
        while end.write_all(&[0; 1024]).await.is_ok() {}
    }
}

/// Sends a resume request. Returns when the server closes the connection, and its code.
fn resume(line: &Line, secret: &str) -> tokio::task::JoinHandle<(Instant, u16)> {
    let (line, protocols) = (line.clone(), resume_protocols(secret));
    tokio::spawn(async move {
        let mut client = RawClient::open(&line, "/stuck", Some(&protocols)).await;
        let code = client.receive().await.expect_err("closed");
        (Instant::now(), code)
    })
}
