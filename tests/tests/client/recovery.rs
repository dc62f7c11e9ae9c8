//! Sessions that are resumed after a lost connection.

use std::time::Duration;

use futures::{FutureExt, SinkExt};
use parlor::client::{CallError, ClientBuilder, ConnectionChange};
use parlor_tests::within_timeout;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use crate::raw_server::{Peer, RawServer};
use crate::reconnecting::{fast_client_builder, next_change, say_frame};

/// Resume secrets, one for each connection.
pub(crate) const SECRETS: [&str; 3] =
    ["AAAAAAAAAAAAAAAAAAAA-1", "BBBBBBBBBBBBBBBBBBBB_2", "CCCCCCCCCCCCCCCCCCCC33"];

/// Connects to a server that keeps sessions.
pub(crate) async fn connect_recoverable(
    server: &RawServer,
    builder: ClientBuilder<ChatClient>,
) -> (ChatClient, ChatEvents, Peer) {
    let (connected, peer) = tokio::join!(builder.connect(), server.accept_session(SECRETS[0], ""));
    let (chat, events) = connected.unwrap();
    (chat, events, peer)
}

pub(crate) async fn expect_lost(events: &mut ChatEvents) {
    let lost = next_change(events).await;
    assert!(matches!(lost, ConnectionChange::Lost { will_reconnect: true, .. }), "{lost:?}");
}

pub(crate) async fn expect_recovered(events: &mut ChatEvents) {
    let restored = next_change(events).await;
    assert!(
        matches!(restored, ConnectionChange::Restored { recovered: true, reason: None, .. }),
        "{restored:?}"
    );
}

pub(crate) fn said_frame(number: u32) -> String {
    format!(r#"["said",{{"text":"hi","number":{number}}}]"#)
}

pub(crate) async fn expect_said(events: &mut ChatEvents, expected: u32) {
    match within_timeout("an event", events.next()).await {
        Some(ChatEvent::Said { number, .. }) => assert_eq!(number, expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn client_offers_secret_and_received_count_on_reconnect() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).token(async || Ok("token".to_owned()));
    let (_chat, mut events, mut peer) = connect_recoverable(&server, builder).await;
    assert_eq!(peer.offered.protocols, ["parlor.v1.json", "parlor.bearer.dG9rZW4"]);
    // All frames count, except control frames of the connection.
    for frame in [
        r#"["$ack",0]"#,
        r#"["ping",1]"#,
        r#"["pong",1]"#,
        r#"["$contract?",null]"#,
        r#"["$contract",{}]"#,
        r#"["$ofTomorrow",{}]"#,
        r#"["$ok",1,77]"#,
        r#"["ofTomorrow",{}]"#,
        "not JSON",
    ] {
        peer.send(frame).await;
    }
    peer.socket.send(Message::binary(vec![1])).await.unwrap();
    peer.send(&said_frame(1)).await;
    expect_said(&mut events, 1).await;
    peer.cut();
    expect_lost(&mut events).await;

    let mut peer = server.accept_resumed(SECRETS[1], 0).await;
    let resume = format!("parlor.resume.{}.6", SECRETS[0]);
    assert_eq!(peer.offered.protocols, ["parlor.v1.json", &resume, "parlor.bearer.dG9rZW4"]);
    assert_eq!(peer.text().await, r#"["$ack",6]"#);
    expect_recovered(&mut events).await;
    // The session continues with another secret.
    peer.send(&said_frame(2)).await;
    expect_said(&mut events, 2).await;
    peer.cut();
    let peer = server.accept_resumed(SECRETS[2], 0).await;
    assert_eq!(peer.offered_resume(), Some(format!("{}.7", SECRETS[1]).as_str()));
}

#[tokio::test]
async fn unreceived_events_are_replayed_before_queued_events() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    for number in 1..=5 {
        chat.say(number.to_string()).unwrap();
        assert_eq!(peer.text().await, say_frame(number));
    }
    peer.cut();
    expect_lost(&mut events).await;
    chat.say("queued").unwrap();

    // The connection is lost again before any of them has arrived.
    server.accept_resumed(SECRETS[1], 2).await.cut();
    expect_recovered(&mut events).await;
    expect_lost(&mut events).await;
    let mut peer = server.accept_resumed(SECRETS[2], 2).await;
    expect_recovered(&mut events).await;
    chat.say("after").unwrap();
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    for number in 3..=5 {
        assert_eq!(peer.text().await, say_frame(number));
    }
    assert_eq!(peer.text().await, say_frame("queued"));
    assert_eq!(peer.text().await, say_frame("after"));
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_resumed(SECRETS[0], 7).await;
    expect_recovered(&mut events).await;
    chat.say("last").unwrap();
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, say_frame("last"));
}

#[tokio::test]
async fn calls_in_flight_are_answered_after_resume() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    let mut received = chat.count();
    let mut missed = chat.join_room("general");
    assert_eq!(peer.text().await, r#"["count",{},1]"#);
    peer.text().await;
    peer.cut();
    expect_lost(&mut events).await;
    assert!((&mut received).now_or_never().is_none() && (&mut missed).now_or_never().is_none());

    let mut peer = server.accept_resumed(SECRETS[1], 1).await;
    peer.send(r#"["$ok",5,1]"#).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},2]"#);
    peer.send(r#"["$ok",["ada"],2]"#).await;
    assert_eq!(within_timeout("an answer", received).await, Ok(5));
    assert_eq!(within_timeout("an answer", missed).await, Ok(vec!["ada".to_owned()]));
}

#[tokio::test]
async fn abandoned_call_is_replayed_only_if_it_was_sent() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).call_timeout(Duration::from_millis(100));
    let (chat, mut events, mut peer) = connect_recoverable(&server, builder).await;
    let counting = chat.count();
    let dropped = chat.join_room("sent");
    peer.text().await;
    peer.text().await;
    peer.cut();
    expect_lost(&mut events).await;
    drop(dropped);
    drop(chat.join_room("waiting"));
    assert_eq!(within_timeout("a timeout", counting).await, Err(CallError::TimedOut));
    chat.say("queued").unwrap();

    let mut peer = server.accept_resumed(SECRETS[1], 0).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, r#"["count",{},1]"#);
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"sent"},2]"#);
    assert_eq!(peer.text().await, say_frame("queued"));
}

