//! 300 clients on three nodes, in 40 rooms that they join and leave: each event reaches those that its target names,
//! once, in the order of its node.

use std::collections::HashSet;

use futures::future::join_all;
use parlor::Router;
#[cfg(feature = "nats")]
use parlor::backplane::Nats;
#[cfg(feature = "redis")]
use parlor::backplane::Redis;
use parlor::backplane::{Backplane, ClusterOptions, JoinConfirmation, Layout, Memory};
use parlor::prelude::*;
use parlor::rooms::rooms;
#[cfg(any(feature = "nats", feature = "redis"))]
use parlor_tests::Broker;
use parlor_tests::{RawClient, SeededRng, TEST_TIMEOUT, TestServer, wait_for_health};
use serde_json::{Value, json};

const NODES: usize = 3;
const CLIENTS_PER_NODE: usize = 100;
const ROOMS: u64 = 40;
const EVENTS: usize = 400;

#[procedure]
trait Hall {
    /// Returns whether events of all nodes to the room arrive.
    #[incoming]
    async fn enter(&mut self, room: String) -> bool;
    #[incoming]
    async fn exit(&mut self, room: String) -> bool;
    #[incoming]
    async fn id(&mut self) -> SocketId;
    #[outgoing]
    fn note(node: usize, number: usize);
}

struct Visitor {
    socket: HallSocket,
}

impl Hall for Visitor {
    async fn enter(&mut self, room: String) -> bool {
        self.socket.join_confirmed(&room).await == Ok(JoinConfirmation::Confirmed)
    }

    async fn exit(&mut self, room: String) -> bool {
        self.socket.leave(&room)
    }

    async fn id(&mut self) -> SocketId {
        self.socket.id()
    }
}

/// A client, as the test knows it.
struct Client {
    raw: RawClient,
    id: SocketId,
    rooms: HashSet<String>,
    /// The node and number of each event that it is to receive.
    expected: HashSet<(usize, usize)>,
}

impl Client {
    async fn connect(server: &TestServer) -> Self {
        let mut raw = RawClient::parlor(server.addr, "/hall").await;
        let answer = raw.call("id", Value::Null, 1).await;
        let id = answer[1].as_str().expect("an id").parse().expect("an id");
        Self { raw, id, rooms: HashSet::new(), expected: HashSet::new() }
    }

    async fn toggle(&mut self, room: String) {
        let event = if self.rooms.remove(&room) { "exit" } else { "enter" };
        // On a busy machine, a confirmation may take longer than 500 ms.
        while self.raw.call(event, json!({ "room": room }), 2).await[1] != true {}
        if event == "enter" {
            self.rooms.insert(room);
        }
    }

    /// Receives what it is to receive, and asserts that nothing else arrives.
    async fn receive_expected(&mut self, is_ordered: bool) {
        let mut last = [None; NODES];
        while !self.expected.is_empty() {
            let event = self.raw.receive().await;
            let number = |name: &str| {
                let number = event[1][name].as_u64().expect("a number");
                usize::try_from(number).expect("small")
            };
            let (node, number) = (number("node"), number("number"));
            assert!(self.expected.remove(&(node, number)), "twice, or for others: {event}");
            assert!(!is_ordered || last[node] < Some(number), "{event} after {:?}", last[node]);
            last[node] = Some(number);
        }
    }
}

/// Prints the health of the nodes if a test fails: what was lost, and why.
struct PrintHealth<'a>(&'a [Router]);

impl Drop for PrintHealth<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for router in self.0 {
                println!("{:#?}", router.health());
            }
        }
    }
}

