use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode};

use crate::contract::ChatClient;
use parlor::client::{ConnectError, Reconnect};
use parlor::wire::CloseCode;
use parlor_tests::within_timeout;

use crate::raw_server::RawServer;

#[tokio::test]
async fn close_frame_before_welcome_is_returned_as_error() {
    let server = RawServer::start().await;
    let refuse = async { server.accept_before_welcome().await.close(4501, "no token").await };
    let (connected, ()) = tokio::join!(ChatClient::connect(server.url()), refuse);
    match connected.unwrap_err() {
        ConnectError::Closed { code, reason, .. } => {
            assert_eq!((code, reason.as_str()), (CloseCode::UNAUTHORIZED, "no token"));
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn http_error_status_is_returned_with_advice() {
    let server = RawServer::start().await;
    let (connected, ()) =
        tokio::join!(ChatClient::connect(server.url()), server.refuse(StatusCode::NOT_FOUND));
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Http { status: 404, .. }), "{error:?}");
    assert!(error.to_string().contains("check the path"), "{error}");
}

#[tokio::test]
async fn server_without_subprotocol_is_not_parlor() {
    let server = RawServer::start().await;
    let (connected, ()) =
        tokio::join!(ChatClient::connect(server.url()), server.accept_without_protocol());
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::NotParlor), "{error:?}");
    assert!(error.to_string().contains("parlor.v1.json"), "{error}");
}

#[tokio::test]
async fn first_frame_other_than_welcome_is_protocol_error() {
    let server = RawServer::start().await;
    let send_first_frame = async {
        let mut peer = server.accept_before_welcome().await;
        peer.send(r#"["hello",{}]"#).await;
        peer
    };
    let (connected, _peer) = tokio::join!(ChatClient::connect(server.url()), send_first_frame);
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn failed_first_attempt_is_not_repeated() {
    let server = RawServer::start().await;
    let url = server.url();
    drop(server);
    let error = within_timeout("an error", ChatClient::connect(url)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("is the server running"), "{error}");
}

#[tokio::test]
async fn connect_to_silent_server_fails_after_connect_timeout() {
    let server = RawServer::start().await;
    let start = Instant::now();
    let timeout = Duration::from_millis(300);
    let connect = ChatClient::builder(server.url()).connect_timeout(timeout).connect();
    let (connected, _peer) =
        tokio::join!(within_timeout("an error", connect), server.accept_before_welcome());
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { after, .. } if after == timeout), "{error:?}");
    assert!(start.elapsed() >= timeout);
}

#[tokio::test]
async fn url_with_http_scheme_is_rejected_with_advice() {
    let error = ChatClient::connect("http://127.0.0.1:3000/chat?key=secret").await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("`http`") && message.contains("ws://host:port/path"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[tokio::test]
async fn unusable_url_fails_at_once_without_an_attempt() {
    let server = RawServer::start().await;
    let address = server.address();
    for (url, problem) in [
        (format!("{address}/chat"), "it has no scheme"),
        ("localhost:3000/chat".to_owned(), "it has no scheme"),
        ("localhost".to_owned(), "it has no scheme"),
        ("/chat".to_owned(), "it has no scheme"),
        (format!("//{address}/chat"), "it has no scheme"),
        (format!("wss//{address}/chat"), "it has no scheme"),
        (String::new(), "it has no scheme"),
        (format!("https://{address}/chat"), "its scheme is `https`"),
        (format!("ws://{address}/chat#general"), "it has a fragment"),
        (format!("ws://{address}/chat?key=secret#general"), "it has a fragment"),
        (format!("ws://{address}#general"), "it has a fragment"),
        (format!("ws://ann:secret@{address}/chat"), "it has a user name"),
        (format!("ws://secret@{address}/chat"), "it has a user name"),
        ("ws://127.0.0.1:99999/chat".to_owned(), "its port"),
        ("ws://127.0.0.1:0/chat".to_owned(), "its port"),
        ("ws://127.0.0.1:chat/chat".to_owned(), "its port"),
        (format!(" ws://{address}/chat"), "white space"),
        (format!("ws://{address}/chat\n"), "white space"),
        ("ws:///chat".to_owned(), "it has no host"),
        ("ws://".to_owned(), "it has no host"),
        ("ws://:3000/chat".to_owned(), "it has no host"),
    ] {
        let Err(error) = within_timeout("an error", ChatClient::connect(&url)).await else {
            panic!("{url:?} connects");
        };
        assert!(matches!(error, ConnectError::Url { .. }), "{url:?}: {error:?}");
        let message = error.to_string();
        assert!(message.contains(problem), "{url:?}: {message}");
        assert!(message.contains("ws://host:port/path"), "{url:?}: {message}");
        assert!(!message.contains("secret"), "{url:?}: {message}");
    }
    let connected =
        tokio::join!(ChatClient::connect(server.url().replace("ws", "WS")), server.accept());
    assert!(connected.0.is_ok(), "a scheme in capital letters: {:?}", connected.0.err());
}

#[tokio::test]
async fn token_and_headers_are_requested_before_each_attempt() {
    let server = RawServer::start().await;
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    let connect = ChatClient::builder(server.url())
        .reconnect(Reconnect { interval: Duration::from_millis(10), ..Reconnect::default() })
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
async fn failing_token_function_fails_attempt() {
    let server = RawServer::start().await;
    let connect = ChatClient::builder(server.url()).token(async || Err("no key".into())).connect();
    let error = connect.await.unwrap_err();
    assert_eq!(error.to_string(), "the function given to `token` failed");
    assert_eq!(error.source().unwrap().to_string(), "no key");
}

#[tokio::test]
async fn handshake_header_cannot_be_replaced() {
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
async fn retry_hint_of_server_sets_delay_of_next_attempt() {
    let day = Duration::from_secs(86_400);
    for (max, code, reason) in [
        (day, 1001, "going away; retry in 0 ms"),
        (day, 1012, "the server shuts down; retry in 20 ms"),
        (day, 1013, "retry in 1 ms"),
        // At most `Reconnect::max_interval`.
        (Duration::from_millis(10), 1012, "retry in 86400000 ms"),
    ] {
        let server = RawServer::start().await;
        let connect = ChatClient::builder(server.url())
            .reconnect(Reconnect { interval: day, max_interval: max, ..Reconnect::default() })
            .connect();
        let (connected, peer) = tokio::join!(connect, server.accept());
        let (_chat, _events) = connected.unwrap();
        let start = Instant::now();
        peer.close(code, reason).await;
        // A rejection may have a retry hint, too.
        let peer = server.accept_before_welcome().await;
        if code == 1012 && max == day {
            assert!(start.elapsed() >= Duration::from_millis(20), "after {:?}", start.elapsed());
        }
        peer.close(code, reason).await;
        server.accept().await;
    }
}
