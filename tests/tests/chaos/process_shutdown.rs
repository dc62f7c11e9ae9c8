//! A server process that gets a termination signal while clients send.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parlor::client::{ConnectionChange, Reconnect};
use parlor::prelude::*;
use parlor::wire::{CloseCode, Unrecovered};
use parlor_tests::{Example, within_timeout};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

const CLIENTS: u32 = 50;
/// The interval at which each client sends a message.
const SEND_INTERVAL: Duration = Duration::from_millis(40);
/// How many of its own messages each client receives from each of the two servers.
const MESSAGES: u64 = 20;

/// The procedure of the example `bench_server`.
#[procedure]
trait Chat {
    /// Joins a room.
    #[incoming]
    async fn join_room(&mut self, room: String);
    /// Sends a text to all in the room, including the sender.
    #[incoming]
    async fn send_message(&mut self, room: String, text: String);

    /// A text that a member sent.
    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);
}

/// What a client has received from one server: the numbers of each sender.
type Received = HashMap<u32, Vec<u64>>;

/// Reports on `enough` when it has received enough of its own messages, from each of the two
/// servers. Stops when `ending` is true.
async fn guest(
    url: String,
    client: u32,
    enough: mpsc::UnboundedSender<u32>,
    mut ending: watch::Receiver<bool>,
) {
    let room = format!("room {}", client % 5);
    let own = room.clone();
    let (chat, mut events) = ChatClient::builder(&url)
        .reconnect(Reconnect {
            interval: Duration::from_millis(20),
            max_interval: Duration::from_millis(500),
            max_attempts: None,
        })
        .buffer(100_000)
        .on_session(move |chat: ChatClient| {
            let joined = chat.join_room(&own);
            async move { joined.expect("joined") }
        })
        .connect()
        .await
        .expect("connected");
    let mut received = [Received::new(), Received::new()];
    let (mut now, mut number, mut lost) = (0, 0, 0);
    let mut send_interval = interval(SEND_INTERVAL);
    loop {
        let ends = *ending.borrow_and_update();
        let own = received[now].get(&client).map_or(0, |own| own.len() as u64);
        let newest = received[1].get(&client).and_then(|own| own.last());
        if ends && newest.is_some_and(|newest| newest + 1 == number) {
            break;
        }
        tokio::select! {
            _ = ending.changed() => {}
            _ = send_interval.tick(), if !ends => {
                chat.send_message(&room, format!("{client}:{number}")).expect("not full");
                number += 1;
            }
            event = events.next() => match event {
                Some(ChatEvent::NewMessage { text, .. }) => {
                    let (from, number) = text.split_once(':').expect("of this test");
                    let (from, number) = (from.parse().expect("a sender"), number.parse().expect("a number"));
                    received[now].entry(from).or_default().push(number);
                    if from == client && own + 1 == MESSAGES {
                        enough.send(client).expect("the test waits");
                    }
                }
                Some(ChatEvent::Connection(ConnectionChange::Lost { code, .. })) => {
                    assert_eq!(code, CloseCode::RESTART);
                }
                Some(ChatEvent::Connection(ConnectionChange::EmitsLost { count, .. })) => {
                    lost += count;
                }
                Some(ChatEvent::Connection(ConnectionChange::Restored { reason, .. })) => {
                    assert_eq!((now, reason), (0, Some(Unrecovered::Ended)));
                    now = 1;
                }
                other => panic!("{other:?}"),
            },
        }
    }
    // Of each sender, all messages from the first to the last arrived. Of its own messages, all
    // arrived except those reported as lost.
    for numbers in received.iter().flat_map(Received::values) {
        assert!(numbers.iter().copied().eq(numbers[0]..=numbers[numbers.len() - 1]), "{numbers:?}");
    }
    let [before, after] = received.map(|mut received| received.remove(&client).unwrap_or_default());
    assert_eq!((before[0], after[after.len() - 1]), (0, number - 1));
    assert_eq!(after[0] - before[before.len() - 1] - 1, lost, "client {client}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_process_under_load_reports_every_lost_message() {
    let server = Example::serve_at("bench_server", 0).await;
    let url = format!("{}/chat", server.url);
    let port = server.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let (enough, mut received) = mpsc::unbounded_channel();
    let (end, ending) = watch::channel(false);
    let mut guests = JoinSet::new();
    for client in 0..CLIENTS {
        guests.spawn(guest(url.clone(), client, enough.clone(), ending.clone()));
    }
    let mut all_have = async || {
        for _ in 0..CLIENTS {
            within_timeout("messages", received.recv()).await;
        }
    };
    all_have().await;
    let signalled = Instant::now();
    server.signal("TERM").await;
    assert!(server.exits_with_success().await, "it failed");
    println!("it ended after {:?}", signalled.elapsed());
    let _server = Example::serve_at("bench_server", port).await;
    all_have().await;
    end.send_replace(true);
    while let Some(guest) = within_timeout("the end", guests.join_next()).await {
        guest.expect("no panic");
    }
}
