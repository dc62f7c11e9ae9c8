//! A connection sends messages back unchanged and in order, through the echo of `examples/echo.rs`.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use parlor_tests::{RawClient, within_timeout};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Starts an echo of messages with at most `max_message_size` bytes.
async fn start_echo(max_message_size: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(parlor::__echo::echo(stream, max_message_size));
        }
    });
    addr
}

async fn receive(client: &mut RawClient) -> Message {
    within_timeout("a message", client.0.next()).await.expect("not closed").expect("no error")
}

#[tokio::test]
async fn text_and_binary_messages_are_echoed_unchanged() {
    let addr = start_echo(1 << 20).await;
    let mut client = RawClient::plain(addr, "/").await;
    let large = vec![7; 1 << 20];
    for message in [
        Message::text("no JSON at all"),
        Message::text(""),
        Message::text(r#"["ping",null]"#),
        Message::binary(&b"\x00\xff"[..]),
        Message::binary(large),
    ] {
        client.send_message(message.clone()).await;
        assert_eq!(receive(&mut client).await, message);
    }
    client.send_message(Message::Ping(Bytes::from_static(b"payload"))).await;
    assert_eq!(receive(&mut client).await, Message::Pong(Bytes::from_static(b"payload")));

    within_timeout("the close frame", client.0.close(None)).await.expect("sent");
    assert_eq!(client.closed().await.code, 1005);
}

#[tokio::test]
async fn many_messages_are_echoed_in_order() {
    let addr = start_echo(1 << 20).await;
    let client = RawClient::plain(addr, "/").await;
    let (mut sink, mut stream) = client.0.split();
    let numbered = |number: u32| format!("{number:0>65000}");
    // More bytes than the socket buffers and the outbox take together.
    let sending = tokio::spawn(async move {
        for number in 0..500 {
            sink.send(Message::text(numbered(number))).await.expect("sent");
        }
    });
    for number in 0..500 {
        let message =
            within_timeout("an echo", stream.next()).await.expect("not closed").expect("no error");
        assert_eq!(message, Message::text(numbered(number)));
    }
    within_timeout("the sender", sending).await.expect("no panic");
}

#[tokio::test]
async fn connection_is_not_read_while_its_outbox_is_full() {
    // The outbox takes less than one burst.
    let addr = start_echo(64 << 10).await;
    let client = RawClient::plain(addr, "/").await;
    let (mut sink, mut stream) = client.0.split();
    // How much has arrived when the server reads depends on the system; usually it is enough.
    let large = [(60_000, 40); 20];
    for (size, messages) in [(1, 6000), (200, 6000)].into_iter().chain(large) {
        for _ in 0..messages {
            sink.feed(Message::text("x".repeat(size))).await.expect("sent");
        }
        within_timeout("all to be sent", sink.flush()).await.expect("sent");
        for _ in 0..messages {
            let message = within_timeout("an echo", stream.next()).await.expect("not closed");
            assert_eq!(message.expect("no error").len(), size);
        }
    }
}

#[tokio::test]
async fn message_over_the_limit_closes_with_1009() {
    let addr = start_echo(1 << 20).await;
    let mut client = RawClient::plain(addr, "/").await;
    // The server closes before it has read all of it.
    let _ = within_timeout(
        "the server to read",
        client.0.send(Message::binary(vec![0; (1 << 20) + 1])),
    )
    .await;
    assert_eq!(client.closed().await.code, 1009);
}
