use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use crate::closes::{closed_call, closed_emit};
use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use parlor::client::{
    CallError, ClientBuilder, ClientStatus, CloseCause, ConnectionChange, EmitError, Reconnect,
};
use parlor::wire::CloseCode;
use parlor_tests::within_timeout;

use crate::raw_server::{Peer, RawServer};

pub(crate) fn fast_reconnect() -> Reconnect {
    Reconnect {
        interval: Duration::from_millis(10),
        max_interval: Duration::from_millis(50),
        ..Reconnect::default()
    }
}

/// A client that reconnects quickly.
pub(crate) fn fast_client_builder(server: &RawServer) -> ClientBuilder<ChatClient> {
    ChatClient::builder(server.url()).reconnect(fast_reconnect())
}

pub(crate) async fn connect(
    server: &RawServer,
    builder: ClientBuilder<ChatClient>,
) -> (ChatClient, ChatEvents, Peer) {
    let (connected, peer) = tokio::join!(builder.connect(), server.accept());
    let (chat, events) = connected.unwrap();
    (chat, events, peer)
}

pub(crate) async fn next_change(events: &mut ChatEvents) -> ConnectionChange {
    match within_timeout("a change of the connection", events.next()).await {
        Some(ChatEvent::Connection(next_change)) => next_change,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn say_frame(text: impl std::fmt::Display) -> String {
    format!(r#"["say",{{"text":"{text}"}}]"#)
}

#[tokio::test]
async fn events_emitted_while_disconnected_are_sent_in_order_after_restart() {
    let server = RawServer::start().await;
    let reconnect = Reconnect { max_attempts: Some(1000), ..fast_reconnect() };
    let (chat, mut events, peer) =
        connect(&server, fast_client_builder(&server).reconnect(reconnect)).await;
    let address = server.address();
    drop(server);
    peer.close(1012, "restarting").await;
    match next_change(&mut events).await {
        ConnectionChange::Lost { code, reason, will_reconnect: true, .. } => {
            assert_eq!((code, reason.as_str()), (CloseCode::RESTART, "restarting"));
        }
        other => panic!("{other:?}"),
    }
    for number in 0..100 {
        chat.say(number.to_string()).unwrap();
    }

    let mut peer = RawServer::start_at(address).await.accept().await;
    assert!(matches!(
        next_change(&mut events).await,
        ConnectionChange::Restored { recovered: false, .. }
    ));
    assert_eq!(chat.status(), ClientStatus::Connected);
    chat.say("after").unwrap();
    for number in 0..100 {
        assert_eq!(peer.text().await, say_frame(number));
    }
    assert_eq!(peer.text().await, say_frame("after"));
}

#[tokio::test]
async fn emit_over_buffer_limit_fails_as_full() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect(&server, fast_client_builder(&server).buffer(3)).await;
    peer.cut();
    next_change(&mut events).await;
    for number in 0..3 {
        chat.say(number.to_string()).unwrap();
    }
    assert_eq!(chat.say("one too many"), Err(EmitError::Full));
    assert_eq!(chat.count().await, Err(CallError::Full));

    let mut peer = server.accept().await;
    for number in 0..3 {
        assert_eq!(peer.text().await, say_frame(number));
    }
    chat.say("after the queue was sent").unwrap();
    assert_eq!(peer.text().await, say_frame("after the queue was sent"));
}

#[tokio::test]
async fn emit_over_one_mebibyte_queued_fails_as_full() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connect(&server, fast_client_builder(&server)).await;
    let text = "x".repeat(60_000);
    let mut sent = 0;
    let full = loop {
        match chat.say(&text) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
        assert!(sent < 10_000, "the queue has no limit");
    };
    assert_eq!(full, EmitError::Full);
    assert!(sent >= 17, "only {sent} were taken");
    for _ in 0..sent {
        peer.text().await;
    }
    chat.say("after the queue was sent").unwrap();
    assert_eq!(peer.text().await, say_frame("after the queue was sent"));
}

#[tokio::test]
async fn session_hook_runs_before_queued_events_are_sent() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).on_session(async |chat: ChatClient| {
        chat.say("hook 1").unwrap();
        assert_eq!(chat.join_room("general").await, Ok(vec![]));
        chat.say("hook 2").unwrap();
    });
    let (chat, mut events, mut peer) = connect(&server, builder).await;
    chat.say("user").unwrap();
    for after in ["user", "queued"] {
        assert_eq!(peer.text().await, say_frame("hook 1"));
        peer.answer("$ok", "[]").await;
        assert_eq!(peer.text().await, say_frame("hook 2"));
        assert_eq!(peer.text().await, say_frame(after));
        if after == "user" {
            peer.cut();
            next_change(&mut events).await;
            chat.say("queued").unwrap();
            peer = server.accept().await;
        }
    }
}

