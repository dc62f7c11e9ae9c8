//! What each side tells the other that it has received, and what waits for that.

use std::time::Duration;

use futures_util::StreamExt;
use parlor::{CallError, CloseCode, ConnectionChange};
use parlor_tests::soon;
use tokio_tungstenite::tungstenite::Message;

use crate::contract::{ChatClient, ChatEvents};
use crate::raw::{Peer, RawServer};
use crate::reconnecting::{change, quick, say};
use crate::recovery::{SECRETS, hears, kept, lost, recovered, said};

/// Five of these fill what may be on its way.
const LARGE: usize = 60_000;

#[tokio::test]
async fn frames_are_confirmed_when_they_are_many() {
    let server = RawServer::start().await;
    let (_chat, _events, mut peer) = kept(&server, quick(&server)).await;
    for number in 0..1024 {
        peer.send(&said(number)).await;
    }
    assert_eq!(peer.text().await, r#"["$ack",512]"#);
    assert_eq!(peer.text().await, r#"["$ack",1024]"#);
}

#[tokio::test]
async fn frames_are_confirmed_when_they_are_large() {
    let server = RawServer::start().await;
    let (_chat, _events, mut peer) = kept(&server, quick(&server)).await;
    let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(40_000));
    for _ in 0..4 {
        peer.send(&event).await;
    }
    assert_eq!(peer.text().await, r#"["$ack",2]"#);
    assert_eq!(peer.text().await, r#"["$ack",4]"#);
}

#[tokio::test]
async fn frames_are_confirmed_with_the_next_heartbeat() {
    let server = RawServer::start().await;
    let builder = quick(&server).heartbeat_interval(Duration::from_millis(100));
    let (_chat, _events, mut peer) = kept(&server, builder).await;
    // Nothing is owed yet.
    let first = soon("a ping", peer.socket.next()).await;
    assert!(matches!(first, Some(Ok(Message::Ping(_)))), "{first:?}");
    peer.send(&said(1)).await;
    // Not for ever, though pings go on coming.
    assert_eq!(soon("a confirmation", peer.text()).await, r#"["$ack",1]"#);
    for _ in 0..2 {
        // Nor any more.
        let next = soon("a ping", peer.socket.next()).await;
        assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
    }
}

#[tokio::test]
async fn a_server_that_keeps_no_sessions_is_told_nothing() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    for number in 0..300 {
        peer.send(&said(number)).await;
        hears(&mut events, number).await;
    }
    chat.say("next").unwrap();
    assert_eq!(peer.text().await, say("next"));
}

/// Emits six large events, of which five go out.
async fn fill(chat: &ChatClient, peer: &mut Peer) {
    for _ in 0..6 {
        chat.say("x".repeat(LARGE)).unwrap();
    }
    for _ in 0..5 {
        assert!(peer.text().await.len() > LARGE);
    }
}

#[tokio::test]
async fn with_much_unconfirmed_the_rest_waits() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    fill(&chat, &mut peer).await;
    // The client asks whether they have arrived, and sends nothing else.
    let next = soon("a ping", peer.socket.next()).await;
    assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
    peer.send(r#"["$ack",1]"#).await;
    assert!(peer.text().await.len() > LARGE);

    // What goes out again does not wait, though it is as much.
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_again(SECRETS[1], 6).await;
    recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    fill(&chat, &mut peer).await;
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_again(SECRETS[2], 6).await;
    recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    for _ in 0..5 {
        assert!(peer.text().await.len() > LARGE);
    }
    let next = soon("a ping", peer.socket.next()).await;
    assert!(matches!(next, Some(Ok(Message::Ping(_)))), "{next:?}");
}

#[tokio::test]
async fn a_pong_confirms_what_was_sent_before_its_ping() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    chat.say("confirmed").unwrap();
    peer.text().await;
    let asked = soon("a ping", peer.socket.next()).await;
    assert!(matches!(asked, Some(Ok(Message::Ping(_)))), "{asked:?}");
    // The pong is written when the next message is.
    peer.send(&said(1)).await;
    hears(&mut events, 1).await;
    loses_no_more_than_what_is_said_now(&server, peer, &chat, &mut events).await;
}

/// What was said before is confirmed: of two events only this one is reported.
async fn loses_no_more_than_what_is_said_now(
    server: &RawServer,
    mut peer: Peer,
    chat: &ChatClient,
    events: &mut ChatEvents,
) {
    chat.say("lost").unwrap();
    peer.text().await;
    peer.cut();
    lost(events).await;
    server.accept_session(SECRETS[1], "").await;
    let lost = change(events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 1, .. }), "{lost:?}");
}

#[tokio::test]
async fn an_answer_confirms_its_call_and_what_was_sent_before() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    chat.say("confirmed").unwrap();
    peer.text().await;
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", "5"));
    assert_eq!(counted, Ok(5));
    loses_no_more_than_what_is_said_now(&server, peer, &chat, &mut events).await;
}

#[tokio::test]
async fn what_waits_for_a_confirmation_goes_out_before_the_end_though_nobody_takes_events() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = kept(&server, quick(&server)).await;
    fill(&chat, &mut peer).await;
    // More than waits in the client: it reads no further, and the confirmation is behind that.
    let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(LARGE));
    for _ in 0..20 {
        peer.send(&event).await;
    }
    peer.send(r#"["$ack",5]"#).await;
    assert_eq!(soon("an answer", chat.count()).await, Err(CallError::EventsNotPolled));
    chat.close();
    let mut last = None;
    while let Some(text) = peer.next().await {
        last = Some(text);
        if last.as_ref().is_some_and(|text| text.len() > LARGE) {
            break;
        }
    }
    assert!(last.is_some_and(|text| text.len() > LARGE), "what waited was not sent");
    assert_eq!(peer.close_code().await, Some(1000));
}

#[tokio::test]
async fn close_ends_though_the_server_confirms_nothing() {
    let server = RawServer::start().await;
    let (chat, mut events, _peer) = kept(&server, quick(&server)).await;
    for _ in 0..6 {
        chat.say("x".repeat(LARGE)).unwrap();
    }
    chat.close();
    let lost = change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 6, .. }), "{lost:?}");
    match change(&mut events).await {
        ConnectionChange::Closed { code, .. } => assert_eq!(code, CloseCode::NORMAL),
        other => panic!("{other:?}"),
    }
}
