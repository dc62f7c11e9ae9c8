//! `detached` and `resumed`: a session is told when its connection is lost and when its client is back.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parlor::prelude::*;
use parlor::server::{Limits, Timeouts};
use parlor::test::{End, Network, settle};
use parlor::{DisconnectReason, Router};
use parlor_tests::{RawClient, TestServer, Welcomed, secret, wait_for_connections, within_timeout};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

#[procedure]
trait Presence {
    /// Joins the room "all".
    #[incoming]
    async fn enter(&mut self) -> bool;
    /// Reports `text`.
    #[incoming]
    async fn report(&mut self, text: String);
    /// Waits for a permit of the test's gate.
    #[incoming]
    async fn wait(&mut self);
    /// Emits 20 000 bytes to its own client.
    #[incoming]
    async fn fill(&mut self);

    #[outgoing]
    fn away(text: String);
}

/// What `detached` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detached {
    Emits,
    Panics,
    Hangs,
}

struct Session {
    socket: PresenceSocket,
    reports: mpsc::UnboundedSender<String>,
    gate: Arc<Semaphore>,
    detached: Detached,
}

impl Session {
    fn report(&self, text: impl Into<String>) {
        // The test may have ended.
        let _ = self.reports.send(text.into());
    }
}

impl Presence for Session {
    async fn enter(&mut self) -> bool {
        self.socket.join("all").is_ok()
    }
    async fn report(&mut self, text: String) {
        Session::report(self, text);
    }
    async fn wait(&mut self) {
        Session::report(self, "waits");
        self.gate.acquire().await.expect("open").forget();
        Session::report(self, "waited");
    }
    async fn fill(&mut self) {
        for _ in 0..20 {
            self.socket.emit().away("x".repeat(1000));
        }
    }
    async fn detached(&mut self) {
        Session::report(self, "detached");
        match self.detached {
            Detached::Emits => {
                self.socket.to("all").away("to the room");
                self.socket.emit().away("to its own client");
            }
            Detached::Panics => panic!("on purpose"),
            Detached::Hangs => pending().await,
        }
    }
    async fn resumed(&mut self, request: Request) -> Result<(), Reject> {
        if request.bearer_token().as_deref() == Some("wrong") {
            return Err(Reject::unauthorized("a wrong token"));
        }
        if request.bearer_token().as_deref() == Some("slow") {
            Presence::wait(self).await;
        }
        Session::report(self, "resumed");
        Ok(())
    }
    async fn disconnected(&mut self, reason: DisconnectReason) {
        let reason = match reason {
            DisconnectReason::ConnectionLost { .. } => "ConnectionLost".to_owned(),
            DisconnectReason::ClientClosed { .. } => "ClientClosed".to_owned(),
            reason => format!("{reason:?}"),
        };
        Session::report(self, format!("disconnected: {reason}"));
    }
}

struct Fixture {
    running: TestServer,
    reports: mpsc::UnboundedReceiver<String>,
    gate: Arc<Semaphore>,
    io: PresenceIo,
}

/// A server, what its sessions report, and their gate.
fn presence(
    detached: Detached,
) -> (PresenceServer<Session>, mpsc::UnboundedReceiver<String>, Arc<Semaphore>) {
    let (sender, reports) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let session_gate = Arc::clone(&gate);
    let presence = PresenceServer::new(move |socket| {
        let (reports, gate) = (sender.clone(), Arc::clone(&session_gate));
        async move { Ok(Session { socket, reports, gate, detached }) }
    });
    (presence, reports, gate)
}

async fn serve(
    detached: Detached,
    configure: impl FnOnce(PresenceServer<Session>) -> PresenceServer<Session>,
) -> Fixture {
    let (presence, reports, gate) = presence(detached);
    let presence = configure(presence);
    let io = presence.io();
    let running = TestServer::start(Router::new().procedure("/presence", presence)).await;
    Fixture { running, reports, gate, io }
}

