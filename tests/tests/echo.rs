//! `Router::echo`: what is sent comes back, within its bounds.

use futures_util::{SinkExt, StreamExt};
use parlor::Router;
use parlor::http::StatusCode;
use parlor_tests::{Closed, Running, Wire, probing, soon};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{Bytes, Message};

fn router() -> Router {
    Router::new().procedure("/probe", probing().server).echo("/echo", 1 << 20)
}

async fn receive(wire: &mut Wire) -> Message {
    soon("a message", wire.0.next()).await.expect("not closed").expect("no error")
}

#[tokio::test]
async fn text_and_binary_come_back_as_they_were() {
    let running = Running::start(router()).await;
    let mut wire = Wire::plain(running.addr, "/echo").await;
    let large = vec![7; 1 << 20];
    for message in [
        Message::text("no JSON at all"),
        Message::text(""),
        Message::text(r#"["ping",null]"#),
        Message::binary(&b"\x00\xff"[..]),
        Message::binary(large),
    ] {
        wire.send_message(message.clone()).await;
        assert_eq!(receive(&mut wire).await, message);
    }
    wire.send_message(Message::Ping(Bytes::from_static(b"alive?"))).await;
    assert_eq!(receive(&mut wire).await, Message::Pong(Bytes::from_static(b"alive?")));

    soon("the goodbye", wire.0.close(None)).await.expect("sent");
    assert_eq!(wire.closed().await.code, 1005);
}

#[tokio::test]
async fn many_messages_come_back_in_their_order() {
    let running = Running::start(router()).await;
    let wire = Wire::plain(running.addr, "/echo").await;
    let (mut sink, mut stream) = wire.0.split();
    let numbered = |number: u32| format!("{number:0>65000}");
    // More than the sockets' buffers and the echo's outbox take together.
    let sending = tokio::spawn(async move {
        for number in 0..500 {
            sink.send(Message::text(numbered(number))).await.expect("sent");
        }
    });
    for number in 0..500 {
        let message = soon("an echo", stream.next()).await.expect("not closed").expect("no error");
        assert_eq!(message, Message::text(numbered(number)));
    }
    soon("the sender", sending).await.expect("no panic");
}

#[tokio::test]
async fn a_server_on_its_own_thread_does_not_read_ahead_of_its_answers() {
    // Its outbox takes less than what comes at once.
    let running = Running::start_on(1, Router::new().echo("/echo", 64 << 10)).await;
    let wire = Wire::plain(running.addr, "/echo").await;
    let (mut sink, mut stream) = wire.0.split();
    // Whether much is there before the server looks is up to the system: often enough it is.
    let large = [(60_000, 40); 20];
    for (size, messages) in [(1, 6000), (200, 6000)].into_iter().chain(large) {
        for _ in 0..messages {
            sink.feed(Message::text("x".repeat(size))).await.expect("sent");
        }
        soon("all to be sent", sink.flush()).await.expect("sent");
        for _ in 0..messages {
            let message = soon("an echo", stream.next()).await.expect("not closed");
            assert_eq!(message.expect("no error").len(), size);
        }
    }
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let running = Running::start(router()).await;
    let mut wire = Wire::plain(running.addr, "/echo").await;
    // The server says so before it has read all.
    let _ = soon("the server to read", wire.0.send(Message::binary(vec![0; (1 << 20) + 1]))).await;
    assert_eq!(wire.closed().await.code, 1009);
}

#[tokio::test]
async fn the_rules_of_the_router_hold_for_it() {
    let router = router().middleware(|request: parlor::Request| async move {
        match request.query() {
            Some("key") => Ok(request),
            _ => Err(parlor::Reject::unauthorized("a key is needed")),
        }
    });
    let running = Running::start(router).await;
    let refused = |path: &'static str, headers: &'static [(&'static str, &'static str)]| {
        let addr = running.addr;
        async move { Wire::open(addr, path, headers).await.err() }
    };
    assert_eq!(refused("/echo?key", &[]).await, None);
    assert_eq!(refused("/echo", &[]).await, Some(StatusCode::UNAUTHORIZED));
    let foreign = refused("/echo?key", &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign, Some(StatusCode::FORBIDDEN));
    assert_eq!(refused("/echo/?key", &[]).await, Some(StatusCode::NOT_FOUND));

    let mut parlor = Wire::parlor_unwelcomed(running.addr, "/echo?key").await;
    assert_eq!(parlor.closed().await.code, 4502);
}

#[tokio::test]
async fn inside_another_http_server_it_is_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = axum::Router::new().fallback_service(router());
    let serving = tokio::spawn(axum::serve(listener, app).into_future());
    let mut wire = Wire::plain(addr, "/echo").await;
    wire.send_message(Message::text("hi")).await;
    assert_eq!(receive(&mut wire).await, Message::text("hi"));
    serving.abort();
}

#[tokio::test]
async fn a_shutdown_says_goodbye_to_its_peers() {
    let running = Running::start(router()).await;
    let mut wire = Wire::plain(running.addr, "/echo").await;
    let goodbye = tokio::spawn(async move { wire.closed().await });
    running.stop().await;
    let reason = "the server shuts down".to_owned();
    assert_eq!(goodbye.await.expect("no panic"), Closed { code: 1012, reason });
}

#[tokio::test]
async fn a_path_is_mounted_once() {
    let twice = router().echo("/probe", 1).serve("127.0.0.1:0").await.expect_err("a mistake");
    assert!(twice.to_string().contains("`/probe`"), "{twice}");
    let pathless = Router::new().echo("echo", 1).serve("127.0.0.1:0").await.expect_err("a mistake");
    assert!(pathless.to_string().contains("start with `/`"), "{pathless}");
}

#[tokio::test]
async fn a_silent_peer_is_closed() {
    let running = Running::start(router()).await;
    let mut wire = Wire::plain(running.addr, "/echo").await;
    // From here on time passes at once where nothing else happens: no bound here, it would pass first.
    tokio::time::pause();
    let Some(Ok(Message::Close(Some(goodbye)))) = wire.0.next().await else {
        panic!("the silent peer was not closed");
    };
    assert_eq!(u16::from(goodbye.code), 4001);
}
