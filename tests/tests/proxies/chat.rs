//! The chat of the examples behind a proxy, also while it restarts.

use std::time::Duration;

use parlor::client::{ConnectionChange, Reconnect};
use parlor::wire::{CloseCode, Unrecovered};
use parlor_tests::{Example, free_addr, within_timeout};
use serde_json::json;

use crate::proxy::with_each_proxy;
use crate::tls::{self, client_config};

#[allow(unreachable_pub, reason = "in its own program it is a module of the crate root")]
#[path = "../../../examples/chat/contract.rs"]
mod contract;

use contract::{ChatClient, ChatEvent, ChatEvents};

const PATH: &str = "/api/chat/wsChat";

/// Returns the next event that is not a `userJoined` or `userLeft`.
async fn next(events: &mut ChatEvents) -> ChatEvent {
    loop {
        match within_timeout("an event", events.next()).await.expect("not closed") {
            ChatEvent::UserJoined { .. } | ChatEvent::UserLeft { .. } => {}
            event => return event,
        }
    }
}

async fn next_text(events: &mut ChatEvents) -> String {
    match next(events).await {
        ChatEvent::NewMessage { text, .. } => text,
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn chat_works_over_tls() {
    with_each_proxy(async |proxy| {
        let addr = free_addr();
        let mut server = Example::run("chat", &["--addr", &addr.to_string()]).await;
        server.line_with("is at").await;
        let proxy = proxy.start(addr, &[]).await;

        let (ada, mut events) = ChatClient::builder(proxy.url(&format!("{PATH}?name=ada")))
            .rustls_config(client_config())
            .connect()
            .await
            .expect("connected");
        assert_eq!(ada.join_room("general").await.expect("joined"), ["ada"]);

        // A page of this server: the origin has the name and port of the proxy.
        let origin = format!("https://localhost:{}", proxy.addr.port());
        let mut raw = tls::open(proxy.addr, &format!("{PATH}?name=raw"), &[("origin", &origin)])
            .await
            .expect("accepted");
        raw.emit("joinRoom", json!({"room": "general"})).await;
        assert_eq!(
            raw.receive().await,
            json!(["userJoined", {"room": "general", "userId": "raw"}])
        );
        raw.emit("sendMessage", json!({"room": "general", "text": "hello"})).await;
        assert_eq!(next_text(&mut events).await, "hello");
        ada.send_message("general", "hi").expect("sent");
        let texts = [raw.receive().await, raw.receive().await];
        assert_eq!(texts.map(|said| said[1]["text"].clone()), ["hello", "hi"]);
    })
    .await;
}

#[tokio::test]
async fn restarted_server_is_reached_by_same_clients_with_new_sessions() {
    with_each_proxy(async |kind| {
        let addr = free_addr();
        let args = ["--addr", &addr.to_string()];
        let mut server = Example::run("chat", &args).await;
        server.line_with("is at").await;
        let proxy = kind.start(addr, &[]).await;

        let (ada, mut events) = ChatClient::builder(proxy.url(&format!("{PATH}?name=ada")))
            .rustls_config(client_config())
            .reconnect(Reconnect {
                interval: Duration::from_millis(100),
                max_interval: Duration::from_millis(500),
                max_attempts: None,
            })
            .on_session(async |ada: ChatClient| drop(ada.join_room("general").await))
            .connect()
            .await
            .expect("connected");
        let mut raw = tls::open(proxy.addr, PATH, &[]).await.expect("accepted");
        ada.send_message("general", "before").expect("sent");
        assert_eq!(next_text(&mut events).await, "before");

        // The proxies pass the close frame of the server.
        server.signal("INT").await;
        let closed = raw.closed().await;
        assert_eq!(closed.code, CloseCode::RESTART.0, "{kind:?}: {}", closed.reason);
        assert!(closed.reason.contains("retry in"), "{kind:?}: {}", closed.reason);
        drop(raw);
        assert!(server.exits_with_success().await);

        // Without a server they answer by themselves.
        let refused = tls::open(proxy.addr, PATH, &[]).await.err().expect("no server");
        assert_eq!(refused.as_u16(), kind.status_without_server(), "{kind:?}");

        let mut server = Example::run("chat", &args).await;
        server.line_with("is at").await;
        match next(&mut events).await {
            ChatEvent::Connection(ConnectionChange::Lost { code, will_reconnect, .. }) => {
                assert_eq!((code, will_reconnect), (CloseCode::RESTART, true), "{kind:?}");
            }
            event => panic!("{kind:?}: {event:?}"),
        }
        match next(&mut events).await {
            ChatEvent::Connection(ConnectionChange::Restored { reason, .. }) => {
                assert_eq!(reason, Some(Unrecovered::Ended), "{kind:?}");
            }
            event => panic!("{kind:?}: {event:?}"),
        }
        ada.send_message("general", "after").expect("sent");
        assert_eq!(next_text(&mut events).await, "after");
    })
    .await;
}