#[tokio::test]
async fn session_hook_restarts_after_lost_connection() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).on_session(async |chat: ChatClient| {
        let _ = chat.join_room("general").await;
        chat.say("joined").unwrap();
    });
    let (chat, _events, mut peer) = connect(&server, builder).await;
    chat.say("user").unwrap();
    assert!(peer.text().await.starts_with(r#"["joinRoom""#));
    peer.cut();
    let mut peer = server.accept().await;
    peer.answer("$ok", "[]").await;
    assert_eq!(peer.text().await, say_frame("joined"));
    assert_eq!(peer.text().await, say_frame("user"));
}

#[tokio::test]
async fn unconfirmed_events_are_reported_as_lost_and_not_resent() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = connect(&server, fast_client_builder(&server)).await;
    chat.say("confirmed").unwrap();
    // The answer to a call confirms the events before it.
    let (counted, ()) = tokio::join!(chat.count(), async {
        assert_eq!(peer.text().await, say_frame("confirmed"));
        peer.answer("$ok", "1").await;
    });
    assert_eq!(counted, Ok(1));
    chat.say("lost 1").unwrap();
    chat.say("lost 2").unwrap();
    assert_eq!(peer.text().await, say_frame("lost 1"));
    assert_eq!(peer.text().await, say_frame("lost 2"));
    peer.cut();

    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    assert!(matches!(next_change(&mut events).await, ConnectionChange::EmitsLost { count: 2, .. }));
    chat.say("next").unwrap();
    assert_eq!(server.accept().await.text().await, say_frame("next"));
}

#[tokio::test]
async fn pong_confirms_events() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = connect(&server, fast_client_builder(&server)).await;
    chat.say("hello").unwrap();
    assert_eq!(peer.text().await, say_frame("hello"));
    // The client sends a ping long before the next heartbeat.
    let ping = within_timeout("a ping", peer.socket.next()).await;
    assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
    // tungstenite writes the pong with the next message.
    peer.send(r#"["said",{"text":"hi","number":1}]"#).await;
    assert!(matches!(events.next().await, Some(ChatEvent::Said { .. })));
    peer.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    server.accept().await;
    let next = next_change(&mut events).await;
    assert!(matches!(next, ConnectionChange::Restored { .. }), "reported as lost: {next:?}");
}

#[tokio::test]
async fn close_code_determines_whether_client_reconnects() {
    for (code, reconnects) in [
        (1001, true),
        (1011, true),
        (4000, true),
        (4003, true),
        (1000, false),
        (1008, false),
        (4500, false),
        (4504, false),
    ] {
        let server = RawServer::start().await;
        let (chat, mut events, peer) = connect(&server, fast_client_builder(&server)).await;
        peer.close(code, "why").await;
        match next_change(&mut events).await {
            ConnectionChange::Lost { code: received, reason, will_reconnect, .. } => {
                assert_eq!((received, reason.as_str()), (CloseCode(code), "why"));
                assert_eq!(will_reconnect, reconnects, "{code}");
            }
            other => panic!("{other:?}"),
        }
        if reconnects {
            server.accept().await;
        } else {
            match next_change(&mut events).await {
                ConnectionChange::Closed { code: received, .. } => {
                    assert_eq!(received, CloseCode(code));
                }
                other => panic!("{other:?}"),
            }
            assert!(within_timeout("the end", events.next()).await.is_none());
            assert_eq!(chat.status(), ClientStatus::Closed);
        }
    }
}

