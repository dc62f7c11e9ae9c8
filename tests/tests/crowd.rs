//! Many clients in one room.

use std::collections::HashMap;

use parlor::Router;
use parlor_tests::{Running, Wire, probing, soon};
use serde_json::json;

const CLIENTS: usize = 1000;
const SENDERS: usize = 5;
const MESSAGES: usize = 20;

/// 1 000 clients in one room, five of them send 20 messages each at the same time: everyone gets
/// each message once, and those of one sender in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_gets_each_message_once_in_order_per_sender() {
    let running = Running::start(Router::new().procedure("/probe", probing().server)).await;
    let mut clients = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let mut wire = Wire::parlor(running.addr, "/probe").await;
        assert_eq!(wire.call("enter", json!({"room": "hall"}), 1).await[0], "$ok");
        clients.push(wire);
    }
    let tasks: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(number, mut wire)| {
            tokio::spawn(async move {
                if number < SENDERS {
                    for message in 0..MESSAGES {
                        let text = format!("{message}");
                        wire.emit("shout", json!({"room": "hall", "text": text})).await;
                    }
                }
                let mut next = HashMap::<String, usize>::new();
                for _ in 0..SENDERS * MESSAGES {
                    let message = wire.receive().await;
                    let from = message[1]["from"].as_str().expect("a sender").to_owned();
                    let expected = next.entry(from).or_default();
                    assert_eq!(message[1]["text"], expected.to_string());
                    *expected += 1;
                }
                assert_eq!(next.len(), SENDERS);
                wire
            })
        })
        .collect();
    let mut clients = Vec::with_capacity(CLIENTS);
    for task in tasks {
        clients.push(soon("all messages", task).await.expect("a client saw what it should"));
    }
    for wire in &mut clients {
        wire.nothing_came().await;
    }
}
