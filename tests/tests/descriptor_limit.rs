//! A server that has no file descriptors left.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;

use parlor_tests::{Example, RawClient, within_timeout};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::yield_now;

const DESCRIPTORS: u32 = 256;
const CLIENTS: usize = 400;
/// The most descriptors that are not connections: standard streams, listener, pollers.
const OTHER_DESCRIPTORS: usize = 40;

async fn echo(client: &mut RawClient) {
    client.emit("echo", json!({"text": "hi"})).await;
    assert_eq!(client.receive().await, json!(["echoed", {"text": "hi"}]));
}

/// Connects more clients than `server` has descriptors, then lets some leave.
async fn exhaust(server: &Example) {
    let addr: SocketAddr = server.url["ws://".len()..].parse().expect("an address");
    let (connected, mut clients) = mpsc::unbounded_channel();
    for _ in 0..CLIENTS {
        let connected = connected.clone();
        tokio::spawn(async move {
            let _ = connected.send(RawClient::plain(addr, "/chat").await);
        });
    }
    let next = async |clients: &mut mpsc::UnboundedReceiver<RawClient>| {
        within_timeout("a client to be accepted", clients.recv()).await.expect("a client")
    };
    let mut accepted = Vec::new();
    while accepted.len() < DESCRIPTORS as usize - OTHER_DESCRIPTORS {
        accepted.push(next(&mut clients).await);
    }
    within_timeout("all descriptors to be used", async {
        while server.descriptors() < DESCRIPTORS as usize {
            yield_now().await;
        }
    })
    .await;
    for client in &mut accepted {
        echo(client).await;
    }
    while let Ok(client) = clients.try_recv() {
        accepted.push(client);
    }
    assert!(accepted.len() < DESCRIPTORS as usize, "{} clients", accepted.len());

    // Those that wait take the place of those that leave.
    let waiting = CLIENTS - accepted.len();
    accepted.truncate(accepted.len() - waiting);
    for _ in 0..waiting {
        accepted.push(next(&mut clients).await);
    }
    for client in &mut accepted {
        echo(client).await;
    }
}

#[tokio::test]
async fn server_without_descriptors_serves_its_clients_and_later_those_that_wait() {
    let server = Example::serve_with_descriptors("bench_server", &[], DESCRIPTORS).await;
    exhaust(&server).await;
    // The failure was logged once, not once per attempt.
    server.signal("TERM").await;
    assert_eq!(server.errors_with("Too many open files").await, 1);
}

#[tokio::test]
async fn axum_without_descriptors_serves_its_clients_and_later_those_that_wait() {
    let server = Example::serve_with_descriptors("bench_server", &["--axum"], DESCRIPTORS).await;
    exhaust(&server).await;
}