#[tokio::test]
async fn client_with_reconnect_off_closes_after_loss() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) =
        connect(&server, fast_client_builder(&server).reconnect(Reconnect::never())).await;
    peer.cut();
    assert!(matches!(
        next_change(&mut events).await,
        ConnectionChange::Lost { will_reconnect: false, .. }
    ));
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Closed { .. }));
    assert_eq!(closed_emit(chat.say("hello")).cause, CloseCause::Lost);
}

#[tokio::test]
async fn client_gives_up_after_max_attempts() {
    let server = RawServer::start().await;
    let reconnect = Reconnect { max_attempts: Some(3), ..fast_reconnect() };
    let (chat, mut events, peer) =
        connect(&server, fast_client_builder(&server).reconnect(reconnect)).await;
    peer.cut();
    for _ in 0..3 {
        drop(server.accept_tcp().await);
    }
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    match next_change(&mut events).await {
        ConnectionChange::GaveUp { attempts: 3, code, reason, .. } => {
            assert_eq!(code, CloseCode::ABNORMAL);
            assert!(reason.contains("Handshake not finished"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(chat.status(), ClientStatus::GaveUp);
}

#[tokio::test]
async fn attempt_count_resets_after_stable_connection() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server)
        .heartbeat_interval(Duration::from_millis(100))
        .reconnect(Reconnect { max_attempts: Some(2), ..fast_reconnect() });
    let (_chat, mut events, mut peer) = connect(&server, builder).await;
    for _ in 0..4 {
        // The first ping arrives later than `Reconnect::max_interval`.
        let ping = within_timeout("a ping", peer.socket.next()).await;
        assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
        peer.cut();
        drop(server.accept_tcp().await);
        peer = server.accept().await;
        assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
        assert!(matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }));
    }
}

#[tokio::test]
async fn attempt_count_continues_when_server_closes_after_welcome() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).reconnect(Reconnect {
        max_interval: Duration::from_secs(86_400),
        max_attempts: Some(3),
        ..fast_reconnect()
    });
    let (_chat, mut events, mut peer) = connect(&server, builder).await;
    for _ in 0..3 {
        peer.close(1011, "a handler panicked").await;
        let lost = next_change(&mut events).await;
        assert!(matches!(lost, ConnectionChange::Lost { will_reconnect: true, .. }), "{lost:?}");
        peer = server.accept().await;
        let restored = next_change(&mut events).await;
        assert!(matches!(restored, ConnectionChange::Restored { .. }), "{restored:?}");
    }
    peer.close(1011, "a handler panicked").await;
    let lost = next_change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::Lost { will_reconnect: false, .. }), "{lost:?}");
    match next_change(&mut events).await {
        ConnectionChange::GaveUp { attempts: 3, code, reason, .. } => {
            assert_eq!((code, reason.as_str()), (CloseCode::INTERNAL, "a handler panicked"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn queued_event_over_limit_of_new_server_is_reported_as_lost() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect(&server, fast_client_builder(&server)).await;
    peer.cut();
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    let size = say_frame("12345").len();
    chat.say("12345").unwrap();
    chat.say("123456").unwrap();
    let joining = chat.join_room("a room with a long name");
    chat.say("next").unwrap();

    let mut peer = server.accept_with(30_000, size).await;
    let lost = next_change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 1, .. }), "{lost:?}");
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Restored { .. }));
    let joined = within_timeout("an answer", joining).await;
    assert!(
        matches!(joined, Err(CallError::TooLarge { limit, .. }) if limit == size),
        "{joined:?}"
    );
    assert_eq!(peer.text().await, say_frame("12345"));
    assert_eq!(peer.text().await, say_frame("next"));
}

