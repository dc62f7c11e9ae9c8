use std::time::Duration;

use futures::FutureExt;

use crate::closes::disconnected;
use crate::contract::{ChatClient, ChatEvent, JoinError};
use parlor::client::{CallError, CloseCause, ConnectionChange, Reconnect};
use parlor_tests::within_timeout;

use crate::raw_server::RawServer;

/// More than the client's inbox holds: 3 MiB of events.
const FLOOD: usize = 3 << 10;

fn large_said_frame(number: usize) -> String {
    format!(r#"["said",{{"text":"{}","number":{number}}}]"#, "x".repeat(1 << 10))
}

async fn connected(
    server: &RawServer,
) -> (ChatClient, crate::contract::ChatEvents, crate::raw_server::Peer) {
    let reconnect = Reconnect { interval: Duration::from_millis(10), ..Reconnect::default() };
    let connect = ChatClient::builder(server.url()).reconnect(reconnect).connect();
    let (connected, peer) = tokio::join!(connect, server.accept());
    let (chat, events) = connected.unwrap();
    (chat, events, peer)
}

#[tokio::test]
async fn answers_are_decoded_and_matched_by_id() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;

    let joining = chat.join_room("general");
    let counting = chat.count();
    assert_eq!(peer.text().await, r#"["joinRoom",{"room":"general"},1]"#);
    assert_eq!(peer.text().await, r#"["count",{},2]"#);
    // Answers may arrive in any order.
    peer.send(r#"["$ok",5,2]"#).await;
    peer.send(r#"["$ok",["ada","bob"],1]"#).await;
    assert_eq!(
        within_timeout("an answer", joining).await,
        Ok(vec!["ada".to_owned(), "bob".to_owned()])
    );
    assert_eq!(within_timeout("an answer", counting).await, Ok(5));
}

#[tokio::test]
async fn refused_call_returns_typed_handler_error() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;
    let refusal = r#"{"code":"refused","message":"refused","details":{"Full":{"capacity":2}}}"#;
    let (joined, ()) = tokio::join!(chat.join_room("general"), peer.answer("$err", refusal));
    assert_eq!(joined, Err(CallError::Refused(JoinError::Full { capacity: 2 })));
}

#[tokio::test]
async fn error_reply_code_maps_to_call_error() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;
    for (code, expected) in [
        ("denied", CallError::Denied("why".to_owned())),
        ("limited", CallError::Limited("why".to_owned())),
        ("failed", CallError::Failed("why".to_owned())),
        ("panicked", CallError::Panicked),
        ("timedOut", CallError::TimedOut),
        ("unknown", CallError::Protocol("why".to_owned())),
        ("malformed", CallError::Protocol("why".to_owned())),
        ("ofTomorrow", CallError::Failed("why".to_owned())),
    ] {
        let refusal = format!(r#"{{"code":"{code}","message":"why"}}"#);
        let (joined, ()) = tokio::join!(chat.join_room("general"), peer.answer("$err", &refusal));
        assert_eq!(joined, Err(expected), "{code}");
    }
}

#[tokio::test]
async fn invalid_call_returns_violation_with_field_and_rule() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;
    let refusal = r#"{"code":"invalid","message":"..","details":
        {"path":"room","rule":"length","message":"too short","min":1}}"#;
    let (joined, ()) = tokio::join!(chat.join_room("general"), peer.answer("$err", refusal));
    match joined {
        Err(CallError::Invalid(violation)) => {
            assert_eq!((violation.path.as_str(), violation.rule.as_str()), ("room", "length"));
            assert_eq!(violation.min, Some(1.into()));
        }
        other => panic!("{other:?}"),
    }

    // A call that breaks a rule known to the client is not sent.
    match chat.join_room("").await {
        Err(CallError::Invalid(violation)) => {
            assert_eq!((violation.path.as_str(), violation.rule.as_str()), ("room", "length"));
        }
        other => panic!("{other:?}"),
    }
    chat.say("next").unwrap();
    assert_eq!(peer.text().await, r#"["say",{"text":"next"}]"#);
}

#[tokio::test]
async fn answer_of_wrong_type_is_protocol_error() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", r#""many""#));
    assert!(matches!(counted, Err(CallError::Protocol(_))), "{counted:?}");
    // The message of the server is part of the error, whether the event has an error type or not.
    let refusal = r#"{"code":"refused","message":"why","details":7}"#;
    let (joined, ()) = tokio::join!(chat.join_room("general"), peer.answer("$err", refusal));
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$err", refusal));
    for error in [joined.map(drop).unwrap_err().to_string(), counted.unwrap_err().to_string()] {
        assert!(error.contains("different contracts") && error.contains("why"), "{error}");
    }
}

#[tokio::test]
async fn call_without_answer_times_out() {
    let server = RawServer::start().await;
    let connect =
        ChatClient::builder(server.url()).call_timeout(Duration::from_millis(100)).connect();
    let (connected, mut peer) = tokio::join!(connect, server.accept());
    let (chat, _events) = connected.unwrap();
    assert_eq!(within_timeout("a timeout", chat.count()).await, Err(CallError::TimedOut));
    // A late answer is ignored.
    peer.answer("$ok", "5").await;
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", "6"));
    assert_eq!(counted, Ok(6));
}

#[tokio::test]
async fn call_in_flight_fails_when_connection_is_lost() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;
    let counting = chat.count();
    peer.text().await;
    peer.cut();
    assert_eq!(disconnected(within_timeout("an answer", counting).await).cause, CloseCause::Lost);
}

