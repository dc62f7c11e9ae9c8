use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use parlor::{CallError, ClientBuilder, ClientStatus, CloseCode, ConnectionChange, EmitError};
use parlor_tests::soon;

use crate::raw::{Peer, RawServer};

/// A client that comes back quickly.
pub(crate) fn quick(server: &RawServer) -> ClientBuilder<ChatClient> {
    ChatClient::builder(server.url())
        .reconnect_interval(Duration::from_millis(10))
        .max_reconnect_interval(Duration::from_millis(50))
}

async fn connect(
    server: &RawServer,
    builder: ClientBuilder<ChatClient>,
) -> (ChatClient, ChatEvents, Peer) {
    let (connected, peer) = tokio::join!(builder.connect(), server.accept());
    let (chat, events) = connected.unwrap();
    (chat, events, peer)
}

pub(crate) async fn change(events: &mut ChatEvents) -> ConnectionChange {
    match soon("a change of the connection", events.next()).await {
        Some(ChatEvent::Connection(change)) => change,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn say(text: impl std::fmt::Display) -> String {
    format!(r#"["say",{{"text":"{text}"}}]"#)
}

#[tokio::test]
async fn emits_while_disconnected_are_kept_in_order_over_a_restart() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) =
        connect(&server, quick(&server).max_reconnect_attempts(1000)).await;
    let address = server.address();
    drop(server);
    peer.close(1012, "restarting").await;
    match change(&mut events).await {
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
        change(&mut events).await,
        ConnectionChange::Restored { recovered: false, .. }
    ));
    assert_eq!(chat.status(), ClientStatus::Connected);
    chat.say("after").unwrap();
    for number in 0..100 {
        assert_eq!(peer.text().await, say(number));
    }
    assert_eq!(peer.text().await, say("after"));
}

#[tokio::test]
async fn more_than_the_buffer_is_refused() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect(&server, quick(&server).buffer(3)).await;
    peer.cut();
    change(&mut events).await;
    for number in 0..3 {
        chat.say(number.to_string()).unwrap();
    }
    assert_eq!(chat.say("one too many"), Err(EmitError::Full));
    assert_eq!(chat.count().await, Err(CallError::Full));

    let mut peer = server.accept().await;
    for number in 0..3 {
        assert_eq!(peer.text().await, say(number));
    }
    chat.say("there is room again").unwrap();
    assert_eq!(peer.text().await, say("there is room again"));
}

#[tokio::test]
async fn more_than_a_mebibyte_for_a_server_that_does_not_read_is_refused() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connect(&server, quick(&server)).await;
    let text = "x".repeat(60_000);
    let mut sent = 0;
    let full = loop {
        match chat.say(&text) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
        assert!(sent < 10_000, "nothing bounds what waits");
    };
    assert_eq!(full, EmitError::Full);
    assert!(sent >= 17, "only {sent} were taken");
    for _ in 0..sent {
        peer.text().await;
    }
    chat.say("there is room again").unwrap();
    assert_eq!(peer.text().await, say("there is room again"));
}

#[tokio::test]
async fn the_session_hook_goes_before_what_was_kept() {
    let server = RawServer::start().await;
    let builder = quick(&server).on_session(async |chat: ChatClient| {
        chat.say("hook 1").unwrap();
        assert_eq!(chat.join_room("general").await, Ok(vec![]));
        chat.say("hook 2").unwrap();
    });
    let (chat, mut events, mut peer) = connect(&server, builder).await;
    chat.say("user").unwrap();
    for after in ["user", "kept"] {
        assert_eq!(peer.text().await, say("hook 1"));
        peer.answer("$ok", "[]").await;
        assert_eq!(peer.text().await, say("hook 2"));
        assert_eq!(peer.text().await, say(after));
        if after == "user" {
            peer.cut();
            change(&mut events).await;
            chat.say("kept").unwrap();
            peer = server.accept().await;
        }
    }
}

