//! Sessions are kept on lines on which little arrives when it should.

use std::time::Duration;

use parlor::test::{Line, Network, Side, settle};
use parlor::{ConnectionChange, DisconnectReason, Router};
use parlor_tests::{ProbeClient, ProbeEvent, ProbeEvents, Probing, pass, probing, soon};
use tokio::io::AsyncWriteExt;

const SECOND: Duration = Duration::from_secs(1);

async fn client(line: &Line) -> (ProbeClient, ProbeEvents) {
    let builder = line.client::<ProbeClient>("/probe").connect_timeout(2 * SECOND);
    let builder = builder.max_reconnect_interval(SECOND).max_reconnect_attempts(u32::MAX);
    builder.connect().await.expect("connected")
}

/// Whether the session is recovered when the client is connected again, and what was said before that.
async fn restored(events: &mut ProbeEvents) -> (bool, Vec<String>) {
    let mut texts = Vec::new();
    loop {
        match events.next().await.expect("the client lives") {
            ProbeEvent::Said { text, .. } => texts.push(text),
            ProbeEvent::Connection(ConnectionChange::Restored { recovered, .. }) => {
                return (recovered, texts);
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_slower_than_its_clients_patience_loses_no_session() {
    let Probing { server, .. } = probing();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let (client, mut events) = client(&line).await;
    client.enter("a").await.expect("entered");
    // Each attempt is granted when its client has given up, and no new secret arrives.
    line.delay(4 * SECOND);
    line.cut();
    pass(60 * SECOND).await;
    assert!(line.attempts() > 15);
    line.delay(Duration::ZERO);
    assert!(restored(&mut events).await.0);
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_before_it_was_welcomed_leaves_no_session() {
    let Probing { server, mut ended, .. } = probing();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let mut end = line.dial().expect("a connection");
    let request = "GET /probe HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: parlor.v1.json\r\n\r\n";
    end.write_all(request.as_bytes()).await.expect("written");
    drop(end);
    let reason = soon("the end of the session", ended.recv()).await.expect("a reason");
    assert!(matches!(reason, DisconnectReason::ConnectionLost { .. }), "{reason}");
    settle().await;
    assert_eq!(network.sessions(), 0, "nobody could come back to it");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_arrives_after_a_later_one_costs_nothing() {
    let Probing { server, .. } = probing();
    let io = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let line = network.line();
    let (client, mut events) = client(&line).await;
    client.enter("a").await.expect("entered");
    // The first attempt says that one event has come, and arrives when the second one has brought more.
    line.delay(4 * SECOND);
    line.cut_unnoticed_by(Side::Server);
    pass(SECOND + SECOND / 2).await;
    line.delay(SECOND / 2);
    io.to("a").said("a", "one", "");
    assert!(restored(&mut events).await.0);
    pass(2 * SECOND).await;
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
async fn what_a_client_was_told_has_arrived_is_handled_though_it_is_too_slow() {
    let Probing { server, mut ended, gate } = probing();
    // The answer to a ping is the only confirmation then.
    let server = server.recovery_window(Duration::ZERO).max_outbox_size(10_000);
    let io = server.io();
    let network = Network::new(Router::new().procedure("/probe", server));
    let (ada, mut events) = client(&network.line()).await;
    let (bob, mut heard) = client(&network.line()).await;
    ada.enter("ada's").await.expect("entered");
    bob.enter("bob's").await.expect("entered");
    let waits = tokio::spawn(ada.wait());
    ada.say("bob's", "late").expect("taken");
    pass(2 * SECOND).await;
    for _ in 0..2 {
        io.to("ada's").said("ada's", "x".repeat(6_000), "");
    }
    settle().await;
    gate.add_permits(1);
    assert_eq!(ended.recv().await, Some(DisconnectReason::TooSlow));
    assert!(matches!(
        soon("what bob hears", heard.next()).await,
        Some(ProbeEvent::Said { text, .. }) if text == "late"
    ));
    assert!(waits.await.expect("no panic").is_err());
    // Nothing is said to be lost, and nothing was.
    loop {
        match events.next().await {
            Some(ProbeEvent::Connection(ConnectionChange::EmitsLost { .. })) => panic!("lost"),
            Some(ProbeEvent::Connection(ConnectionChange::Restored { .. })) => break,
            _ => {}
        }
    }
}
