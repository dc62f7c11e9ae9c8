//! Connections that are lost and sessions that are not.

use std::time::Duration;

use futures_util::{FutureExt, SinkExt};
use parlor::{CallError, ClientBuilder, ConnectionChange};
use parlor_tests::soon;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use crate::raw::{Peer, RawServer};
use crate::reconnecting::{change, quick, say};

/// Secrets, one for each connection.
pub(crate) const SECRETS: [&str; 3] =
    ["AAAAAAAAAAAAAAAAAAAA-1", "BBBBBBBBBBBBBBBBBBBB_2", "CCCCCCCCCCCCCCCCCCCC33"];

/// A client of a server that keeps sessions.
pub(crate) async fn kept(
    server: &RawServer,
    builder: ClientBuilder<ChatClient>,
) -> (ChatClient, ChatEvents, Peer) {
    let (connected, peer) = tokio::join!(builder.connect(), server.accept_session(SECRETS[0], ""));
    let (chat, events) = connected.unwrap();
    (chat, events, peer)
}

pub(crate) async fn lost(events: &mut ChatEvents) {
    let lost = change(events).await;
    assert!(matches!(lost, ConnectionChange::Lost { will_reconnect: true, .. }), "{lost:?}");
}

pub(crate) async fn recovered(events: &mut ChatEvents) {
    let restored = change(events).await;
    assert!(
        matches!(restored, ConnectionChange::Restored { recovered: true, reason: None, .. }),
        "{restored:?}"
    );
}