#[tokio::test]
async fn a_hook_that_lost_its_connection_runs_anew() {
    let server = RawServer::start().await;
    let builder = quick(&server).on_session(async |chat: ChatClient| {
        let _ = chat.join_room("general").await;
        chat.say("joined").unwrap();
    });
    let (chat, _events, mut peer) = connect(&server, builder).await;
    chat.say("user").unwrap();
    assert!(peer.text().await.starts_with(r#"["joinRoom""#));
    peer.cut();
    let mut peer = server.accept().await;
    peer.answer("$ok", "[]").await;
    assert_eq!(peer.text().await, say("joined"));
    assert_eq!(peer.text().await, say("user"));
}

#[tokio::test]
async fn emits_that_were_not_confirmed_are_reported_and_not_sent_again() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = connect(&server, quick(&server)).await;
    chat.say("confirmed").unwrap();
    // The answer to a call says that what was sent before it has arrived.
    let (counted, ()) = tokio::join!(chat.count(), async {
        assert_eq!(peer.text().await, say("confirmed"));
        peer.answer("$ok", "1").await;
    });
    assert_eq!(counted, Ok(1));
    chat.say("lost 1").unwrap();
    chat.say("lost 2").unwrap();
    assert_eq!(peer.text().await, say("lost 1"));
    assert_eq!(peer.text().await, say("lost 2"));
    peer.cut();

    assert!(matches!(change(&mut events).await, ConnectionChange::Lost { .. }));
    assert!(matches!(change(&mut events).await, ConnectionChange::EmitsLost { count: 2, .. }));
    chat.say("next").unwrap();
    assert_eq!(server.accept().await.text().await, say("next"));
}

#[tokio::test]
async fn a_pong_confirms_emits() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = connect(&server, quick(&server)).await;
    chat.say("hello").unwrap();
    assert_eq!(peer.text().await, say("hello"));
    // Long before the next heartbeat, the client asks.
    let asked = soon("a ping", peer.socket.next()).await;
    assert!(matches!(asked, Some(Ok(Message::Ping(_)))), "{asked:?}");
    // The pong is written when the next message is.
    peer.send(r#"["said",{"text":"hi","number":1}]"#).await;
    assert!(matches!(events.next().await, Some(ChatEvent::Said { .. })));
    peer.cut();
    assert!(matches!(change(&mut events).await, ConnectionChange::Lost { .. }));
    server.accept().await;
    let next = change(&mut events).await;
    assert!(matches!(next, ConnectionChange::Restored { .. }), "reported as lost: {next:?}");
}

#[tokio::test]
async fn close_codes_say_whether_to_come_back() {
    for (code, comes_back) in [
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
        let (chat, mut events, peer) = connect(&server, quick(&server)).await;
        peer.close(code, "why").await;
        match change(&mut events).await {
            ConnectionChange::Lost { code: told, reason, will_reconnect, .. } => {
                assert_eq!((told, reason.as_str()), (CloseCode(code), "why"));
                assert_eq!(will_reconnect, comes_back, "{code}");
            }
            other => panic!("{other:?}"),
        }
        if comes_back {
            server.accept().await;
        } else {
            match change(&mut events).await {
                ConnectionChange::Closed { code: told, .. } => assert_eq!(told, CloseCode(code)),
                other => panic!("{other:?}"),
            }
            assert!(soon("the end", events.next()).await.is_none());
            assert_eq!(chat.status(), ClientStatus::Closed);
        }
    }
}

#[tokio::test]
async fn does_not_come_back_if_told_so() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect(&server, quick(&server).reconnect(false)).await;
    peer.cut();
    assert!(matches!(
        change(&mut events).await,
        ConnectionChange::Lost { will_reconnect: false, .. }
    ));
    assert!(matches!(change(&mut events).await, ConnectionChange::Closed { .. }));
    assert_eq!(chat.say("hello"), Err(EmitError::Closed));
}