impl Fixture {
    async fn connect(&self) -> Welcomed {
        RawClient::welcomed(self.running.addr, "/presence", &[]).await
    }

    async fn resume(&self, welcome: &Value, received: u64) -> Welcomed {
        let secret = secret(welcome);
        RawClient::resumed(self.running.addr, "/presence", secret, received).await
    }

    async fn reported(&mut self) -> String {
        within_timeout("a report", self.reports.recv()).await.expect("a session")
    }

    async fn assert_reports(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.reported().await, *expected);
        }
    }
}

fn away(text: &str) -> Value {
    json!(["away", {"text": text}])
}

#[tokio::test]
async fn lost_connection_runs_detached_and_its_emits_arrive() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let mut other = RawClient::parlor(fixture.running.addr, "/presence").await;
    other.call("enter", json!({}), 1).await;
    let Welcomed { mut client, welcome } = fixture.connect().await;
    client.call("enter", json!({}), 1).await;
    drop(client);
    fixture.assert_reports(&["detached"]).await;
    assert_eq!(other.receive().await, away("to the room"));
    let Welcomed { mut client, welcome } = fixture.resume(&welcome, 1).await;
    assert_eq!(welcome["recovered"], true);
    assert_eq!(client.receive().await, away("to its own client"));
    client.close(1000).await;
    fixture.assert_reports(&["resumed", "disconnected: ClientClosed"]).await;
}

#[tokio::test]
async fn each_loss_runs_detached_once() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let mut last = fixture.connect().await;
    for received in 0..3 {
        drop(last.client);
        fixture.assert_reports(&["detached"]).await;
        last = fixture.resume(&last.welcome, received).await;
        assert_eq!(last.welcome["recovered"], true);
        assert_eq!(last.client.receive().await, away("to its own client"));
        fixture.assert_reports(&["resumed"]).await;
    }
    drop(last.client);
    fixture.assert_reports(&["detached"]).await;
    fixture.io.drain();
    fixture.assert_reports(&["disconnected: ShutDown"]).await;
}

#[tokio::test]
async fn connection_closed_as_too_slow_runs_detached() {
    let limits = Limits { max_outbox_size: 10_000, ..Limits::default() };
    let mut fixture = serve(Detached::Emits, |server| server.limits(limits)).await;
    let Welcomed { mut client, .. } = fixture.connect().await;
    client.emit("fill", json!({})).await;
    fixture.assert_reports(&["detached"]).await;
    assert_eq!(client.closed().await.code, 4000);
}

#[tokio::test]
async fn loss_during_handler_runs_detached_after_messages_that_were_read() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let Welcomed { mut client, .. } = fixture.connect().await;
    client.emit("wait", json!({})).await;
    client.emit("report", json!({"text": "read ahead"})).await;
    client.ping().await;
    fixture.assert_reports(&["waits"]).await;
    drop(client);
    wait_for_connections(&fixture.io, 0).await;
    fixture.gate.add_permits(1);
    fixture.assert_reports(&["waited", "read ahead", "detached"]).await;
}

