//! Sessions that end while their clients are away or about to come back.

use std::sync::Arc;
use std::time::Duration;

use parlor::prelude::*;
use parlor::{CloseCode, DisconnectReason, Io, Router};
use parlor_tests::{
    Closed, ProbeEmitter, ProbeServer, Prober, Running, Welcomed, Wire, secret, serve_probe, soon,
    until_connected,
};
use serde_json::json;
use tokio::sync::Semaphore;

/// A client whose handler waits at the gate, and whose connection is lost.
async fn away_at_the_gate(running: &Running, io: &Io<ProbeEmitter>, then: &[&str]) -> String {
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.call("enter", json!({"room": "a"}), 0).await;
    wire.send(r#"["wait",{},1]"#).await;
    for text in then {
        wire.send(*text).await;
    }
    wire.ping().await;
    drop(wire);
    until_connected(io, 0).await;
    secret(&welcome).to_owned()
}

#[tokio::test]
async fn a_handler_that_hangs_does_not_shut_its_client_out() {
    let window = Duration::from_millis(50);
    let (running, io, mut probing) = serve_probe(|server| server.recovery_window(window)).await;
    let secret = away_at_the_gate(&running, &io, &[]).await;
    // Whether it comes before the end or after.
    let back = Wire::resumed(running.addr, "/probe", &secret, 1).await;
    assert_eq!(back.welcome["reason"], json!("expired"));
    let again = Wire::resumed(running.addr, "/probe", &secret, 1).await;
    assert_eq!(again.welcome["reason"], json!("expired"));
    assert!(probing.ended.try_recv().is_err(), "its handler still runs");
    probing.gate.add_permits(1);
    assert!(matches!(probing.end().await, DisconnectReason::ConnectionLost { .. }));
}

#[tokio::test]
async fn what_was_received_is_handled_even_if_its_client_never_comes_back() {
    let window = Duration::from_millis(50);
    let bounded =
        |server: ProbeServer<Prober>| server.recovery_window(window).max_outbox_size(1000);
    let (running, io, mut probing) = serve_probe(bounded).await;
    let mut bob = Wire::parlor(running.addr, "/probe").await;
    bob.call("enter", json!({"room": "a"}), 0).await;
    // It is cut as too slow, as it confirms nothing.
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.call("enter", json!({"room": "b"}), 0).await;
    wire.send(r#"["wait",{},1]"#).await;
    wire.emit("shout", json!({"room": "a", "text": "hi"})).await;
    wire.ping().await;
    // At once, so that nothing is written in between.
    for _ in 0..2 {
        io.to("b").said("b", "x".repeat(600), "");
    }
    assert_eq!(wire.closed().await.code, 4000);
    let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 1).await;
    assert_eq!(back.welcome["reason"], json!("expired"));
    probing.gate.add_permits(1);
    assert_eq!(bob.receive().await[1]["text"], "hi");
    assert_eq!(probing.end().await, DisconnectReason::TooSlow);
}

#[tokio::test]
async fn a_session_is_ended_while_its_client_is_away() {
    for way in ["disconnect", "close_all", "close"] {
        let (running, io, mut probing) = serve_probe(|server| server).await;
        let then: &[&str] = if way == "close" { &[r#"["quit",{"code":4400}]"#] } else { &[] };
        let secret = away_at_the_gate(&running, &io, then).await;
        match way {
            "disconnect" => assert_eq!(io.disconnect("a").await, 1),
            "close_all" => assert_eq!(io.close_all(4400), 1),
            _ => {}
        }
        probing.gate.add_permits(1);
        let reason = probing.end().await;
        match way {
            "disconnect" => assert_eq!(reason, DisconnectReason::Disconnected),
            _ => assert!(
                matches!(reason, DisconnectReason::Closed { code: CloseCode(4400), .. }),
                "{reason}"
            ),
        }
        let back = Wire::resumed(running.addr, "/probe", &secret, 1).await;
        assert_eq!(back.welcome["reason"], json!("ended"), "{way}");
        assert_eq!(io.connections(), 1);
    }
}

#[tokio::test]
async fn a_handler_of_a_client_that_is_away_is_cancelled_too() {
    let (running, io, mut probing) = serve_probe(|server| server).await;
    away_at_the_gate(&running, &io, &[]).await;
    running.cut().await;
    assert_eq!(probing.end().await, DisconnectReason::ShutDown);
}

#[tokio::test]
async fn a_client_that_has_given_up_is_not_let_in_later() {
    let (running, _io, probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.send(r#"["wait",{},1]"#).await;
    wire.ping().await;
    let protocols = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let addr = running.addr;
    let refused = tokio::spawn(async move {
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        Wire::open(addr, "/probe", &headers).await.expect("accepted").closed().await
    });
    // Others are served after it: by now it waits for the session.
    for _ in 0..3 {
        drop(Wire::parlor(addr, "/probe").await);
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let busy = Closed { code: 4003, reason: "the session is busy".to_owned() };
    assert_eq!(refused.await.expect("no panic"), busy);
    // Its session has not gone anywhere: `resumed` has not run, and the connection is there.
    probing.gate.add_permits(2);
    assert_eq!(wire.receive().await, json!(["$ok", 0, 1]));
    assert_eq!(wire.call("wait", json!({}), 2).await, json!(["$ok", 0, 2]));
}

#[tokio::test]
async fn of_two_that_come_back_at_once_the_later_has_the_session() {
    let (running, io, probing) = serve_probe(|server| server).await;
    let secret = away_at_the_gate(&running, &io, &[]).await;
    let addr = running.addr;
    let protocols = format!("parlor.v1.json, parlor.resume.{secret}.1");
    let first = tokio::spawn(async move {
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        Wire::open(addr, "/probe", &headers).await.expect("accepted").closed().await
    });
    for _ in 0..3 {
        drop(Wire::parlor(addr, "/probe").await);
    }
    let second = tokio::spawn(async move { Wire::resumed(addr, "/probe", &secret, 1).await });
    assert_eq!(first.await.expect("no panic").code, 4003);
    probing.gate.add_permits(1);
    let Welcomed { mut wire, welcome } = second.await.expect("no panic");
    assert_eq!(welcome["recovered"], json!(true));
    assert_eq!(wire.receive().await, json!(["$ok", 0, 1]));
    wire.nothing_came().await;
}

#[tokio::test]
async fn an_identity_that_panics_refuses_and_the_session_stays() {
    let identity = |request: &Request| {
        assert_ne!(request.query(), Some("crash"), "as the test asked");
    };
    let (running, _io, mut probing) = serve_probe(|server| server.identity(identity)).await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/probe", &[]).await;
    let protocols = format!("parlor.v1.json, parlor.resume.{}.0", secret(&welcome));
    let headers = [("sec-websocket-protocol", protocols.as_str())];
    let mut crashed = Wire::open(running.addr, "/probe?crash", &headers).await.expect("accepted");
    assert_eq!(crashed.closed().await.code, 4003);
    wire.nothing_came().await;
    let back = Wire::resumed(running.addr, "/probe", secret(&welcome), 0).await;
    assert_eq!(back.welcome["recovered"], json!(true));
    assert!(probing.ended.try_recv().is_err());
}

#[procedure]
trait Fragile {
    #[incoming]
    async fn crash(&mut self);
}

/// Its `disconnected` says when it begins, waits to be let through, and says so again.
struct Glass {
    says: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Fragile for Glass {
    async fn crash(&mut self) {
        panic!("as the test asked");
    }

    async fn disconnected(&mut self, _reason: DisconnectReason) {
        self.says.add_permits(1);
        self.gate.acquire().await.expect("the gate is never closed").forget();
        self.says.add_permits(1);
    }
}

#[tokio::test]
async fn a_session_that_panicked_is_kept_for_nobody() {
    let (says, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let glass = (Arc::clone(&says), Arc::clone(&gate));
    let server = FragileServer::new(move |_socket: FragileSocket| {
        let (says, gate) = glass.clone();
        async move { Ok(Glass { says, gate }) }
    });
    let io = server.io();
    let running = Running::start(Router::new().procedure("/glass", server)).await;
    let mut bob = Wire::parlor(running.addr, "/glass").await;
    let Welcomed { mut wire, welcome } = Wire::welcomed(running.addr, "/glass", &[]).await;
    wire.emit("crash", json!({})).await;
    soon("`disconnected`", says.acquire()).await.expect("open").forget();
    // It goes meanwhile.
    drop(wire);
    bob.nothing_came().await;
    let back = Wire::resumed(running.addr, "/glass", secret(&welcome), 0).await;
    assert_eq!(back.welcome["reason"], json!("ended"));
    gate.add_permits(1);
    soon("the end of `disconnected`", says.acquire()).await.expect("open").forget();
    // Bob and the fresh session, and nobody who is away for ever.
    until_connected(&io, 2).await;
}