#[tokio::test]
async fn gives_up_after_the_last_attempt() {
    let server = RawServer::start().await;
    let (_chat, mut events, peer) =
        connect(&server, quick(&server).max_reconnect_attempts(3)).await;
    peer.cut();
    for _ in 0..3 {
        drop(server.accept_tcp().await);
    }
    assert!(matches!(change(&mut events).await, ConnectionChange::Lost { .. }));
    match change(&mut events).await {
        ConnectionChange::Closed { code, reason, .. } => {
            assert_eq!(code, CloseCode::ABNORMAL);
            assert!(reason.starts_with("gave up after 3 attempts: "), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn attempts_are_counted_anew_after_a_connection_that_lasted() {
    let server = RawServer::start().await;
    let builder =
        quick(&server).heartbeat_interval(Duration::from_millis(100)).max_reconnect_attempts(2);
    let (_chat, mut events, mut peer) = connect(&server, builder).await;
    for _ in 0..4 {
        // The first ping comes later than `max_reconnect_interval`.
        let ping = soon("a ping", peer.socket.next()).await;
        assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
        peer.cut();
        drop(server.accept_tcp().await);
        peer = server.accept().await;
        assert!(matches!(change(&mut events).await, ConnectionChange::Lost { .. }));
        assert!(matches!(change(&mut events).await, ConnectionChange::Restored { .. }));
    }
}

#[tokio::test]
async fn a_server_that_welcomes_and_then_closes_is_given_up() {
    let server = RawServer::start().await;
    let builder = quick(&server)
        .max_reconnect_interval(Duration::from_secs(86_400))
        .max_reconnect_attempts(3);
    let (_chat, mut events, mut peer) = connect(&server, builder).await;
    for _ in 0..3 {
        peer.close(1011, "a handler panicked").await;
        let lost = change(&mut events).await;
        assert!(matches!(lost, ConnectionChange::Lost { will_reconnect: true, .. }), "{lost:?}");
        peer = server.accept().await;
        let restored = change(&mut events).await;
        assert!(matches!(restored, ConnectionChange::Restored { .. }), "{restored:?}");
    }
    peer.close(1011, "a handler panicked").await;
    let lost = change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::Lost { will_reconnect: false, .. }), "{lost:?}");
    match change(&mut events).await {
        ConnectionChange::Closed { code, reason, .. } => {
            assert_eq!(code, CloseCode::ABNORMAL);
            let told = "gave up after 3 attempts: connection lost (1011: a handler panicked)";
            assert_eq!(reason, told);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_server_with_a_smaller_limit_does_not_take_is_dropped_and_reported() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect(&server, quick(&server)).await;
    peer.cut();
    assert!(matches!(change(&mut events).await, ConnectionChange::Lost { .. }));
    let size = say("12345").len();
    chat.say("12345").unwrap();
    chat.say("123456").unwrap();
    let joining = chat.join_room("a room with a long name");
    chat.say("next").unwrap();

    let mut peer = server.accept_with(30_000, size).await;
    let lost = change(&mut events).await;
    assert!(matches!(lost, ConnectionChange::EmitsLost { count: 1, .. }), "{lost:?}");
    assert!(matches!(change(&mut events).await, ConnectionChange::Restored { .. }));
    let joined = soon("an answer", joining).await;
    assert!(
        matches!(joined, Err(CallError::TooLarge { limit, .. }) if limit == size),
        "{joined:?}"
    );
    assert_eq!(peer.text().await, say("12345"));
    assert_eq!(peer.text().await, say("next"));
}

#[tokio::test]
async fn a_refusal_for_good_ends_the_attempts() {
    let server = RawServer::start().await;
    let (_chat, mut events, peer) = connect(&server, quick(&server)).await;
    peer.cut();
    server.accept_silently().await.close(4501, "the token has expired").await;
    assert!(matches!(change(&mut events).await, ConnectionChange::Lost { .. }));
    match change(&mut events).await {
        ConnectionChange::Closed { code, reason, .. } => {
            assert_eq!(code, CloseCode::UNAUTHORIZED);
            assert!(reason.contains("the token has expired"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let server = RawServer::start().await;
    let interval = Duration::from_millis(200);
    let builder = quick(&server).heartbeat_interval(interval);
    let begun = Instant::now();
    let (connected, peer) = tokio::join!(builder.connect(), server.accept_with(100, 65_536));
    let (_chat, mut events) = connected.unwrap();
    // It answers no ping, as nobody reads.
    match change(&mut events).await {
        ConnectionChange::Lost { code, will_reconnect: true, .. } => {
            assert_eq!(code, CloseCode::HEARTBEAT_MISSED);
        }
        other => panic!("{other:?}"),
    }
    assert!(begun.elapsed() >= interval * 3 / 2);
    drop(peer);
}

#[tokio::test]
async fn a_server_is_not_given_up_before_its_own_heartbeat() {
    let server = RawServer::start().await;
    let builder = quick(&server).heartbeat_interval(Duration::from_millis(100));
    let begun = Instant::now();
    let (connected, peer) = tokio::join!(builder.connect(), server.accept_with(400, 65_536));
    let (_chat, mut events) = connected.unwrap();
    let lost = change(&mut events).await;
    assert!(
        matches!(lost, ConnectionChange::Lost { code: CloseCode::HEARTBEAT_MISSED, .. }),
        "{lost:?}"
    );
    assert!(begun.elapsed() >= Duration::from_millis(600), "after {:?}", begun.elapsed());
    drop(peer);
}

#[tokio::test]
async fn a_server_that_answers_pings_lives() {
    let server = RawServer::start().await;
    let builder = quick(&server).heartbeat_interval(Duration::from_millis(100));
    let (connected, mut peer) = tokio::join!(builder.connect(), server.accept_with(100, 65_536));
    let (_chat, mut events) = connected.unwrap();
    // Reading answers the pings.
    for _ in 0..8 {
        let ping = soon("a ping", peer.socket.next()).await;
        assert!(matches!(ping, Some(Ok(Message::Ping(_)))), "{ping:?}");
    }
    peer.send(r#"["said",{"text":"alive","number":1}]"#).await;
    assert!(matches!(soon("an event", events.next()).await, Some(ChatEvent::Said { .. })));
}

#[tokio::test]
async fn reading_that_has_stopped_is_not_taken_for_death() {
    let server = RawServer::start().await;
    let builder = quick(&server).heartbeat_interval(Duration::from_millis(100));
    let (connected, mut peer) = tokio::join!(builder.connect(), server.accept_with(100, 65_536));
    let (chat, mut events) = connected.unwrap();
    let flood = tokio::spawn(async move {
        let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(1 << 16));
        for _ in 0..200 {
            peer.send(&event).await;
        }
        peer
    });
    // Fails after a second without reading, when silence would long have been death.
    assert_eq!(soon("an answer", chat.count()).await, Err(CallError::EventsNotPolled));
    for _ in 0..200 {
        let event = soon("an event", events.next()).await;
        assert!(matches!(event, Some(ChatEvent::Said { .. })), "{event:?}");
    }
    soon("the flood", flood).await.unwrap();
}

#[tokio::test]
async fn a_hook_that_panics_leaves_nobody_waiting() {
    let server = RawServer::start().await;
    let builder = quick(&server).on_session(async |_: ChatClient| panic!("on purpose"));
    let (chat, mut events, _peer) = connect(&server, builder).await;
    let counted = soon("an answer", chat.count()).await;
    assert_eq!(counted, Err(CallError::Closed));
    assert!(matches!(change(&mut events).await, ConnectionChange::Closed { .. }));
    assert!(soon("the end", events.next()).await.is_none());
}
