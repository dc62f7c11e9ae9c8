//! Sessions survive networks with long delays.

use std::time::Duration;

use parlor::client::{ConnectionChange, Reconnect};
use parlor::server::Limits;
use parlor::test::{Line, Network, Side, settle};
use parlor::{DisconnectReason, Router};
use parlor_tests::{
    ProbeClient, ProbeEvent, ProbeEvents, ProbeFixture, advance_clock, probe_fixture, recovery_off,
    within_timeout,
};
use tokio::io::AsyncWriteExt;

const SECOND: Duration = Duration::from_secs(1);

async fn client(line: &Line) -> (ProbeClient, ProbeEvents) {
    let builder = line.client::<ProbeClient>("/probe").connect_timeout(2 * SECOND);
    let reconnect = Reconnect { max_interval: SECOND, ..Reconnect::default() };
    builder.reconnect(reconnect).connect().await.expect("connected")
}

/// Waits until the client is reconnected. Returns whether the session was recovered, and the texts
/// received before.
async fn restored(events: &mut ProbeEvents) -> (bool, Vec<String>) {
    let mut texts = Vec::new();
    loop {
        match events.next().await.expect("not closed") {
            ProbeEvent::Said { text, .. } => texts.push(text),
            ProbeEvent::Connection(ConnectionChange::Restored { recovered, .. }) => {
                return (recovered, texts);
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn session_is_kept_when_every_attempt_times_out() {
    let ProbeFixture { server, .. } = probe_fixture();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let (client, mut events) = client(&line).await;
    client.enter("a").await.expect("entered");
    // Each attempt is granted after its client has given up, so no new secret arrives.
    line.delay(4 * SECOND);
    line.cut();
    advance_clock(60 * SECOND).await;
    assert!(line.attempts() > 15);
    line.delay(Duration::ZERO);
    assert!(restored(&mut events).await.0);
}

#[tokio::test(start_paused = true)]
async fn client_that_disconnects_before_welcome_leaves_no_session() {
    let ProbeFixture { server, mut ended, .. } = probe_fixture();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let mut end = line.dial().expect("a connection");
    let request = "GET /probe HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: parlor.v1.json\r\n\r\n";
    end.write_all(request.as_bytes()).await.expect("written");
    drop(end);
    let reason = within_timeout("the end of the session", ended.recv()).await.expect("a reason");
    assert!(matches!(reason, DisconnectReason::ConnectionLost { .. }), "{reason}");
    settle().await;
    assert_eq!(network.sessions(), 0, "the session was kept, though no client has its secret");
}

#[tokio::test(start_paused = true)]
async fn delayed_resume_request_after_newer_one_loses_no_event() {
    let ProbeFixture { server, .. } = probe_fixture();
    let io = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let (client, mut events) = client(&line).await;
    client.enter("a").await.expect("entered");
    // The first attempt offers an older count of received events and arrives after the second one.
    line.delay(4 * SECOND);
    line.cut_unnoticed_by(Side::Server);
    advance_clock(SECOND + SECOND / 2).await;
    line.delay(SECOND / 2);
    io.to("a").said("a", "one", "");
    assert!(restored(&mut events).await.0);
    advance_clock(2 * SECOND).await;
    line.delay(Duration::ZERO);
    io.to("a").said("a", "two", "");
    client.add(1, 2).await.expect("an answer");
    drop(client);
    let mut texts = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            ProbeEvent::Said { text, .. } => texts.push(text),
            ProbeEvent::Connection(ConnectionChange::Restored { reason, .. }) => {
                assert_eq!(reason, None);
            }
            _ => {}
        }
    }
    assert_eq!(texts, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn acknowledged_event_is_handled_though_client_is_too_slow() {
    let ProbeFixture { server, mut ended, gate } = probe_fixture();
    // Without recovery, only pongs confirm events.
    let server = server
        .recovery(recovery_off())
        .limits(Limits { max_outbox_size: 10_000, ..Limits::default() });
    let io = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let (ada, mut events) = client(&network.line()).await;
    let (bob, mut bobs_events) = client(&network.line()).await;
    ada.enter("ada's").await.expect("entered");
    bob.enter("bob's").await.expect("entered");
    let waits = tokio::spawn(ada.wait());
    ada.say("bob's", "late").expect("taken");
    advance_clock(2 * SECOND).await;
    for _ in 0..2 {
        io.to("ada's").said("ada's", "x".repeat(6_000), "");
    }
    settle().await;
    gate.add_permits(1);
    assert_eq!(ended.recv().await, Some(DisconnectReason::TooSlow));
    assert!(matches!(
        within_timeout("bob's event", bobs_events.next()).await,
        Some(ProbeEvent::Said { text, .. }) if text == "late"
    ));
    assert!(waits.await.expect("no panic").is_err());
    // No loss is reported, and nothing was lost.
    loop {
        match events.next().await {
            Some(ProbeEvent::Connection(ConnectionChange::EmitsLost { .. })) => panic!("lost"),
            Some(ProbeEvent::Connection(ConnectionChange::Restored { .. })) => break,
            _ => {}
        }
    }
}
