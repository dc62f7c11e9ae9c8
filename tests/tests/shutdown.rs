//! On shutdown, acknowledged events are handled, emitted events arrive, and clients reconnect
//! spread over time.

use std::time::Duration;

use parlor::server::Timeouts;
use parlor::{DisconnectReason, Router};
use parlor_tests::{
    Example, ProbeFixture, RawClient, TestServer, Welcomed, probe_fixture, serve_probe,
    wait_for_connections, within_timeout,
};
use serde_json::json;

#[tokio::test]
async fn graceful_shutdown_waits_for_handlers_and_closes_with_1012() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let mut idle = RawClient::parlor(running.addr, "/probe").await;
    let mut busy = RawClient::parlor(running.addr, "/probe").await;
    busy.send(r#"["wait",{},1]"#).await;
    busy.send(r#"["ping",1]"#).await;
    assert_eq!(busy.receive().await[0], "pong");
    let addr = running.addr;
    let stopped = tokio::spawn(running.stop());
    assert_eq!(idle.closed().await.code, 1012);
    drop(idle);
    assert_eq!(reports.end().await, DisconnectReason::ShutDown);
    assert!(!stopped.is_finished(), "a handler still runs");
    reports.gate.add_permits(1);
    assert_eq!(busy.receive().await, json!(["$ok", 0, 1]));
    assert_eq!(busy.closed().await.code, 1012);
    drop(busy);
    assert_eq!(reports.end().await, DisconnectReason::ShutDown);
    within_timeout("the shutdown", stopped).await.expect("stopped");
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "the server still accepts");
}

#[tokio::test]
async fn handler_is_cancelled_after_shutdown_timeout() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    // An unlimited close timeout must not delay this.
    let server = server.timeouts(Timeouts { close: Duration::MAX, ..Timeouts::default() });
    let router =
        Router::new().procedure("/probe", server).shutdown_timeout(Duration::from_millis(50));
    let running = TestServer::start(router).await;
    let mut client = RawClient::parlor(running.addr, "/probe").await;
    client.send(r#"["wait",{},1]"#).await;
    client.send(r#"["ping",1]"#).await;
    assert_eq!(client.receive().await[0], "pong");
    let stopped = tokio::spawn(running.stop());
    assert_eq!(client.closed().await.code, 1012);
    drop(client);
    assert_eq!(within_timeout("the end", ended.recv()).await, Some(DisconnectReason::ShutDown));
    within_timeout("the shutdown", stopped).await.expect("stopped");
}

#[tokio::test]
async fn received_events_are_handled_and_acknowledged_before_close() {
    let (running, _io, reports) = serve_probe(|server| server).await;
    let Welcomed { mut client, .. } = RawClient::welcomed(running.addr, "/probe", &[]).await;
    client.call("enter", json!({"room": "a"}), 0).await;
    client.send(r#"["wait",{},1]"#).await;
    for text in ["1", "2", "3"] {
        client.emit("shout", json!({"room": "a", "text": text})).await;
    }
    // All of it was read, and the first handler runs.
    client.ping().await;
    let addr = running.addr;
    let stopped = tokio::spawn(running.stop());
    within_timeout("the server to stop accepting", async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {}
    })
    .await;
    reports.gate.add_permits(1);
    let mut frames = Vec::new();
    let closed = loop {
        match client.next().await {
            Ok(frame) => frames.push(frame),
            Err(closed) => break closed,
        }
    };
    assert_eq!(closed.code, 1012);
    let (confirmations, answers): (Vec<_>, Vec<_>) =
        frames.into_iter().partition(|frame| frame[0] == "$ack");
    assert_eq!(confirmations.last(), Some(&json!(["$ack", 5])));
    assert_eq!(answers[0], json!(["$ok", 0, 1]));
    let texts: Vec<_> = answers[1..].iter().map(|frame| frame[1]["text"].clone()).collect();
    assert_eq!(texts, ["1", "2", "3"]);
    drop(client);
    within_timeout("the shutdown", stopped).await.expect("stopped");
}

#[tokio::test]
async fn detached_session_ends_on_shutdown() {
    let (running, io, mut reports) = serve_probe(|server| server).await;
    drop(RawClient::parlor(running.addr, "/probe").await);
    wait_for_connections(&io, 0).await;
    running.stop().await;
    let reason = reports.end().await;
    assert!(matches!(reason, DisconnectReason::ShutDown), "{reason}");
}

#[tokio::test]
async fn drain_sends_each_client_a_random_retry_hint() {
    let window = Duration::from_secs(1000);
    let ProbeFixture { server, .. } = probe_fixture();
    let server = server.retry_window(window);
    let io = server.io();
    let running = TestServer::start(Router::new().procedure("/probe", server)).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(RawClient::parlor(running.addr, "/probe").await);
    }
    assert_eq!(io.drain(), 20);
    let mut waits = Vec::new();
    for mut client in clients {
        let closed = client.closed().await;
        assert_eq!(closed.code, 1012);
        let wait = closed.reason.strip_prefix("the server shuts down; retry in ");
        let wait = wait.and_then(|wait| wait.strip_suffix(" ms")).expect("a hint");
        waits.push(wait.parse::<u128>().expect("a number"));
    }
    waits.sort_unstable();
    assert!(waits.iter().all(|wait| *wait <= window.as_millis()));
    // Twenty random times are in one half of the window once in a million runs.
    assert!(waits[0] < 500_000 && waits[19] > 500_000, "{waits:?}");
    // New connections are rejected.
    let mut late = RawClient::connect_before_welcome(running.addr, "/probe").await;
    assert_eq!(late.closed().await.code, 4003);
}

#[tokio::test]
async fn cut_cancels_running_handlers() {
    let (running, _io, mut reports) = serve_probe(|server| server).await;
    let mut busy = RawClient::parlor(running.addr, "/probe").await;
    busy.send(r#"["wait",{},1]"#).await;
    busy.assert_nothing_received().await;
    let stopped = tokio::spawn(running.cut());
    assert_eq!(busy.closed().await.code, 1012);
    drop(busy);
    assert_eq!(reports.end().await, DisconnectReason::ShutDown);
    within_timeout("the shutdown", stopped).await.expect("stopped");
}

#[cfg(unix)]
#[tokio::test]
async fn process_closes_connections_with_1012_on_signal() {
    for signal in ["TERM", "INT"] {
        let server = Example::serve_at("bench_server", 0).await;
        let addr = server.url.strip_prefix("ws://").expect("an address");
        let mut client = RawClient::parlor(addr.parse().expect("an address"), "/chat").await;
        server.signal(signal).await;
        assert_eq!(client.closed().await.code, 1012);
        drop(client);
        assert!(server.exits_with_success().await);
    }
}