pub(crate) fn said(number: u32) -> String {
    format!(r#"["said",{{"text":"hi","number":{number}}}]"#)
}

pub(crate) async fn hears(events: &mut ChatEvents, expected: u32) {
    match soon("an event", events.next()).await {
        Some(ChatEvent::Said { number, .. }) => assert_eq!(number, expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn says_which_session_it_wants_and_what_it_has_received() {
    let server = RawServer::start().await;
    let builder = quick(&server).token(async || Ok("token".to_owned()));
    let (_chat, mut events, mut peer) = kept(&server, builder).await;
    assert_eq!(peer.offered.protocols, ["parlor.v1.json", "parlor.bearer.dG9rZW4"]);
    // Counted is all but what keeps the connection.
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
    peer.send(&said(1)).await;
    hears(&mut events, 1).await;
    peer.cut();
    lost(&mut events).await;

    let mut peer = server.accept_again(SECRETS[1], 0).await;
    let resume = format!("parlor.resume.{}.6", SECRETS[0]);
    assert_eq!(peer.offered.protocols, ["parlor.v1.json", &resume, "parlor.bearer.dG9rZW4"]);
    assert_eq!(peer.text().await, r#"["$ack",6]"#);
    recovered(&mut events).await;
    // The session goes on, with another secret.
    peer.send(&said(2)).await;
    hears(&mut events, 2).await;
    peer.cut();
    let peer = server.accept_again(SECRETS[2], 0).await;
    assert_eq!(peer.asks_for(), Some(format!("{}.7", SECRETS[1]).as_str()));
}

#[tokio::test]
async fn what_the_server_has_not_received_goes_out_again_before_what_was_kept() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    for number in 1..=5 {
        chat.say(number.to_string()).unwrap();
        assert_eq!(peer.text().await, say(number));
    }
    peer.cut();
    lost(&mut events).await;
    chat.say("kept").unwrap();

    // It is lost again before any of that has arrived.
    server.accept_again(SECRETS[1], 2).await.cut();
    recovered(&mut events).await;
    lost(&mut events).await;
    let mut peer = server.accept_again(SECRETS[2], 2).await;
    recovered(&mut events).await;
    chat.say("after").unwrap();
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    for number in 3..=5 {
        assert_eq!(peer.text().await, say(number));
    }
    assert_eq!(peer.text().await, say("kept"));
    assert_eq!(peer.text().await, say("after"));
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_again(SECRETS[0], 7).await;
    recovered(&mut events).await;
    chat.say("last").unwrap();
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, say("last"));
}

#[tokio::test]
async fn calls_get_their_answers_after_the_return() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    let mut received = chat.count();
    let mut missed = chat.join_room("general");
    assert_eq!(peer.text().await, r#"["count",{},1]"#);
    peer.text().await;
    peer.cut();
    lost(&mut events).await;
    assert!((&mut received).now_or_never().is_none() && (&mut missed).now_or_never().is_none());

    let mut peer = server.accept_again(SECRETS[1], 1).await;
    peer.send(r#"["$ok",5,1]"#).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},2]"#);
    peer.send(r#"["$ok",["ada"],2]"#).await;
    assert_eq!(soon("an answer", received).await, Ok(5));
    assert_eq!(soon("an answer", missed).await, Ok(vec!["ada".to_owned()]));
}

#[tokio::test]
async fn calls_that_were_given_up_go_out_again_only_if_they_were_sent() {
    let server = RawServer::start().await;
    let builder = quick(&server).call_timeout(Duration::from_millis(100));
    let (chat, mut events, mut peer) = kept(&server, builder).await;
    let counting = chat.count();
    let dropped = chat.join_room("sent");
    peer.text().await;
    peer.text().await;
    peer.cut();
    lost(&mut events).await;
    drop(dropped);
    drop(chat.join_room("waiting"));
    assert_eq!(soon("a timeout", counting).await, Err(CallError::TimedOut));
    chat.say("kept").unwrap();

    let mut peer = server.accept_again(SECRETS[1], 0).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, r#"["count",{},1]"#);
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"sent"},2]"#);
    assert_eq!(peer.text().await, say("kept"));
}

#[tokio::test]
async fn the_cut_is_where_it_was_and_nothing_comes_twice() {
    let server = RawServer::start().await;
    let (_chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    peer.send(&said(1)).await;
    // A close frame with 1001, and an event behind it that nobody may hear.
    let event = said(2);
    let mut bytes = vec![0x88, 2, 0x03, 0xe9, 0x81, u8::try_from(event.len()).unwrap()];
    bytes.extend_from_slice(event.as_bytes());
    peer.socket.get_mut().write_all(&bytes).await.unwrap();
    hears(&mut events, 1).await;
    lost(&mut events).await;

    let mut peer = server.accept_again(SECRETS[1], 0).await;
    assert_eq!(peer.asks_for(), Some(format!("{}.1", SECRETS[0]).as_str()));
    peer.send(&said(2)).await;
    peer.send(&said(3)).await;
    recovered(&mut events).await;
    hears(&mut events, 2).await;
    hears(&mut events, 3).await;
}

#[tokio::test]
async fn an_attempt_that_fails_forgets_nothing() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    chat.say("unconfirmed").unwrap();
    peer.text().await;
    peer.cut();
    drop(server.accept_tcp().await);
    server.refuse(StatusCode::SERVICE_UNAVAILABLE).await;
    for code in [4002, 4003] {
        let peer = server.accept_silently().await;
        assert_eq!(peer.asks_for(), Some(format!("{}.0", SECRETS[0]).as_str()));
        peer.close(code, "not now").await;
    }
    let mut peer = server.accept_again(SECRETS[1], 0).await;
    assert_eq!(peer.asks_for(), Some(format!("{}.0", SECRETS[0]).as_str()));
    lost(&mut events).await;
    recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, say("unconfirmed"));
}

/// A hook that joins a room, and says so.
fn joining(server: &RawServer) -> ClientBuilder<ChatClient> {
    quick(server).on_session(async |chat: ChatClient| {
        let joined = chat.join_room("general").await;
        chat.say(format!("joined {joined:?}")).unwrap();
    })
}

#[tokio::test]
async fn a_hook_goes_on_in_a_recovered_session() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, joining(&server)).await;
    chat.say("user").unwrap();
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},1]"#);
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_again(SECRETS[1], 1).await;
    recovered(&mut events).await;
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    peer.send(r#"["$ok",[],1]"#).await;
    assert_eq!(peer.text().await, say("joined Ok([])"));
    assert_eq!(peer.text().await, say("user"));

    // It does not run again.
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_again(SECRETS[2], 3).await;
    chat.say("next").unwrap();
    assert_eq!(peer.text().await, r#"["$ack",1]"#);
    assert_eq!(peer.text().await, say("next"));
}

#[tokio::test]
async fn a_hook_runs_anew_in_a_fresh_session() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, joining(&server)).await;
    chat.say("user").unwrap();
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},1]"#);
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_session(SECRETS[1], "").await;
    // The call of the hook that was cancelled is gone with its session.
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},2]"#);
    peer.send(r#"["$ok",[],2]"#).await;
    assert_eq!(peer.text().await, say("joined Ok([])"));
    assert_eq!(peer.text().await, say("user"));
}

#[tokio::test]
async fn what_was_sent_to_a_server_that_takes_less_now_is_lost_alone() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = kept(&server, quick(&server)).await;
    let size = say("12345").len();
    for text in ["12345", "123456", "next"] {
        chat.say(text).unwrap();
        peer.text().await;
    }
    let joining = chat.join_room("a room with a long name");
    peer.text().await;
    peer.cut();
    lost(&mut events).await;
    let mut peer = server.accept_silently().await;
    peer.send(&format!(
        r#"["$welcome",{{"resume":"{}","recovered":true,"received":0,"maxMessage":{size}}}]"#,
        SECRETS[1]
    ))
    .await;
    let lost = change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 1, .. }), "{lost:?}");
    recovered(&mut events).await;
    let joined = soon("an answer", joining).await;
    assert!(matches!(joined, Err(CallError::TooLarge { .. })), "{joined:?}");
    assert_eq!(peer.text().await, r#"["$ack",0]"#);
    assert_eq!(peer.text().await, say("12345"));
    assert_eq!(peer.text().await, say("next"));
}
