use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode};

use crate::contract::ChatClient;
use parlor::{CloseCode, ConnectError};
use parlor_tests::soon;

use crate::raw::RawServer;

#[tokio::test]
async fn says_why_the_server_closed_instead_of_welcoming() {
    let server = RawServer::start().await;
    let refuse = async { server.accept_silently().await.close(4501, "no token").await };
    let (connected, ()) = tokio::join!(ChatClient::connect(server.url()), refuse);
    match connected.unwrap_err() {
        ConnectError::Closed { code, reason, .. } => {
            assert_eq!((code, reason.as_str()), (CloseCode::UNAUTHORIZED, "no token"));
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn says_what_status_a_server_answered() {
    let server = RawServer::start().await;
    let (connected, ()) =
        tokio::join!(ChatClient::connect(server.url()), server.refuse(StatusCode::NOT_FOUND));
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Http { status: 404, .. }), "{error:?}");
    assert!(error.to_string().contains("check the path"), "{error}");
}

#[tokio::test]
async fn tells_a_server_that_does_not_speak_parlor() {
    let server = RawServer::start().await;
    let (connected, ()) =
        tokio::join!(ChatClient::connect(server.url()), server.accept_without_protocol());
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::NotParlor), "{error:?}");
    assert!(error.to_string().contains("parlor.v1.json"), "{error}");
}

#[tokio::test]
async fn tells_a_first_message_that_is_no_welcome() {
    let server = RawServer::start().await;
    let greet = async {
        let mut peer = server.accept_silently().await;
        peer.send(r#"["hello",{}]"#).await;
        peer
    };
    let (connected, _peer) = tokio::join!(ChatClient::connect(server.url()), greet);
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn the_first_attempt_is_not_repeated() {
    let server = RawServer::start().await;
    let url = server.url();
    drop(server);
    let error = soon("an error", ChatClient::connect(url)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("is the server running"), "{error}");
}

#[tokio::test]
async fn gives_a_silent_server_up_after_connect_timeout() {
    let server = RawServer::start().await;
    let begun = Instant::now();
    let patience = Duration::from_millis(300);
    let connect = ChatClient::builder(server.url()).connect_timeout(patience).connect();
    let (connected, _peer) = tokio::join!(soon("an error", connect), server.accept_silently());
    let error = connected.unwrap_err();
    assert!(
        matches!(error, ConnectError::TimedOut { after, .. } if after == patience),
        "{error:?}"
    );
    assert!(begun.elapsed() >= patience);
}

#[tokio::test]
async fn a_url_of_another_scheme_is_refused_with_advice() {
    let error = ChatClient::connect("http://127.0.0.1:3000/chat?key=secret").await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("`http`") && message.contains("ws://host:port/path"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[tokio::test]
async fn asks_for_token_and_headers_before_each_attempt() {
    let server = RawServer::start().await;
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    let connect = ChatClient::builder(server.url())
        .reconnect_interval(Duration::from_millis(10))
        .token(move || {
            let attempt = counted.fetch_add(1, Ordering::Relaxed);
            async move { Ok(format!("token {attempt}")) }
        })
        .headers(async || {
            let locale = HeaderValue::from_static("eo");
            Ok(HeaderMap::from_iter([("accept-language".parse()?, locale)]))
        })
        .connect();
    let (connected, peer) = tokio::join!(connect, server.accept());
    let (_chat, _events) = connected.unwrap();
    assert_eq!(peer.offered.protocols, ["parlor.v1.json", "parlor.bearer.dG9rZW4gMA"]);
    assert_eq!(peer.offered.locale.as_deref(), Some("eo"));

    peer.cut();
    let peer = server.accept().await;
    assert_eq!(peer.offered.protocols, ["parlor.v1.json", "parlor.bearer.dG9rZW4gMQ"]);
    assert_eq!(peer.offered.locale.as_deref(), Some("eo"));
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_failing_token_function_fails_the_attempt() {
    let server = RawServer::start().await;
    let connect = ChatClient::builder(server.url()).token(async || Err("no key".into())).connect();
    let error = connect.await.unwrap_err();
    assert_eq!(error.to_string(), "the function given to `token` failed: no key");
}

#[tokio::test]
async fn headers_of_the_handshake_cannot_be_replaced() {
    let server = RawServer::start().await;
    let connect = ChatClient::builder(server.url())
        .headers(async || {
            let protocol = HeaderValue::from_static("another");
            Ok(HeaderMap::from_iter([("sec-websocket-protocol".parse()?, protocol)]))
        })
        .connect();
    let error = connect.await.unwrap_err();
    assert!(matches!(error, ConnectError::Header(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_says_when_to_come_back() {
    let day = Duration::from_secs(86_400);
    for (most, code, reason) in [
        (day, 1001, "going away; retry in 0 ms"),
        (day, 1012, "the server shuts down; retry in 20 ms"),
        (day, 1013, "retry in 1 ms"),
        // Never longer than the client wants to wait.
        (Duration::from_millis(10), 1012, "retry in 86400000 ms"),
    ] {
        let server = RawServer::start().await;
        let connect = ChatClient::builder(server.url())
            .reconnect_interval(day)
            .max_reconnect_interval(most)
            .connect();
        let (connected, peer) = tokio::join!(connect, server.accept());
        let (_chat, _events) = connected.unwrap();
        let begun = Instant::now();
        peer.close(code, reason).await;
        // So may one that refuses it.
        let peer = server.accept_silently().await;
        if code == 1012 && most == day {
            assert!(begun.elapsed() >= Duration::from_millis(20), "after {:?}", begun.elapsed());
        }
        peer.close(code, reason).await;
        server.accept().await;
    }
}
