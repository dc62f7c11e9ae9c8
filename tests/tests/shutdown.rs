//! A server goes away: what it has said that it received is handled, what it has emitted arrives,
//! and its clients come back spread.

use std::time::Duration;

use parlor::{DisconnectReason, Router};
use parlor_tests::{
    Example, Probing, Running, Welcomed, Wire, probing, serve_probe, soon, until_connected,
};
use serde_json::json;

#[tokio::test]
async fn a_graceful_shutdown_lets_handlers_end_and_closes_with_1012() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let mut idle = Wire::parlor(running.addr, "/probe").await;
    let mut busy = Wire::parlor(running.addr, "/probe").await;
    busy.send(r#"["wait",{},1]"#).await;
    busy.send(r#"["ping",1]"#).await;
    assert_eq!(busy.receive().await[0], "pong");
    let addr = running.addr;
    let stopped = tokio::spawn(running.stop());
    assert_eq!(idle.closed().await.code, 1012);
    drop(idle);
    assert_eq!(probing.end().await, DisconnectReason::ShutDown);
    assert!(!stopped.is_finished(), "a handler still runs");
    probing.gate.add_permits(1);
    assert_eq!(busy.receive().await, json!(["$ok", 0, 1]));
    assert_eq!(busy.closed().await.code, 1012);
    drop(busy);
    assert_eq!(probing.end().await, DisconnectReason::ShutDown);
    soon("the shutdown", stopped).await.expect("stopped");
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_handler_that_outlasts_the_shutdown_is_cancelled() {
    let Probing { server, mut ended, .. } = probing();
    // Not even a bound that is none may get in the way.
    let server = server.close_timeout(Duration::MAX);
    let router =
        Router::new().procedure("/probe", server).shutdown_timeout(Duration::from_millis(50));
    let running = Running::start(router).await;
    let mut wire = Wire::parlor(running.addr, "/probe").await;
    wire.send(r#"["wait",{},1]"#).await;
    wire.send(r#"["ping",1]"#).await;
    assert_eq!(wire.receive().await[0], "pong");
    let stopped = tokio::spawn(running.stop());
    assert_eq!(wire.closed().await.code, 1012);
    drop(wire);
    assert_eq!(soon("the end", ended.recv()).await, Some(DisconnectReason::ShutDown));
    soon("the shutdown", stopped).await.expect("stopped");
}

#[tokio::test]
async fn what_was_received_is_handled_and_confirmed_before_the_goodbye() {
    let (running, _io, probing) = serve_probe(|server| server).await;
    let Welcomed { mut wire, .. } = Wire::welcomed(running.addr, "/probe", &[]).await;
    wire.call("enter", json!({"room": "a"}), 0).await;
    wire.send(r#"["wait",{},1]"#).await;
    for text in ["1", "2", "3"] {
        wire.emit("shout", json!({"room": "a", "text": text})).await;
    }
    // All of it was read, and the first handler runs.
    wire.ping().await;
    let addr = running.addr;
    let stopped = tokio::spawn(running.stop());
    soon("the server to listen no more", async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {}
    })
    .await;
    probing.gate.add_permits(1);
    let mut frames = Vec::new();
    let closed = loop {
        match wire.next().await {
            Ok(frame) => frames.push(frame),
            Err(closed) => break closed,
        }
    };
    assert_eq!(closed.code, 1012);
    let (confirmations, said): (Vec<_>, Vec<_>) =
        frames.into_iter().partition(|frame| frame[0] == "$ack");
    assert_eq!(confirmations.last(), Some(&json!(["$ack", 5])));
    assert_eq!(said[0], json!(["$ok", 0, 1]));
    let texts: Vec<_> = said[1..].iter().map(|frame| frame[1]["text"].clone()).collect();
    assert_eq!(texts, ["1", "2", "3"]);
    drop(wire);
    soon("the shutdown", stopped).await.expect("stopped");
}

#[tokio::test]
async fn a_session_without_a_connection_ends_with_the_server() {
    let (running, io, mut probing) = serve_probe(|server| server).await;
    drop(Wire::parlor(running.addr, "/probe").await);
    until_connected(&io, 0).await;
    running.stop().await;
    let reason = probing.end().await;
    assert!(matches!(reason, DisconnectReason::ShutDown), "{reason}");
}

#[tokio::test]
async fn each_client_is_told_another_time_to_come_back() {
    let window = Duration::from_secs(1000);
    let Probing { server, .. } = probing();
    let server = server.retry_window(window);
    let io = server.io();
    let running = Running::start(Router::new().procedure("/probe", server)).await;
    let mut wires = Vec::new();
    for _ in 0..20 {
        wires.push(Wire::parlor(running.addr, "/probe").await);
    }
    assert_eq!(io.drain(), 20);
    let mut waits = Vec::new();
    for mut wire in wires {
        let closed = wire.closed().await;
        assert_eq!(closed.code, 1012);
        let wait = closed.reason.strip_prefix("the server shuts down; retry in ");
        let wait = wait.and_then(|wait| wait.strip_suffix(" ms")).expect("a hint");
        waits.push(wait.parse::<u128>().expect("a number"));
    }
    waits.sort_unstable();
    assert!(waits.iter().all(|wait| *wait <= window.as_millis()));
    // Twenty random times in one half of the window: once in a million runs.
    assert!(waits[0] < 500_000 && waits[19] > 500_000, "{waits:?}");
    // Nobody more is let in.
    let mut late = Wire::parlor_unwelcomed(running.addr, "/probe").await;
    assert_eq!(late.closed().await.code, 4003);
}

#[tokio::test]
async fn a_second_signal_waits_for_no_handler() {
    let (running, _io, mut probing) = serve_probe(|server| server).await;
    let mut busy = Wire::parlor(running.addr, "/probe").await;
    busy.send(r#"["wait",{},1]"#).await;
    busy.nothing_came().await;
    let stopped = tokio::spawn(running.cut());
    assert_eq!(busy.closed().await.code, 1012);
    drop(busy);
    assert_eq!(probing.end().await, DisconnectReason::ShutDown);
    soon("the shutdown", stopped).await.expect("stopped");
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_says_goodbye_when_it_is_told_to_end() {
    for signal in ["TERM", "INT"] {
        let server = Example::serve_at("bench_server", 0).await;
        let addr = server.url.strip_prefix("ws://").expect("an address");
        let mut wire = Wire::parlor(addr.parse().expect("an address"), "/chat").await;
        server.signal(signal).await;
        assert_eq!(wire.closed().await.code, 1012);
        drop(wire);
        assert!(server.ends().await);
    }
}