#[tokio::test]
async fn client_that_is_back_before_detached_gets_resumed_after_it() {
    let (server, mut reports, gate) = presence(Detached::Emits);
    let io = server.io();
    let server = server.middleware(move |request| {
        // The handler ends when the request waits for the session: nothing is awaited in between.
        gate.add_permits(usize::from(request.headers().contains_key("x-ends-handler")));
        async { Ok(request) }
    });
    let network = Network::new(Router::new().procedure("/presence", server));
    let Welcomed { mut client, welcome } =
        open(&network, "parlor.v1.json").await.take_welcome().await;
    client.emit("wait", json!({})).await;
    assert_eq!(reports.recv().await.as_deref(), Some("waits"));
    drop(client);
    wait_for_connections(&io, 0).await;
    let protocols = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let headers = [("sec-websocket-protocol", protocols.as_str()), ("x-ends-handler", "")];
    let end = network.line().dial().expect("a connection");
    let resumed = RawClient::over(end, "ws://localhost/presence", &headers).await;
    let Welcomed { welcome, .. } = resumed.expect("accepted").take_welcome().await;
    assert_eq!(welcome["recovered"], true);
    for expected in ["waited", "detached", "resumed"] {
        assert_eq!(reports.recv().await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn resume_over_an_open_connection_runs_resumed_only() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let Welcomed { client: before, welcome } = fixture.connect().await;
    let Welcomed { mut client, welcome } = fixture.resume(&welcome, 0).await;
    assert_eq!(welcome["recovered"], true);
    client.emit("report", json!({"text": "still here"})).await;
    fixture.assert_reports(&["resumed", "still here"]).await;
    drop((before, client));
    fixture.assert_reports(&["detached"]).await;
}

#[tokio::test]
async fn session_that_ends_with_its_connection_runs_disconnected_only() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    drop(RawClient::plain(fixture.running.addr, "/presence").await);
    fixture.assert_reports(&["disconnected: ConnectionLost"]).await;
    fixture.connect().await.client.close(1000).await;
    fixture.assert_reports(&["disconnected: ClientClosed"]).await;
    let Welcomed { client, .. } = fixture.connect().await;
    fixture.io.drain();
    fixture.assert_reports(&["disconnected: ShutDown"]).await;
    drop(client);
    fixture.running.stop().await;
    assert_eq!(fixture.reports.try_recv().ok(), None);
}

#[tokio::test]
async fn session_that_is_drained_before_detached_runs_it_before_disconnected() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let Welcomed { mut client, .. } = fixture.connect().await;
    client.emit("wait", json!({})).await;
    fixture.assert_reports(&["waits"]).await;
    drop(client);
    wait_for_connections(&fixture.io, 0).await;
    fixture.io.drain();
    fixture.gate.add_permits(1);
    fixture.assert_reports(&["waited", "detached", "disconnected: ShutDown"]).await;
    fixture.running.stop().await;
}

#[tokio::test]
async fn panic_in_detached_ends_its_session() {
    let mut fixture = serve(Detached::Panics, |server| server).await;
    let Welcomed { client, welcome } = fixture.connect().await;
    drop(client);
    fixture.assert_reports(&["detached", "disconnected: HandlerPanicked"]).await;
    let Welcomed { welcome, .. } = fixture.resume(&welcome, 0).await;
    assert_eq!(welcome["recovered"], false);
}

/// A connection without sockets, for tests that pause the clock.
async fn open(network: &Network, protocols: &str) -> RawClient<End> {
    let end = network.line().dial().expect("a connection");
    let headers = [("sec-websocket-protocol", protocols)];
    RawClient::over(end, "ws://localhost/presence", &headers).await.expect("accepted")
}

#[tokio::test(start_paused = true)]
async fn detached_is_cancelled_after_handler_timeout_and_by_shutdown() {
    let (server, mut reports, _gate) = presence(Detached::Hangs);
    let timeouts = Timeouts { handler: Some(Duration::from_secs(2)), ..Timeouts::default() };
    let network = Network::new(Router::new().procedure("/presence", server.timeouts(timeouts)));
    let Welcomed { client, welcome } = open(&network, "parlor.v1.json").await.take_welcome().await;
    drop(client);
    assert_eq!(reports.recv().await.as_deref(), Some("detached"));
    let resume = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let Welcomed { welcome, .. } = open(&network, &resume).await.take_welcome().await;
    assert_eq!(welcome["recovered"], true);
    assert_eq!(reports.recv().await.as_deref(), Some("resumed"));

    let (server, mut reports, _gate) = presence(Detached::Hangs);
    let network = Network::new(Router::new().procedure("/presence", server));
    drop(open(&network, "parlor.v1.json").await.take_welcome().await);
    assert_eq!(reports.recv().await.as_deref(), Some("detached"));
    network.shut_down().await;
    assert_eq!(reports.recv().await.as_deref(), Some("disconnected: ShutDown"));
}

