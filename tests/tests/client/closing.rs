use std::time::Duration;

use crate::closes::{closed_call, closed_emit};
use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use futures::SinkExt;
use parlor::client::{ClientStatus, CloseCause, ConnectionChange, EmitError, Reconnect};
use parlor::wire::CloseCode;
use parlor_tests::within_timeout;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::raw_server::RawServer;

async fn closed(events: &mut ChatEvents) -> (CloseCode, String) {
    match within_timeout("the end", events.next()).await {
        Some(ChatEvent::Connection(ConnectionChange::Closed { code, reason, .. })) => {
            assert!(within_timeout("the end", events.next()).await.is_none());
            (code, reason)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn close_sends_queued_events_and_does_not_reconnect() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    assert_eq!(chat.status(), ClientStatus::Connected);
    chat.say("last").unwrap();
    let counting = chat.count();
    chat.close();

    assert_eq!(chat.status(), ClientStatus::Closed);
    assert_eq!(closed_call(counting.await).cause, CloseCause::Closed);
    assert_eq!(closed_emit(chat.say("too late")).cause, CloseCause::Closed);
    assert_eq!(closed_call(chat.count().await).cause, CloseCause::Closed);
    assert_eq!(peer.text().await, r#"["say",{"text":"last"}]"#);
    assert_eq!(peer.close_code().await, Some(1000));
    drop(peer);
    assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL);
}

#[tokio::test]
async fn only_close_frame_with_code_1000_confirms_sent_events() {
    for (code, confirmed) in [(1000_u16, true), (1012, false)] {
        let server = RawServer::start().await;
        let (connected, mut peer) =
            tokio::join!(ChatClient::connect(server.url()), server.accept());
        let (chat, mut events) = connected.unwrap();
        chat.say("last").unwrap();
        chat.close();
        // Both frames of the client have a header of 2 bytes and a mask of 4 bytes. The test
        // answers with raw bytes, because a WebSocket would answer the close frame by itself.
        let text = r#"["say",{"text":"last"}]"#.len();
        let mut frames = vec![0; 6 + text + 6 + 2];
        let stream = peer.socket.get_mut();
        within_timeout("the close frame", stream.read_exact(&mut frames)).await.unwrap();
        assert_eq!(frames[6 + text], 0x88, "no close frame");
        let [high, low] = code.to_be_bytes();
        stream.write_all(&[0x88, 2, high, low]).await.unwrap();

        if !confirmed {
            let lost = within_timeout("the report", events.next()).await;
            let Some(ChatEvent::Connection(ConnectionChange::EmitsLost { count: 1, .. })) = lost
            else {
                panic!("{lost:?}");
            };
        }
        assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL, "{code}");
    }
}

#[tokio::test]
async fn dropping_all_handles_closes_client() {
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
async fn pending_call_keeps_client_open() {
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
async fn close_stops_reconnecting_and_reports_queued_events_as_lost() {
    let server = RawServer::start().await;
    let day = Duration::from_secs(86_400);
    let connect = ChatClient::builder(server.url())
        .reconnect(Reconnect { interval: day, max_interval: day, ..Reconnect::default() })
        .connect();
    let (connected, peer) = tokio::join!(connect, server.accept());
    let (chat, mut events) = connected.unwrap();
    peer.cut();
    assert!(matches!(
        within_timeout("the loss", events.next()).await,
        Some(ChatEvent::Connection(ConnectionChange::Lost { will_reconnect: true, .. }))
    ));
    assert_eq!(chat.status(), ClientStatus::Reconnecting);
    chat.say("queued").unwrap();
    chat.close();
    // The queued event is reported as lost.
    assert!(matches!(
        within_timeout("the report", events.next()).await,
        Some(ChatEvent::Connection(ConnectionChange::EmitsLost { count: 1, .. }))
    ));
    assert_eq!(closed(&mut events).await.0, CloseCode::NORMAL);
}

#[tokio::test]
async fn close_ends_though_server_keeps_sending() {
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
    let end = within_timeout("the end", end).await;
    assert!(
        matches!(
            end,
            Some(ChatEvent::Connection(ConnectionChange::Closed { code: CloseCode::NORMAL, .. }))
        ),
        "{end:?}"
    );
    within_timeout("the end of the connection", flood).await.unwrap();
}

#[tokio::test]
async fn event_over_size_limit_of_server_is_not_sent() {
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
