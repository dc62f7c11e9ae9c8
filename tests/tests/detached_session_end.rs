//! Sessions that end while they are detached or while a resume request waits.

use std::sync::Arc;
use std::time::Duration;

use parlor::prelude::*;
use parlor::server::{Limits, Recovery};
use parlor::wire::CloseCode;
use parlor::{DisconnectReason, Io, Router};
use parlor_tests::{
    Closed, ProbeEmitter, ProbeServer, ProbeSession, RawClient, TestServer, Welcomed, secret,
    serve_probe, wait_for_connections, within_timeout,
};
use serde_json::json;
use tokio::sync::Semaphore;

/// Detaches a session whose handler waits at the gate, after sending `then`. Returns its secret.
async fn detach_with_waiting_handler(
    running: &TestServer,
    io: &Io<ProbeEmitter>,
    then: &[&str],
) -> String {
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("enter", json!({"room": "a"}), 0).await;
    client.send(r#"["wait",{},1]"#).await;
    for text in then {
        client.send(*text).await;
    }
    client.ping().await;
    drop(client);
    wait_for_connections(io, 0).await;
    secret(&welcome).to_owned()
}

#[tokio::test]
async fn client_of_expired_session_with_running_handler_gets_fresh_session() {
    let window = Duration::from_millis(50);
    let recovery = Recovery { window, ..Recovery::default() };
    let (running, io, mut reports) = serve_probe(|server| server.recovery(recovery)).await;
    let secret = detach_with_waiting_handler(&running, &io, &[]).await;
    // A second request gets the same reason.
    let resumed = RawClient::resumed(running.addr, "/probe", &secret, 1).await;
    assert_eq!(resumed.welcome["reason"], json!("expired"));
    let again = RawClient::resumed(running.addr, "/probe", &secret, 1).await;
    assert_eq!(again.welcome["reason"], json!("expired"));
    assert!(reports.ended.try_recv().is_err(), "its handler still runs");
    reports.gate.add_permits(1);
    assert!(matches!(reports.end().await, DisconnectReason::ConnectionLost { .. }));
}

#[tokio::test]
async fn received_events_are_handled_after_recovery_window() {
    let window = Duration::from_millis(50);
    let with_limits = |server: ProbeServer<ProbeSession>| {
        server
            .recovery(Recovery { window, ..Recovery::default() })
            .limits(Limits { max_outbox_size: 1000, ..Limits::default() })
    };
    let (running, io, mut reports) = serve_probe(with_limits).await;
    let mut bob = RawClient::parlor(running.addr, "/probe").await;
    bob.call("enter", json!({"room": "a"}), 0).await;
    // It is closed as too slow, because it acknowledges nothing.
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("enter", json!({"room": "b"}), 0).await;
    client.send(r#"["wait",{},1]"#).await;
    client.emit("shout", json!({"room": "a", "text": "hi"})).await;
    client.ping().await;
    // Without a yield, so that nothing is written in between.
    for _ in 0..2 {
        io.to("b").said("b", "x".repeat(600), "");
    }
    assert_eq!(client.closed().await.code, 4000);
    let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 1).await;
    assert_eq!(resumed.welcome["reason"], json!("expired"));
    reports.gate.add_permits(1);
    assert_eq!(bob.receive().await[1]["text"], "hi");
    assert_eq!(reports.end().await, DisconnectReason::TooSlow);
}

#[tokio::test]
async fn detached_session_can_be_ended_by_server() {
    for ended_by in ["disconnect", "close_all", "close"] {
        let (running, io, mut reports) = serve_probe(|server| server).await;
        let then: &[&str] = if ended_by == "close" { &[r#"["quit",{"code":4400}]"#] } else { &[] };
        let secret = detach_with_waiting_handler(&running, &io, then).await;
        match ended_by {
            "disconnect" => assert_eq!(io.disconnect("a").await, 1),
            "close_all" => assert_eq!(io.close_all(4400), 1),
            _ => {}
        }
        reports.gate.add_permits(1);
        let reason = reports.end().await;
        match ended_by {
            "disconnect" => assert_eq!(reason, DisconnectReason::Disconnected),
            _ => assert!(
                matches!(reason, DisconnectReason::Closed { code: CloseCode(4400), .. }),
                "{reason}"
            ),
        }
        let resumed = RawClient::resumed(running.addr, "/probe", &secret, 1).await;
        assert_eq!(resumed.welcome["reason"], json!("ended"), "{ended_by}");
        assert_eq!(io.connections(), 1);
    }
}

#[tokio::test]
async fn handler_of_detached_session_is_cancelled_by_cut() {
    let (running, io, mut reports) = serve_probe(|server| server).await;
    detach_with_waiting_handler(&running, &io, &[]).await;
    running.cut().await;
    assert_eq!(reports.end().await, DisconnectReason::ShutDown);
}

#[tokio::test]
async fn resume_request_that_timed_out_is_not_granted_later() {
    let (running, _io, reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.send(r#"["wait",{},1]"#).await;
    client.ping().await;
    let protocols = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let addr = running.addr;
    let refused = tokio::spawn(async move {
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        RawClient::open(addr, "/probe", &headers).await.expect("accepted").closed().await
    });
    // Three further connections are served, so the resume request waits for its session by now.
    for _ in 0..3 {
        drop(RawClient::parlor(addr, "/probe").await);
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let busy = Closed { code: 4003, reason: "the session is busy".to_owned() };
    assert_eq!(refused.await.expect("no panic"), busy);
    // The session is unchanged: `resumed` has not run, and its connection is open.
    reports.gate.add_permits(2);
    assert_eq!(client.receive().await, json!(["$ok", 0, 1]));
    assert_eq!(client.call("wait", json!({}), 2).await, json!(["$ok", 0, 2]));
}

#[tokio::test]
async fn later_of_two_concurrent_resume_requests_gets_session() {
    let (running, io, reports) = serve_probe(|server| server).await;
    let secret = detach_with_waiting_handler(&running, &io, &[]).await;
    let addr = running.addr;
    let protocols = format!("parlor.v1.json, parlor.resume.{secret}.1");
    let first = tokio::spawn(async move {
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        RawClient::open(addr, "/probe", &headers).await.expect("accepted").closed().await
    });
    for _ in 0..3 {
        drop(RawClient::parlor(addr, "/probe").await);
    }
    let second = tokio::spawn(async move { RawClient::resumed(addr, "/probe", &secret, 1).await });
    assert_eq!(first.await.expect("no panic").code, 4003);
    reports.gate.add_permits(1);
    let Welcomed { mut client, welcome } = second.await.expect("no panic");
    assert_eq!(welcome["recovered"], json!(true));
    assert_eq!(client.receive().await, json!(["$ok", 0, 1]));
    client.assert_nothing_received().await;
}

#[tokio::test]
async fn panicking_identity_rejects_connection_and_keeps_session() {
    let identity = |request: &Request| {
        assert_ne!(request.query(), Some("crash"), "on purpose");
    };
    let (running, _io, mut reports) = serve_probe(|server| server.identity(identity)).await;
    let Welcomed { mut client, welcome } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    let protocols = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let headers = [("sec-websocket-protocol", protocols.as_str())];
    let mut crashed =
        RawClient::open(running.addr, "/probe?crash", &headers).await.expect("accepted");
    assert_eq!(crashed.closed().await.code, 4003);
    client.assert_nothing_received().await;
    let resumed = RawClient::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["recovered"], json!(true));
    assert!(reports.ended.try_recv().is_err());
}

#[procedure]
trait Panicking {
    #[incoming]
    async fn crash(&mut self);
}

/// A session whose `disconnected` reports its start, waits for the gate and reports its end.
struct PanickingSession {
    reports: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Panicking for PanickingSession {
    async fn crash(&mut self) {
        panic!("on purpose");
    }

    async fn disconnected(&mut self, _reason: DisconnectReason) {
        self.reports.add_permits(1);
        self.gate.acquire().await.expect("the gate is never closed").forget();
        self.reports.add_permits(1);
    }
}

#[tokio::test]
async fn panicked_session_cannot_be_resumed() {
    let (reports, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let shared = (Arc::clone(&reports), Arc::clone(&gate));
    let server = PanickingServer::new(move |_socket: PanickingSocket| {
        let (reports, gate) = shared.clone();
        async move { Ok(PanickingSession { reports, gate }) }
    });
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/panicking", server)).await;
    let mut bob = RawClient::parlor(running.addr, "/panicking").await;
    let Welcomed { mut client, welcome } =
        RawClient::welcomed(running.addr, "/panicking", &[]).await;
    client.emit("crash", json!({})).await;
    within_timeout("`disconnected`", reports.acquire()).await.expect("open").forget();
    // The connection is lost meanwhile.
    drop(client);
    bob.assert_nothing_received().await;
    let resumed = RawClient::resumed(running.addr, "/panicking", secret(&welcome), 0).await;
    assert_eq!(resumed.welcome["reason"], json!("ended"));
    gate.add_permits(1);
    within_timeout("the end of `disconnected`", reports.acquire()).await.expect("open").forget();
    // Bob and the fresh session: the panicked session is not kept.
    wait_for_connections(&io, 2).await;
}
