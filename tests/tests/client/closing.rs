use std::time::Duration;

use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use futures_util::SinkExt;
use parlor::{CallError, ClientStatus, CloseCode, ConnectionChange, EmitError};
use parlor_tests::soon;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::raw::RawServer;

async fn closed(events: &mut ChatEvents) -> (CloseCode, String) {
    match soon("the end", events.next()).await {
        Some(ChatEvent::Connection(ConnectionChange::Closed { code, reason, .. })) => {
            assert!(soon("the end", events.next()).await.is_none());
            (code, reason)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn close_sends_what_waits_and_does_not_come_back() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    assert_eq!(chat.status(), ClientStatus::Connected);
    chat.say("goodbye").unwrap();
    let counting = chat.count();
    chat.close();

    assert_eq!(chat.status(), ClientStatus::Closed);
    assert_eq!(counting.await, Err(CallError::Closed));
    assert_eq!(chat.say("too late"), Err(EmitError::Closed));
    assert_eq!(chat.count().await, Err(CallError::Closed));
    assert_eq!(peer.text().await, r#"["say",{"text":"goodbye"}]"#);
    assert_eq!(peer.close_code().await, Some(1000));
    drop(peer);
    assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL);
}

#[tokio::test]
async fn only_the_answer_to_its_close_frame_confirms_what_the_client_sent() {
    for (code, confirmed) in [(1000_u16, true), (1012, false)] {
        let server = RawServer::start().await;
        let (connected, mut peer) =
            tokio::join!(ChatClient::connect(server.url()), server.accept());
        let (chat, mut events) = connected.unwrap();
        chat.say("goodbye").unwrap();
        chat.close();
        // Both frames of the client, each with a header of 2 bytes and a mask of 4; then a close
        // frame. Byte by byte, as a WebSocket would answer by itself.
        let text = r#"["say",{"text":"goodbye"}]"#.len();
        let mut frames = vec![0; 6 + text + 6 + 2];
        let stream = peer.socket.get_mut();
        soon("the close frame", stream.read_exact(&mut frames)).await.unwrap();
        assert_eq!(frames[6 + text], 0x88, "no close frame");
        let [high, low] = code.to_be_bytes();
        stream.write_all(&[0x88, 2, high, low]).await.unwrap();

        if !confirmed {
            let lost = soon("the report", events.next()).await;
            let Some(ChatEvent::Connection(ConnectionChange::EmitsLost { count: 1, .. })) = lost
            else {
                panic!("{lost:?}");
            };
        }
        assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL, "{code}");
    }
}

#[tokio::test]
async fn dropping_every_handle_closes() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    let another = chat.clone();
    drop(chat);
    another.say("still here").unwrap();
    drop(another);
    assert_eq!(peer.text().await, r#"["say",{"text":"still here"}]"#);
    assert_eq!(peer.close_code().await, Some(1000));
    drop(peer);
    assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL);
}

#[tokio::test]
async fn a_call_keeps_the_client_open() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, _events) = connected.unwrap();
    let counting = chat.count();
    drop(chat);
    let (counted, ()) = tokio::join!(counting, peer.answer("$ok", "5"));
    assert_eq!(counted, Ok(5));
    assert_eq!(peer.close_code().await, Some(1000));
}

#[tokio::test]
async fn close_ends_the_attempts_to_connect_again() {
    let server = RawServer::start().await;
    let connect = ChatClient::builder(server.url())
        .reconnect_interval(Duration::from_secs(86_400))
        .max_reconnect_interval(Duration::from_secs(86_400))
        .connect();
    let (connected, peer) = tokio::join!(connect, server.accept());
    let (chat, mut events) = connected.unwrap();
    peer.cut();
    assert!(matches!(
        soon("the loss", events.next()).await,
        Some(ChatEvent::Connection(ConnectionChange::Lost { will_reconnect: true, .. }))
    ));
    assert_eq!(chat.status(), ClientStatus::Reconnecting);
    chat.say("kept").unwrap();
    chat.close();
    // What was kept is not lost silently.
    assert!(matches!(
        soon("the report", events.next()).await,
        Some(ChatEvent::Connection(ConnectionChange::EmitsLost { count: 1, .. }))
    ));
    assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL);
}

#[tokio::test]
async fn a_server_that_goes_on_sending_and_never_closes_holds_nobody_up() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    let flood = tokio::spawn(async move {
        let event = Message::text(r#"["said",{"text":"still here","number":1}]"#);
        while peer.socket.send(event.clone()).await.is_ok() {}
    });
    chat.close();
    let end = async {
        loop {
            match events.next().await {
                Some(ChatEvent::Said { .. }) => {}
                other => return other,
            }
        }
    };
    let end = soon("the end", end).await;
    assert!(
        matches!(
            end,
            Some(ChatEvent::Connection(ConnectionChange::Closed { code: CloseCode::NORMAL, .. }))
        ),
        "{end:?}"
    );
    soon("the end of the connection", flood).await.unwrap();
}

#[tokio::test]
async fn what_the_server_does_not_take_is_refused_here() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, _events) = connected.unwrap();
    let overhead = r#"["say",{"text":""}]"#.len();
    let most = "x".repeat(65_536 - overhead);
    chat.say(&most).unwrap();
    let refused = chat.say(format!("{most}x")).unwrap_err();
    assert!(
        matches!(refused, EmitError::TooLarge { size: 65_537, limit: 65_536, .. }),
        "{refused:?}"
    );
    chat.say("next").unwrap();
    assert_eq!(peer.text().await.len(), 65_536);
    assert_eq!(peer.text().await, r#"["say",{"text":"next"}]"#);
}