#[tokio::test]
async fn resume_with_wrong_number_of_received_frames_does_not_run_resumed() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let Welcomed { mut client, welcome } = fixture.connect().await;
    // The client has received one counted frame, and confirms it.
    client.call("enter", json!({}), 1).await;
    client.send(r#"["$ack",1]"#).await;
    client.ping().await;
    drop(client);
    fixture.assert_reports(&["detached"]).await;
    for received in [1000, u64::MAX, 0] {
        let mut fresh = fixture.resume(&welcome, received).await;
        assert_eq!(fresh.welcome["recovered"], false, "{received}");
        fresh.client.close(1000).await;
        fixture.assert_reports(&["disconnected: ClientClosed"]).await;
    }
    assert_eq!(fixture.resume(&welcome, 1).await.welcome["recovered"], true);
    fixture.assert_reports(&["resumed"]).await;
}

#[tokio::test(start_paused = true)]
async fn client_that_is_gone_when_resumed_has_run_runs_detached_again() {
    let (server, mut reports, gate) = presence(Detached::Emits);
    let network = Network::new(Router::new().procedure("/presence", server));
    let Welcomed { client, welcome } = open(&network, "parlor.v1.json").await.take_welcome().await;
    drop(client);
    assert_eq!(reports.recv().await.as_deref(), Some("detached"));
    let resume =
        format!("parlor.v1.json, parlor.resume.{}.0, parlor.bearer.c2xvdw", secret(&welcome));
    // The request is rejected after 10 s, while `resumed` waits.
    assert_eq!(open(&network, &resume).await.closed().await.code, 4003);
    assert_eq!(reports.recv().await.as_deref(), Some("waits"));
    gate.add_permits(1);
    for expected in ["waited", "resumed", "detached"] {
        assert_eq!(reports.recv().await.as_deref(), Some(expected));
    }
    settle().await;
    assert!(reports.is_empty());
}

#[tokio::test(start_paused = true)]
async fn client_that_is_gone_before_resumed_runs_does_not_run_it() {
    let (server, mut reports, gate) = presence(Detached::Emits);
    let network = Network::new(Router::new().procedure("/presence", server));
    let Welcomed { mut client, welcome } =
        open(&network, "parlor.v1.json").await.take_welcome().await;
    client.emit("wait", json!({})).await;
    assert_eq!(reports.recv().await.as_deref(), Some("waits"));
    drop(client);
    let resume = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    assert_eq!(open(&network, &resume).await.closed().await.code, 4003);
    gate.add_permits(1);
    for expected in ["waited", "detached"] {
        assert_eq!(reports.recv().await.as_deref(), Some(expected));
    }
    settle().await;
    assert!(reports.is_empty());
}

#[tokio::test]
async fn rejected_resume_leaves_detached_to_run_once() {
    let mut fixture = serve(Detached::Emits, |server| server).await;
    let Welcomed { mut client, welcome } = fixture.connect().await;
    // Over an open connection: the session keeps it.
    let protocols =
        format!("parlor.v1.json, parlor.resume.{}.0, parlor.bearer.d3Jvbmc", secret(&welcome));
    let headers = [("sec-websocket-protocol", protocols.as_str())];
    let mut rejected =
        RawClient::open(fixture.running.addr, "/presence", &headers).await.expect("open");
    assert_eq!(rejected.closed().await.code, 4501);
    client.emit("report", json!({"text": "still here"})).await;
    fixture.assert_reports(&["still here"]).await;
    drop(client);
    fixture.assert_reports(&["detached"]).await;
    fixture.io.drain();
    fixture.assert_reports(&["disconnected: ShutDown"]).await;
}
