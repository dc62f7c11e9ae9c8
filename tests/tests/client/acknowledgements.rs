//! Acknowledgements in both directions, and events that wait for them.

use std::time::Duration;

use futures::StreamExt;
use parlor::client::{CallError, ConnectionChange};
use parlor::wire::CloseCode;
use parlor_tests::within_timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::contract::{ChatClient, ChatEvents};
use crate::raw_server::{Peer, RawServer};
use crate::reconnecting::{fast_client_builder, next_change, say_frame};
use crate::recovery::{
    SECRETS, connect_recoverable, expect_lost, expect_recovered, expect_said, said_frame,
};

/// Five texts of this size reach the limit of bytes in flight.
const LARGE: usize = 60_000;

#[tokio::test]
async fn client_acknowledges_every_512_frames() {
    let server = RawServer::start().await;
    let (_chat, _events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    for number in 0..1024 {
        peer.send(&said_frame(number)).await;
    }
    assert_eq!(peer.text().await, r#"["$ack",512]"#);
    assert_eq!(peer.text().await, r#"["$ack",1024]"#);
}

#[tokio::test]
async fn client_acknowledges_every_64_kib() {
    let server = RawServer::start().await;
    let (_chat, _events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(40_000));
    for _ in 0..4 {
        peer.send(&event).await;
    }
    assert_eq!(peer.text().await, r#"["$ack",2]"#);
    assert_eq!(peer.text().await, r#"["$ack",4]"#);
}

#[tokio::test]
async fn client_acknowledges_with_next_heartbeat() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).heartbeat_interval(Duration::from_millis(100));
    let (_chat, _events, mut peer) = connect_recoverable(&server, builder).await;
    // There is nothing to acknowledge yet.
    let first = within_timeout("a ping", peer.socket.next()).await;
    assert!(matches!(first, Some(Ok(Message::Ping(_)))), "{first:?}");
    peer.send(&said_frame(1)).await;
    // It is acknowledged while pings continue.
    assert_eq!(within_timeout("a confirmation", peer.text()).await, r#"["$ack",1]"#);
    for _ in 0..2 {
        // It is not acknowledged again.
        let next = within_timeout("a ping", peer.socket.next()).await;
        assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
    }
}

#[tokio::test]
async fn client_without_recoverable_session_acknowledges_nothing() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    for number in 0..300 {
        peer.send(&said_frame(number)).await;
        expect_said(&mut events, number).await;
    }
    chat.say("next").unwrap();
    assert_eq!(peer.text().await, say_frame("next"));
}

/// Emits six large events, of which five are sent.
async fn fill(chat: &ChatClient, peer: &mut Peer) {
    for _ in 0..6 {
        chat.say("x".repeat(LARGE)).unwrap();
    }
    for _ in 0..5 {
        assert!(peer.text().await.len() > LARGE);
    }
}

#[tokio::test]
async fn events_over_in_flight_limit_wait_for_acknowledgement() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    fill(&chat, &mut peer).await;
    // The client sends a ping to learn whether they have arrived, and nothing else.
    let next = within_timeout("a ping", peer.socket.next()).await;
    assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
    peer.send(r#"["$ack",1]"#).await;
    assert!(peer.text().await.len() > LARGE);

    // Replayed events are sent without waiting, though they are as many bytes.
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_resumed(SECRETS[1], 6).await;
    expect_recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    fill(&chat, &mut peer).await;
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_resumed(SECRETS[2], 6).await;
    expect_recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    for _ in 0..5 {
        assert!(peer.text().await.len() > LARGE);
    }
    let next = within_timeout("a ping", peer.socket.next()).await;
    assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
}

#[tokio::test]
async fn pong_confirms_events_sent_before_its_ping() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    chat.say("confirmed").unwrap();
    peer.text().await;
    let ping = within_timeout("a ping", peer.socket.next()).await;
    assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
    // tungstenite writes the pong with the next message.
    peer.send(&said_frame(1)).await;
    expect_said(&mut events, 1).await;
    assert_only_next_event_is_lost(&server, peer, &chat, &mut events).await;
}

/// Asserts that earlier events are confirmed: only the event emitted here is reported as lost.
async fn assert_only_next_event_is_lost(
    server: &RawServer,
    mut peer: Peer,
    chat: &ChatClient,
    events: &mut ChatEvents,
) {
    chat.say("lost").unwrap();
    peer.text().await;
    peer.cut();
    expect_lost(events).await;
    server.accept_session(SECRETS[1], "").await;
    let lost = next_change(events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 1, .. }), "{lost:?}");
}

#[tokio::test]
async fn answer_confirms_its_call_and_earlier_events() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    chat.say("confirmed").unwrap();
    peer.text().await;
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", "5"));
    assert_eq!(counted, Ok(5));
    assert_only_next_event_is_lost(&server, peer, &chat, &mut events).await;
}

#[tokio::test]
async fn close_sends_waiting_event_though_events_are_not_polled() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    fill(&chat, &mut peer).await;
    // More than the client's inbox holds: it stops reading before the acknowledgement.
    let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(LARGE));
    for _ in 0..20 {
        peer.send(&event).await;
    }
    peer.send(r#"["$ack",5]"#).await;
    assert_eq!(within_timeout("an answer", chat.count()).await, Err(CallError::EventsNotPolled));
    chat.close();
    let mut last = None;
    while let Some(text) = peer.next().await {
        last = Some(text);
        if last.as_ref().is_some_and(|text| text.len() > LARGE) {
            break;
        }
    }
    assert!(last.is_some_and(|text| text.len() > LARGE), "the waiting event was not sent");
    assert_eq!(peer.close_code().await, Some(1000));
}

#[tokio::test]
async fn close_ends_though_server_acknowledges_nothing() {
    let server = RawServer::start().await;
    let (chat, mut events, _peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    for _ in 0..6 {
        chat.say("x".repeat(LARGE)).unwrap();
    }
    chat.close();
    let lost = next_change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 6, .. }), "{lost:?}");
    match next_change(&mut events).await {
        ConnectionChange::Closed { code, .. } => assert_eq!(code, CloseCode::NORMAL),
        other => panic!("{other:?}"),
    }
}
