//! A room with many members.

use std::collections::HashMap;

use parlor::Router;
use parlor_tests::{RawClient, TestServer, probe_fixture, within_timeout};
use serde_json::json;

const CLIENTS: usize = 1000;
const SENDERS: usize = 5;
const MESSAGES: usize = 20;

/// 1 000 clients are in one room, and five of them send 20 messages each at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_member_receives_each_message_once_and_in_order_per_sender() {
    let running =
        TestServer::start(Router::new().procedure("/probe", probe_fixture().server)).await;
    let mut clients = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let mut client = RawClient::parlor(running.addr, "/probe").await;
        assert_eq!(client.call("enter", json!({"room": "hall"}), 1).await[0], "$ok");
        clients.push(client);
    }
    let tasks: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(number, mut client)| {
            tokio::spawn(async move {
                if number < SENDERS {
                    for message in 0..MESSAGES {
                        let text = format!("{message}");
                        client.emit("shout", json!({"room": "hall", "text": text})).await;
                    }
                }
                let mut next = HashMap::<String, usize>::new();
                for _ in 0..SENDERS * MESSAGES {
                    let message = client.receive().await;
                    let from = message[1]["from"].as_str().expect("a sender").to_owned();
                    let expected = next.entry(from).or_default();
                    assert_eq!(message[1]["text"], expected.to_string());
                    *expected += 1;
                }
                assert_eq!(next.len(), SENDERS);
                client
            })
        })
        .collect();
    let mut clients = Vec::with_capacity(CLIENTS);
    for task in tasks {
        clients.push(within_timeout("all messages", task).await.expect("no panic"));
    }
    for client in &mut clients {
        client.assert_nothing_received().await;
    }
}