#[tokio::test]
async fn permanent_rejection_stops_reconnecting() {
    let server = RawServer::start().await;
    let (_chat, mut events, peer) = connect(&server, fast_client_builder(&server)).await;
    peer.cut();
    server.accept_before_welcome().await.close(4501, "the token has expired").await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    match next_change(&mut events).await {
        ConnectionChange::Closed { code, reason, .. } => {
            let expected = (CloseCode::UNAUTHORIZED, "the token has expired");
            assert_eq!((code, reason.as_str()), expected);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn silent_server_is_lost_after_heartbeat() {
    let server = RawServer::start().await;
    let interval = Duration::from_millis(200);
    let builder = fast_client_builder(&server).heartbeat_interval(interval);
    let start = Instant::now();
    let (connected, peer) = tokio::join!(builder.connect(), server.accept_with(100, 65_536));
    let (_chat, mut events) = connected.unwrap();
    // The server does not read, so it answers no ping.
    match next_change(&mut events).await {
        ConnectionChange::Lost { code, will_reconnect: true, .. } => {
            assert_eq!(code, CloseCode::HEARTBEAT_MISSED);
        }
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() >= interval * 3 / 2);
    drop(peer);
}

#[tokio::test]
async fn longer_heartbeat_of_server_extends_timeout() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).heartbeat_interval(Duration::from_millis(100));
    let start = Instant::now();
    let (connected, peer) = tokio::join!(builder.connect(), server.accept_with(400, 65_536));
    let (_chat, mut events) = connected.unwrap();
    let lost = next_change(&mut events).await;
    assert!(
        matches!(lost, ConnectionChange::Lost { code: CloseCode::HEARTBEAT_MISSED, .. }),
        "{lost:?}"
    );
    assert!(start.elapsed() >= Duration::from_millis(600), "after {:?}", start.elapsed());
    drop(peer);
}

#[tokio::test]
async fn server_that_answers_pings_stays_connected() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).heartbeat_interval(Duration::from_millis(100));
    let (connected, mut peer) = tokio::join!(builder.connect(), server.accept_with(100, 65_536));
    let (_chat, mut events) = connected.unwrap();
    // Reading the pings answers them.
    for _ in 0..8 {
        let ping = within_timeout("a ping", peer.socket.next()).await;
        assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
    }
    peer.send(r#"["said",{"text":"hi","number":1}]"#).await;
    assert!(matches!(
        within_timeout("an event", events.next()).await,
        Some(ChatEvent::Said { .. })
    ));
}

#[tokio::test]
async fn paused_reading_does_not_count_as_silence() {
    let server = RawServer::start().await;
    let builder = fast_client_builder(&server).heartbeat_interval(Duration::from_millis(100));
    let (connected, mut peer) = tokio::join!(builder.connect(), server.accept_with(100, 65_536));
    let (chat, mut events) = connected.unwrap();
    let flood = tokio::spawn(async move {
        let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(1 << 16));
        for _ in 0..200 {
            peer.send(&event).await;
        }
        peer
    });
    // The call fails after a second without reading. By then, silence would have closed the
    // connection.
    assert_eq!(within_timeout("an answer", chat.count()).await, Err(CallError::EventsNotPolled));
    for _ in 0..200 {
        let event = within_timeout("an event", events.next()).await;
        assert!(matches!(event, Some(ChatEvent::Said { .. })), "{event:?}");
    }
    within_timeout("the flood", flood).await.unwrap();
}

#[tokio::test]
async fn panicking_session_hook_closes_client() {
    let server = RawServer::start().await;
    let builder =
        fast_client_builder(&server).on_session(async |_: ChatClient| panic!("on purpose"));
    let (chat, mut events, _peer) = connect(&server, builder).await;
    let counted = within_timeout("an answer", chat.count()).await;
    assert_eq!(closed_call(counted).cause, CloseCause::Stopped);
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Closed { .. }));
    assert!(within_timeout("the end", events.next()).await.is_none());
}
