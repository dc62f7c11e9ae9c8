//! The client against Parlor's own server.

use std::sync::Arc;
use std::time::Duration;

use parlor::client::{CallError, ConnectError, Reconnect};
use parlor::http::HeaderMap;
use parlor::prelude::*;
use parlor::server::Timeouts;
use parlor::session::Denied;
use parlor::wire::{CloseCode, ErrorCode, Unrecovered};
use parlor_tests::{TestServer, within_timeout};
use tokio::sync::mpsc;

use crate::contract::{Chat, ChatClient, ChatEvent, ChatEvents, ChatServer, ChatSocket, JoinError};
use crate::reconnecting::fast_reconnect;

/// A session that reports to the test what it handles.
struct Guest {
    socket: ChatSocket,
    handled: mpsc::UnboundedSender<String>,
}

impl Chat for Guest {
    async fn say(&mut self, text: String) {
        self.socket.io().to("general").said(&text, 0);
        let _ = self.handled.send(text);
    }

    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError> {
        if room == "full" {
            return Err(JoinError::Full { capacity: 2 });
        }
        assert!(self.socket.join(&room).is_ok());
        let _ = self.handled.send(format!("joined {room}"));
        Ok(self.socket.rooms())
    }

    async fn count(&mut self) -> u32 {
        std::future::pending().await
    }
}

struct ParlorServer {
    running: TestServer,
    handled: mpsc::UnboundedReceiver<String>,
}

impl ParlorServer {
    async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    async fn start_at(address: &str) -> Self {
        let (sender, handled) = mpsc::unbounded_channel();
        let chat = ChatServer::new(move |socket: ChatSocket| {
            let handled = sender.clone();
            async move {
                match socket.request().bearer_token().as_deref() {
                    Some("wrong") => Err(Reject::unauthorized("this token is not known")),
                    _ => Ok(Guest { socket, handled }),
                }
            }
        })
        .timeouts(Timeouts { handler: Some(Duration::from_millis(500)), ..Timeouts::default() })
        .guard(|_: &Guest, event| match event.size() {
            0..200 => Ok(()),
            _ => Err(Denied::new("too long")),
        });
        let running = TestServer::start_at(address, Router::new().procedure("/chat", chat)).await;
        Self { running, handled }
    }

    fn url(&self) -> String {
        self.running.url("/chat")
    }

    async fn handled(&mut self) -> String {
        within_timeout("a handler", self.handled.recv()).await.expect("a handler")
    }
}

async fn event(events: &mut ChatEvents) -> ChatEvent {
    within_timeout("an event", events.next()).await.expect("an event")
}

#[tokio::test]
async fn event_to_room_reaches_both_members_in_order() {
    let server = ParlorServer::start().await;
    let (ada, mut adas_events) = ChatClient::connect(server.url()).await.unwrap();
    let (bob, mut bobs_events) = ChatClient::connect(server.url()).await.unwrap();
    assert_eq!(ada.join_room("general").await, Ok(vec!["general".to_owned()]));
    assert_eq!(bob.join_room("general").await, Ok(vec!["general".to_owned()]));
    for number in 0..100 {
        ada.say(number.to_string()).unwrap();
    }
    for events in [&mut adas_events, &mut bobs_events] {
        for number in 0..100 {
            match event(events).await {
                ChatEvent::Said { text, .. } => assert_eq!(text, number.to_string()),
                other @ ChatEvent::Connection(_) => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn call_errors_have_their_types() {
    let server = ParlorServer::start().await;
    let (chat, mut events) = ChatClient::connect(server.url()).await.unwrap();
    let refused = chat.join_room("full").await;
    assert_eq!(refused, Err(CallError::Refused(JoinError::Full { capacity: 2 })));
    match chat.join_room("").await {
        Err(CallError::Invalid(violation)) => {
            assert_eq!((violation.path.as_str(), violation.rule.as_str()), ("room", "length"));
        }
        other => panic!("{other:?}"),
    }
    let denied = chat.join_room("x".repeat(200)).await;
    assert_eq!(denied, Err(CallError::Denied("too long".to_owned())));
    chat.say("x".repeat(200)).unwrap();
    assert!(matches!(
        event(&mut events).await,
        ChatEvent::Connection(ConnectionChange::EventRefused { code: ErrorCode::Denied, .. })
    ));
    // The server cancels its handler after `Timeouts::handler`.
    assert_eq!(within_timeout("an answer", chat.count()).await, Err(CallError::TimedOut));
}

#[tokio::test]
async fn events_emitted_during_restart_arrive_after_session_hook_joins_room() {
    let mut server = ParlorServer::start().await;
    let (chat, mut events) = ChatClient::builder(server.url())
        .reconnect(Reconnect { max_attempts: Some(1000), ..fast_reconnect() })
        .on_session(async |chat| assert!(chat.join_room("general").await.is_ok()))
        .connect()
        .await
        .unwrap();
    assert_eq!(server.handled().await, "joined general");
    let address = server.running.addr.to_string();
    server.running.stop().await;
    match event(&mut events).await {
        ChatEvent::Connection(ConnectionChange::Lost { code, will_reconnect: true, .. }) => {
            assert_eq!(code, CloseCode::RESTART);
        }
        other => panic!("{other:?}"),
    }
    for number in 0..100 {
        chat.say(number.to_string()).unwrap();
    }

    let mut server = ParlorServer::start_at(&address).await;
    let restored = event(&mut events).await;
    assert!(
        matches!(
            restored,
            ChatEvent::Connection(ConnectionChange::Restored {
                recovered: false,
                reason: Some(Unrecovered::Ended),
                ..
            })
        ),
        "{restored:?}"
    );
    assert_eq!(server.handled().await, "joined general");
    for number in 0..100 {
        assert_eq!(server.handled().await, number.to_string());
        match event(&mut events).await {
            ChatEvent::Said { text, .. } => assert_eq!(text, number.to_string()),
            other @ ChatEvent::Connection(_) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn wrong_token_is_rejected_with_reason() {
    let server = ParlorServer::start().await;
    let right = ChatClient::builder(server.url()).token(async || Ok("right".to_owned()));
    right.connect().await.unwrap();
    let wrong = ChatClient::builder(server.url()).token(async || Ok("wrong".to_owned()));
    match wrong.connect().await.unwrap_err() {
        ConnectError::Closed { code, reason, .. } => {
            assert_eq!(code, CloseCode::UNAUTHORIZED);
            assert_eq!(reason, "this token is not known");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn foreign_origin_header_is_rejected() {
    let server = ParlorServer::start().await;
    let headers = Arc::new(HeaderMap::from_iter([(
        "origin".parse().unwrap(),
        "https://elsewhere.example".parse().unwrap(),
    )]));
    let connect = ChatClient::builder(server.url())
        .headers(move || {
            let headers = Arc::clone(&headers);
            async move { Ok(HeaderMap::clone(&headers)) }
        })
        .connect();
    match connect.await.unwrap_err() {
        ConnectError::Closed { code, .. } => assert_eq!(code, CloseCode::ORIGIN),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_before_close_are_all_handled() {
    let mut server = ParlorServer::start().await;
    let (chat, mut events) = ChatClient::connect(server.url()).await.unwrap();
    for number in 0..100 {
        chat.say(number.to_string()).unwrap();
    }
    chat.close();
    for number in 0..100 {
        assert_eq!(server.handled().await, number.to_string());
    }
    assert!(matches!(
        event(&mut events).await,
        ChatEvent::Connection(ConnectionChange::Closed { code: CloseCode::NORMAL, .. })
    ));
    assert!(within_timeout("the end", events.next()).await.is_none());
}
