//! A server in a process of its own, which is told to end while its clients shout.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parlor::prelude::*;
use parlor::{CloseCode, ConnectionChange, Unrecovered};
use parlor_tests::{Example, soon};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

const CLIENTS: u32 = 50;
/// How often each sends a message.
const PACE: Duration = Duration::from_millis(40);
/// How many messages of its own each hears before the server goes, and again before it is over.
const MESSAGES: u64 = 20;

/// That of the example `bench_server`.
#[procedure]
trait Chat {
    /// Enters a room.
    #[incoming]
    async fn join_room(&mut self, room: String);
    /// Says something to all in the room, its sender too.
    #[incoming]
    async fn send_message(&mut self, room: String, text: String);

    /// What somebody said.
    #[outgoing]
    fn new_message(room: String, text: String, user_id: String, timestamp: u64);
}

/// What a client has heard of one server: the numbers of each sender.
type Heard = HashMap<u32, Vec<u64>>;

/// Says that it has heard enough of its own, of both servers; stops when told.
async fn guest(
    url: String,
    client: u32,
    enough: mpsc::UnboundedSender<u32>,
    mut ending: watch::Receiver<bool>,
) {
    let room = format!("room {}", client % 5);
    let own = room.clone();
    let (chat, mut events) = ChatClient::builder(&url)
        .reconnect_interval(Duration::from_millis(20))
        .max_reconnect_interval(Duration::from_millis(500))
        .max_reconnect_attempts(u32::MAX)
        .buffer(100_000)
        .on_session(move |chat: ChatClient| {
            let joined = chat.join_room(&own);
            async move { joined.expect("joined") }
        })
        .connect()
        .await
        .expect("connected");
    let mut heard = [Heard::new(), Heard::new()];
    let (mut now, mut number, mut lost) = (0, 0, 0);
    let mut pace = interval(PACE);
    loop {
        let ends = *ending.borrow_and_update();
        let own = heard[now].get(&client).map_or(0, |own| own.len() as u64);
        let newest = heard[1].get(&client).and_then(|own| own.last());
        if ends && newest.is_some_and(|newest| newest + 1 == number) {
            break;
        }
        tokio::select! {
            _ = ending.changed() => {}
            _ = pace.tick(), if !ends => {
                chat.send_message(&room, format!("{client}:{number}")).expect("there is room");
                number += 1;
            }
            event = events.next() => match event {
                Some(ChatEvent::NewMessage { text, .. }) => {
                    let (from, number) = text.split_once(':').expect("of this test");
                    let (from, number) = (from.parse().expect("whose"), number.parse().expect("which"));
                    heard[now].entry(from).or_default().push(number);
                    if from == client && own + 1 == MESSAGES {
                        enough.send(client).expect("somebody waits");
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
    // Of each sender all from the first to the last; of its own all but what it was told is lost.
    for numbers in heard.iter().flat_map(Heard::values) {
        assert!(numbers.iter().copied().eq(numbers[0]..=numbers[numbers.len() - 1]), "{numbers:?}");
    }
    let [before, after] = heard.map(|mut heard| heard.remove(&client).unwrap_or_default());
    assert_eq!((before[0], after[after.len() - 1]), (0, number - 1));
    assert_eq!(after[0] - before[before.len() - 1] - 1, lost, "client {client}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_told_to_end_under_load_loses_nothing_unsaid() {
    let server = Example::serve_at("bench_server", 0).await;
    let url = format!("{}/chat", server.url);
    let port = server.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let (enough, mut heard) = mpsc::unbounded_channel();
    let (end, ending) = watch::channel(false);
    let mut guests = JoinSet::new();
    for client in 0..CLIENTS {
        guests.spawn(guest(url.clone(), client, enough.clone(), ending.clone()));
    }
    let mut all_have = async || {
        for _ in 0..CLIENTS {
            soon("messages", heard.recv()).await;
        }
    };
    all_have().await;
    let told = Instant::now();
    server.signal("TERM").await;
    assert!(server.ends().await, "not as a success");
    println!("it ended after {:?}", told.elapsed());
    let _server = Example::serve_at("bench_server", port).await;
    all_have().await;
    end.send_replace(true);
    while let Some(guest) = soon("the end", guests.join_next()).await {
        guest.expect("no panic");
    }
}
