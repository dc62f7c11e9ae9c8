//! A client whose token becomes that of another user: what the first user sent never runs as the second.

use std::sync::{Arc, Mutex};

use parlor::Router;
use parlor::client::{CallError, ConnectionChange};
use parlor::prelude::*;
use parlor::wire::Unrecovered;
use parlor_tests::{FaultyProxy, TestServer, within_timeout};
use tokio::sync::mpsc;

use crate::contract::{Chat, ChatClient, ChatServer, ChatSocket, JoinError};
use crate::raw_server::RawServer;
use crate::reconnecting::{fast_reconnect, next_change, say_frame};
use crate::recovery::{SECRETS, expect_lost};
use crate::session_loss::{connect_with_one_emit_in_flight, expect_emits_lost, expect_unrecovered};

/// The session of one user, which reports what it handles and for whom.
struct UserSession {
    user: String,
    handled: mpsc::UnboundedSender<String>,
}

impl UserSession {
    fn report(&self, what: &str) {
        let _ = self.handled.send(format!("{} {what}", self.user));
    }
}

impl Chat for UserSession {
    async fn say(&mut self, text: String) {
        self.report(&text);
    }

    async fn join_room(&mut self, room: String) -> Result<Vec<String>, JoinError> {
        self.report(&format!("joined {room}"));
        if room == "unanswered" {
            std::future::pending::<()>().await;
        }
        Ok(vec![room])
    }

    async fn count(&mut self) -> u32 {
        self.report("counted");
        0
    }
}

#[tokio::test]
async fn kept_emits_and_calls_are_dropped_and_reported_when_session_has_another_identity() {
    let (sender, mut handled) = mpsc::unbounded_channel();
    let token = |request: &Request| request.bearer_token().unwrap_or_default();
    let chat = ChatServer::new(move |socket: ChatSocket| {
        let (user, handled) = (token(socket.request()), sender.clone());
        async move { Ok(UserSession { user, handled }) }
    })
    .identity(token);
    let server = TestServer::start(Router::new().procedure("/chat", chat)).await;
    let proxy = FaultyProxy::start(server.addr, 0).await;
    let user = Arc::new(Mutex::new("ann"));
    let current = Arc::clone(&user);
    let (chat, mut events) = ChatClient::builder(format!("ws://{}/chat", proxy.addr))
        .reconnect(fast_reconnect())
        .token(move || {
            let user = current.lock().unwrap().to_owned();
            async move { Ok(user) }
        })
        .connect()
        .await
        .unwrap();
    let unanswered = chat.join_room("unanswered");
    assert_eq!(within_timeout("a handler", handled.recv()).await.unwrap(), "ann joined unanswered");

    proxy.cut().await;
    assert!(matches!(next_change(&mut events).await, ConnectionChange::Lost { .. }));
    chat.say("queued").unwrap();
    let queued = chat.count();
    *user.lock().unwrap() = "bob";
    proxy.accept_again();

    expect_emits_lost(&mut events, 1).await;
    assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Identity);
    let sent = within_timeout("an answer", unanswered).await;
    assert!(matches!(sent, Err(CallError::IdentityChanged)), "{sent:?}");
    let queued = within_timeout("an answer", queued).await;
    assert!(matches!(queued, Err(CallError::IdentityChanged)), "{queued:?}");
    chat.say("hello").unwrap();
    assert_eq!(within_timeout("a handler", handled.recv()).await.unwrap(), "bob hello");
}

#[tokio::test]
async fn emits_in_flight_and_queued_are_both_reported_when_session_has_another_identity() {
    let server = RawServer::start().await;
    let (chat, mut events, peer) = connect_with_one_emit_in_flight(&server).await;
    peer.cut();
    expect_lost(&mut events).await;
    for text in ["queued", "queued, too"] {
        chat.say(text).unwrap();
    }
    let mut peer = server.accept_session(SECRETS[1], r#""reason":"identity","#).await;
    expect_emits_lost(&mut events, 3).await;
    assert_eq!(expect_unrecovered(&mut events).await, Unrecovered::Identity);
    chat.say("next").unwrap();
    assert_eq!(peer.text().await, say_frame("next"));
}