#[tokio::test]
async fn frame_after_close_frame_is_not_counted() {
    let server = RawServer::start().await;
    let (_chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    peer.send(&said_frame(1)).await;
    // A close frame with 1001, followed by an event that must be ignored.
    let event = said_frame(2);
    let mut bytes = vec![0x88, 2, 0x03, 0xe9, 0x81, u8::try_from(event.len()).unwrap()];
    bytes.extend_from_slice(event.as_bytes());
    peer.socket.get_mut().write_all(&bytes).await.unwrap();
    expect_said(&mut events, 1).await;
    expect_lost(&mut events).await;

    let mut peer = server.accept_resumed(SECRETS[1], 0).await;
    assert_eq!(peer.offered_resume(), Some(format!("{}.1", SECRETS[0]).as_str()));
    peer.send(&said_frame(2)).await;
    peer.send(&said_frame(3)).await;
    expect_recovered(&mut events).await;
    expect_said(&mut events, 2).await;
    expect_said(&mut events, 3).await;
}

#[tokio::test]
async fn failed_attempt_keeps_session_and_unconfirmed_events() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    chat.say("unconfirmed").unwrap();
    peer.text().await;
    peer.cut();
    drop(server.accept_tcp().await);
    server.refuse(StatusCode::SERVICE_UNAVAILABLE).await;
    for code in [4002, 4003] {
        let peer = server.accept_before_welcome().await;
        assert_eq!(peer.offered_resume(), Some(format!("{}.0", SECRETS[0]).as_str()));
        peer.close(code, "not now").await;
    }
    let mut peer = server.accept_resumed(SECRETS[1], 0).await;
    assert_eq!(peer.offered_resume(), Some(format!("{}.0", SECRETS[0]).as_str()));
    expect_lost(&mut events).await;
    expect_recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, say_frame("unconfirmed"));
}

/// A client whose session hook joins a room and reports the result.
fn with_joining_hook(server: &RawServer) -> ClientBuilder<ChatClient> {
    fast_client_builder(server).on_session(async |chat: ChatClient| {
        let joined = chat.join_room("general").await;
        chat.say(format!("joined {joined:?}")).unwrap();
    })
}

#[tokio::test]
async fn session_hook_continues_in_recovered_session() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, with_joining_hook(&server)).await;
    chat.say("user").unwrap();
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},1]"#);
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_resumed(SECRETS[1], 1).await;
    expect_recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    peer.send(r#"["$ok",[],1]"#).await;
    assert_eq!(peer.text().await, say_frame("joined Ok([])"));
    assert_eq!(peer.text().await, say_frame("user"));

    // The hook does not run again.
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_resumed(SECRETS[2], 3).await;
    chat.say("next").unwrap();
    assert_eq!(peer.text().await, r#"["$ack",1]"#);
    assert_eq!(peer.text().await, say_frame("next"));
}

#[tokio::test]
async fn session_hook_restarts_in_fresh_session() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, with_joining_hook(&server)).await;
    chat.say("user").unwrap();
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},1]"#);
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_session(SECRETS[1], "").await;
    // The call of the cancelled hook is dropped with its session.
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},2]"#);
    peer.send(r#"["$ok",[],2]"#).await;
    assert_eq!(peer.text().await, say_frame("joined Ok([])"));
    assert_eq!(peer.text().await, say_frame("user"));
}

#[tokio::test]
async fn replayed_event_over_new_size_limit_is_reported_as_lost() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) =
        connect_recoverable(&server, fast_client_builder(&server)).await;
    let size = say_frame("12345").len();
    for text in ["12345", "123456", "next"] {
        chat.say(text).unwrap();
        peer.text().await;
    }
    let joining = chat.join_room("a room with a long name");
    peer.text().await;
    peer.cut();
    expect_lost(&mut events).await;
    let mut peer = server.accept_before_welcome().await;
    peer.send(&format!(
        r#"["$welcome",{{"resume":"{}","recovered":true,"received":0,"maxMessage":{size}}}]"#,
        SECRETS[1]
    ))
    .await;
    let lost = next_change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 1, .. }), "{lost:?}");
    expect_recovered(&mut events).await;
    let joined = within_timeout("an answer", joining).await;
    assert!(matches!(joined, Err(CallError::TooLarge { .. })), "{joined:?}");
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, say_frame("12345"));
    assert_eq!(peer.text().await, say_frame("next"));
}