#[tokio::test]
async fn call_made_while_disconnected_is_sent_after_reconnect() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connected(&server).await;
    peer.cut();
    assert!(matches!(
        within_timeout("the loss", events.next()).await,
        Some(ChatEvent::Connection(ConnectionChange::Lost { .. }))
    ));
    let counting = chat.count();
    let mut peer = server.accept().await;
    let (counted, ()) = tokio::join!(counting, peer.answer("$ok", "5"));
    assert_eq!(counted, Ok(5));
}

#[tokio::test]
async fn unsent_call_that_timed_out_or_was_dropped_is_not_sent() {
    let server = RawServer::start().await;
    let connect = ChatClient::builder(server.url())
        .reconnect(Reconnect { interval: Duration::from_millis(10), ..Reconnect::default() })
        .call_timeout(Duration::from_millis(100))
        .connect();
    let (connected, peer) = tokio::join!(connect, server.accept());
    let (chat, mut events) = connected.unwrap();
    peer.cut();
    assert!(matches!(
        within_timeout("the loss", events.next()).await,
        Some(ChatEvent::Connection(ConnectionChange::Lost { .. }))
    ));
    drop(chat.join_room("dropped"));
    assert_eq!(within_timeout("a timeout", chat.count()).await, Err(CallError::TimedOut));
    chat.say("queued").unwrap();
    assert_eq!(server.accept().await.text().await, r#"["say",{"text":"queued"}]"#);
}

#[tokio::test]
async fn call_over_pending_limit_fails_as_full() {
    let server = RawServer::start().await;
    let (chat, _events, mut peer) = connected(&server).await;
    let waiting: Vec<_> = (0..1024).map(|_| chat.count()).collect();
    assert_eq!(chat.count().await, Err(CallError::Full));
    drop(waiting);
    // Calls that were sent meanwhile stay unanswered and do not count.
    let counting = chat.count();
    while !peer.text().await.ends_with(",1026]") {}
    peer.send(r#"["$ok",5,1026]"#).await;
    assert_eq!(within_timeout("an answer", counting).await, Ok(5));
}

#[tokio::test]
async fn calls_fail_while_events_are_not_polled_and_work_again_afterwards() {
    let server = RawServer::start().await;
    let (chat, mut events, mut peer) = connected(&server).await;
    let counting = chat.count();
    let flood = tokio::spawn(async move {
        peer.text().await;
        for number in 0..FLOOD {
            peer.send(&large_said_frame(number)).await;
        }
        peer.send(r#"["$ok",5,1]"#).await;
        peer
    });
    assert_eq!(within_timeout("an answer", counting).await, Err(CallError::EventsNotPolled));
    assert_eq!(chat.count().await, Err(CallError::EventsNotPolled), "new ones fail at once");

    // No event is lost.
    for expected in 0..FLOOD {
        match within_timeout("an event", events.next()).await {
            Some(ChatEvent::Said { number, .. }) => assert_eq!(number as usize, expected),
            other => panic!("{other:?}"),
        }
    }
    let mut peer = within_timeout("the flood", flood).await.unwrap();
    let (counted, ()) = tokio::join!(chat.count(), peer.answer("$ok", "6"));
    assert_eq!(counted, Ok(6));
    assert!(events.next().now_or_never().is_none(), "the connection was never lost");
}
