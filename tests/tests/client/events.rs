use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;

use crate::contract::{ChatClient, ChatEvent, ChatEvents};
use parlor::client::ConnectionChange;
use parlor::wire::ErrorCode;
use parlor_tests::within_timeout;

use crate::raw_server::{Peer, RawServer};

#[tokio::test]
async fn events_arrive_in_order_and_unknown_ones_are_skipped() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (_chat, events) = connected.unwrap();
    for frame in [
        r#"["said",{"text":"a","number":1}]"#,
        r#"["ofTomorrow",{"text":"b"}]"#,
        r#"["$ofTomorrow",{}]"#,
        r#"["$ack",3]"#,
        r#"["pong",1]"#,
        r#"["$ok",1,77]"#,
        "not JSON",
        r#"["said",{"text":"c","number":2,"more":true}]"#,
    ] {
        peer.send(frame).await;
    }
    peer.cut();
    let events: Vec<ChatEvent> = within_timeout("events", events.take(3).collect()).await;
    assert!(matches!(&events[0], ChatEvent::Said { text, number: 1 } if text == "a"), "{events:?}");
    assert!(matches!(&events[1], ChatEvent::Said { text, number: 2 } if text == "c"), "{events:?}");
    assert!(
        matches!(&events[2], ChatEvent::Connection(ConnectionChange::Lost { .. })),
        "{events:?}"
    );
}

#[tokio::test]
async fn undecodable_event_is_reported_and_skipped() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (_chat, mut events) = connected.unwrap();
    for (payload, expected) in [
        (r#"{"number":1}"#, "the field `text` is missing"),
        (r#"{"text":7,"number":1}"#, "invalid type"),
        (r#"{"text":"a","number":1} {}"#, "trailing"),
    ] {
        peer.send(&format!(r#"["said",{payload}]"#)).await;
        match within_timeout("an event", events.next()).await {
            Some(ChatEvent::Connection(ConnectionChange::Undecodable {
                event, problem, ..
            })) => {
                assert_eq!(event, "said");
                assert!(problem.contains(expected), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn error_reply_to_event_is_reported() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, mut events) = connected.unwrap();
    chat.say("hello").unwrap();
    peer.text().await;
    peer.send(
        r#"["$err",{"code":"invalid","message":"too rude","details":
            {"path":"text","rule":"custom","message":"rude"}}]"#,
    )
    .await;
    match within_timeout("a refusal", events.next()).await {
        Some(ChatEvent::Connection(ConnectionChange::EventRefused {
            code,
            message,
            violation: Some(violation),
            ..
        })) => {
            assert_eq!((code, message.as_str()), (ErrorCode::Invalid, "too rude"));
            assert_eq!(violation.path, "text");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_are_discarded_after_receiver_is_dropped() {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, events) = connected.unwrap();
    drop(events);
    let counting = chat.count();
    peer.text().await;
    let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(1 << 16));
    for _ in 0..100 {
        peer.send(&event).await;
    }
    peer.send(r#"["$ok",5,1]"#).await;
    assert_eq!(within_timeout("an answer", counting).await, Ok(5));
}

#[tokio::test]
async fn dropping_full_receiver_continues_reading() {
    let server = RawServer::start().await;
    let connect = ChatClient::builder(server.url()).call_timeout(Duration::from_secs(15)).connect();
    let (connected, mut peer) = tokio::join!(connect, server.accept());
    let (chat, events) = connected.unwrap();
    let event = format!(r#"["said",{{"text":"{}","number":1}}]"#, "x".repeat(1 << 16));
    let flood = tokio::spawn(async move {
        for _ in 0..200 {
            peer.send(&event).await;
        }
        peer
    });
    // The call fails once reading has stopped.
    within_timeout("an answer", chat.count()).await.unwrap_err();
    drop(events);
    let mut peer = within_timeout("the flood", flood).await.unwrap();
    peer.text().await;
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", "6"));
    assert_eq!(counted, Ok(6));
}

/// More events than the budget of a task allows without a yield.
const MANY: usize = 1000;

/// An event.
const SAID: &str = r#"["said",{"text":"a","number":1}]"#;

/// Connects a client whose inbox has [`MANY`] times `frame`, then [`SAID`].
async fn with_full_inbox(frame: &str) -> (ChatClient, ChatEvents, Peer) {
    let server = RawServer::start().await;
    let (connected, mut peer) = tokio::join!(ChatClient::connect(server.url()), server.accept());
    let (chat, events) = connected.unwrap();
    for _ in 0..MANY {
        peer.send(frame).await;
    }
    peer.send(SAID).await;
    // The answer arrives after them.
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", "5"));
    assert_eq!(counted, Ok(5));
    (chat, events, peer)
}

/// Spawns a task and returns a flag that it sets when it runs.
fn other_task() -> Arc<AtomicBool> {
    let has_run = Arc::new(AtomicBool::new(false));
    tokio::spawn({
        let has_run = Arc::clone(&has_run);
        async move { has_run.store(true, Ordering::Relaxed) }
    });
    has_run
}

#[tokio::test]
async fn task_that_takes_many_events_lets_other_task_run() {
    let (_chat, mut events, _peer) = with_full_inbox(SAID).await;
    let has_run = other_task();
    for _ in 0..MANY {
        assert!(matches!(events.next().await, Some(ChatEvent::Said { .. })));
    }
    assert!(has_run.load(Ordering::Relaxed));
}

#[tokio::test]
async fn task_that_takes_many_events_as_stream_lets_other_task_run() {
    let (_chat, mut events, _peer) = with_full_inbox(SAID).await;
    let has_run = other_task();
    for _ in 0..MANY {
        assert!(matches!(StreamExt::next(&mut events).await, Some(ChatEvent::Said { .. })));
    }
    assert!(has_run.load(Ordering::Relaxed));
}

#[tokio::test]
async fn task_that_skips_many_unknown_events_lets_other_task_run() {
    let (_chat, mut events, _peer) = with_full_inbox(r#"["ofTomorrow",{}]"#).await;
    let has_run = other_task();
    assert!(matches!(events.next().await, Some(ChatEvent::Said { .. })));
    assert!(has_run.load(Ordering::Relaxed));
}