/// `is_ordered`: no two topics of a node overtake each other.
async fn assert_targets_are_reached(engines: Vec<impl Backplane>, is_ordered: bool) {
    let mut random = SeededRng::new(19);
    let mut servers = Vec::new();
    let mut ios = Vec::new();
    let mut routers = Vec::new();
    for engine in engines {
        let hall = HallServer::new(|socket: HallSocket| async move { Ok(Visitor { socket }) });
        ios.push(hall.io());
        let router = Router::new().procedure("/hall", hall).backplane(engine);
        // On a busy machine, events may wait for longer than the default of 3 s.
        let options = ClusterOptions { max_queue_age: TEST_TIMEOUT, ..ClusterOptions::default() };
        let router = router.cluster_options(options);
        routers.push(router.clone());
        servers.push(TestServer::start(router).await);
    }
    let _print_health = PrintHealth(&routers);
    for router in &routers {
        wait_for_health(router, "the cluster", |health| health.nodes.len() == NODES - 1).await;
    }
    let connecting = servers.iter().flat_map(|server| (0..CLIENTS_PER_NODE).map(move |_| server));
    let mut clients = join_all(connecting.map(Client::connect)).await;
    let room = |random: &mut SeededRng| format!("room {}", random.below(ROOMS));

    let mut number = 0;
    for changes in [4, 2, 2] {
        let toggling = clients.iter_mut().map(|client| {
            let rooms: HashSet<_> = (0..changes).map(|_| room(&mut random)).collect();
            async move {
                for room in rooms {
                    client.toggle(room).await;
                }
            }
        });
        join_all(toggling.collect::<Vec<_>>()).await;
        for _ in 0..EVENTS {
            number += 1;
            let node = usize::try_from(random.below(NODES as u64)).expect("small");
            let (one, other, third) = (room(&mut random), room(&mut random), room(&mut random));
            let chosen = random.below(clients.len() as u64);
            let chosen = clients[usize::try_from(chosen).expect("small")].id;
            let io = &ios[node];
            let in_any = |client: &Client, rooms: &[&String]| {
                rooms.iter().any(|room| client.rooms.contains(*room))
            };
            let is_to: Box<dyn Fn(&Client) -> bool> = match random.below(6) {
                0 => {
                    io.to([&one, &other, &third]).note(node, number);
                    Box::new(|client| in_any(client, &[&one, &other, &third]))
                }
                1 => {
                    io.to(rooms([&one, &other]).except(&third)).note(node, number);
                    Box::new(|client| {
                        in_any(client, &[&one, &other]) && !client.rooms.contains(&third)
                    })
                }
                2 => {
                    io.to(rooms(&one).except(chosen)).note(node, number);
                    Box::new(|client| client.rooms.contains(&one) && client.id != chosen)
                }
                3 => {
                    io.to([rooms(&one), rooms(chosen)]).note(node, number);
                    Box::new(|client| client.rooms.contains(&one) || client.id == chosen)
                }
                _ => {
                    io.to(&one).note(node, number);
                    Box::new(|client| client.rooms.contains(&one))
                }
            };
            for client in &mut clients {
                if is_to(client) {
                    client.expected.insert((node, number));
                }
            }
            // The nodes run on this thread. Their links are lost if they do not for 3 s.
            tokio::task::yield_now().await;
        }
        join_all(clients.iter_mut().map(|client| client.receive_expected(is_ordered))).await;
        if is_ordered {
            // What was emitted before a broadcast arrives before it.
            for (node, io) in ios.iter().enumerate() {
                number += 1;
                io.broadcast().note(node, number);
                for client in &mut clients {
                    client.expected.insert((node, number));
                }
            }
            join_all(clients.iter_mut().map(|client| client.receive_expected(is_ordered))).await;
        }
    }
    for client in &mut clients {
        client.raw.assert_nothing_received().await;
    }
    for router in &routers {
        let counters = router.health().expect("it is served").counters;
        assert_eq!((counters.lost, counters.duplicates), (0, 0), "{counters:?}");
    }
}

#[tokio::test]
async fn targets_are_reached_in_memory() {
    for layout in [Layout::PerRoom, Layout::Buckets(16)] {
        let broker = Memory::with_layout(layout);
        let engines = (0..NODES).map(|_| broker.node()).collect();
        assert_targets_are_reached(engines, true).await;
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn targets_are_reached_with_redis() {
    let Some(broker) = Broker::redis(&[]).await else { return };
    let url = broker.url();
    let connecting = (0..NODES).map(|_| Redis::connect(&url));
    let engines = join_all(connecting).await.into_iter().map(|engine| engine.expect("connected"));
    assert_targets_are_reached(engines.collect(), true).await;
}

/// The order within each room is tested in `delivery`.
#[cfg(feature = "nats")]
#[tokio::test]
async fn targets_are_reached_with_nats() {
    let Some(broker) = Broker::nats(&[]).await else { return };
    let url = broker.url();
    let connecting = (0..NODES).map(|_| Nats::connect(&url));
    let engines = join_all(connecting).await.into_iter().map(|engine| engine.expect("connected"));
    assert_targets_are_reached(engines.collect(), false).await;
}
