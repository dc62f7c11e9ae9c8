//! The nodes of a row, their clients, and what is recorded of them.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, join_all};
use parlor::Router;
use parlor::backplane::{Backplane, Counters, Gap, Health, Inbox, Layout, Link, LinkError, Status};
use parlor_tests::{RawClient, TestServer};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::contract::{FeedIo, feed, room_name};
use crate::record::{NODES, ROOMS, Record};

/// The longest wait for what has to happen.
pub(crate) const WAIT: Duration = Duration::from_secs(30);
/// How often the health of nodes is read.
const POLL: Duration = Duration::from_millis(20);

pub(crate) struct Cluster {
    nodes: Vec<Node>,
    shared: Arc<Shared>,
    /// Readers of clients and of reports.
    readers: JoinSet<()>,
}

struct Node {
    /// For its health.
    router: Router,
    io: FeedIo,
    server: TestServer,
}

struct Shared {
    record: watch::Sender<Record>,
    start: Instant,
}

#[derive(Deserialize)]
struct Told {
    room: usize,
    node: usize,
    number: u64,
    #[serde(rename = "sentAt")]
    sent_at: u64,
}

impl Cluster {
    /// Starts a node per engine, with a client in each room. Ready when the counting begins: each node sees all
    /// others, and each client gets the events of all.
    pub(crate) async fn start(engines: Vec<Arc<dyn Backplane>>) -> Self {
        let start = |engine| async {
            let feed = feed();
            let io = feed.io();
            let router = Router::new().procedure("/feed", feed).backplane(Shareable(engine));
            Node { server: TestServer::start(router.clone()).await, router, io }
        };
        let nodes = join_all(engines.into_iter().map(start)).await;
        let shared = Shared { record: watch::Sender::default(), start: Instant::now() };
        let mut cluster = Self { nodes, shared: Arc::new(shared), readers: JoinSet::new() };
        cluster.wait_until_linked().await;
        cluster.read_gaps();
        cluster.connect_clients().await;
        cluster
    }

    fn read_gaps(&mut self) {
        let ids: Vec<_> = (0..NODES).map(|node| self.health(node).node).collect();
        for node in 0..NODES {
            let mut gaps = self.nodes[node].io.gaps();
            let (ids, shared) = (ids.clone(), Arc::clone(&self.shared));
            self.readers.spawn(async move {
                while let Some(gap) = gaps.next().await {
                    match gap {
                        Gap::Lost { topic, origin, lost } => {
                            let origin = ids.iter().position(|id| *id == origin).expect("a node");
                            let report =
                                |record: &mut Record| record.report(node, origin, &topic, lost);
                            shared.record.send_modify(report);
                        }
                        Gap::Skipped { reports } => shared.record.send_modify(|record| {
                            record.fail(format!("{reports} reports skipped"));
                        }),
                        _ => {}
                    }
                }
            });
        }
    }

    async fn connect_clients(&mut self) {
        let clients = (0..NODES * ROOMS).map(async |client| {
            let (node, room) = (client / ROOMS, client % ROOMS);
            let path = format!("/feed?{}", room_name(room));
            (node, RawClient::plain(self.nodes[node].server.addr, &path).await)
        });
        for (node, client) in join_all(clients).await {
            let shared = Arc::clone(&self.shared);
            self.readers.spawn(read(client, node, shared));
        }
    }

    /// Emits an event to a room.
    pub(crate) fn emit(&self, node: usize, room: usize) {
        self.shared.emit(&self.nodes[node].io, node, room);
    }

    /// Emits to a room of `rooms` from each node at a time, this often per second, until the set is dropped.
    pub(crate) fn publish(&self, rooms: std::ops::Range<usize>, per_second: u32) -> JoinSet<()> {
        let mut publishers = JoinSet::new();
        for (node, Node { io, .. }) in self.nodes.iter().enumerate() {
            let (io, shared, rooms) = (io.clone(), Arc::clone(&self.shared), rooms.clone());
            publishers.spawn(async move {
                let mut ticks = interval(Duration::from_secs(1) / per_second);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                for room in rooms.cycle() {
                    ticks.tick().await;
                    shared.emit(&io, node, room);
                }
            });
        }
        publishers
    }

    /// Emits to a room from each node, again and again, until an event of each node has reached each other one.
    pub(crate) async fn wait_for_service(&self, room: usize) {
        let first = self.record(|record| record.emitted_to(room));
        let emitting = async {
            loop {
                (0..NODES).for_each(|node| self.emit(node, room));
                sleep(Duration::from_millis(50)).await;
            }
        };
        let arrived =
            self.wait_for("the return to service", |record| record.has_from(room, &first));
        tokio::select! {
            () = arrived => {}
            () = emitting => {}
        }
    }

    /// Emits to each room from each node until the last events have arrived.
    pub(crate) async fn wait_until_last_arrives(&self) {
        for _ in 0..WAIT.as_secs() {
            for room in 0..ROOMS {
                (0..NODES).for_each(|node| self.emit(node, room));
            }
            let mut record = self.shared.record.subscribe();
            if timeout(Duration::from_secs(2), record.wait_for(Record::has_last)).await.is_ok() {
                return;
            }
        }
        panic!("no last event arrives");
    }

    pub(crate) async fn wait_for(&self, what: &str, is_met: impl Fn(&Record) -> bool) {
        let met = timeout(WAIT, self.until(is_met)).await;
        met.unwrap_or_else(|_| panic!("timed out waiting for {what}"));
    }

    /// Ready when the record is as expected.
    pub(crate) async fn until(&self, is_met: impl Fn(&Record) -> bool) {
        let mut record = self.shared.record.subscribe();
        record.wait_for(|record| is_met(record)).await.expect("the sender is in `self`");
    }

    /// Waits until each node is linked to the broker and sees all others.
    pub(crate) async fn wait_until_linked(&self) {
        for node in 0..NODES {
            let is_linked =
                |health: &Health| health.status == Status::Up && health.nodes.len() == NODES - 1;
            self.wait_for_health(node, "a link", is_linked).await;
        }
    }

    pub(crate) async fn wait_for_health(
        &self,
        node: usize,
        what: &str,
        is_met: impl Fn(&Health) -> bool,
    ) {
        let polling = async {
            while !self.nodes[node].router.health().is_some_and(|health| is_met(&health)) {
                sleep(POLL).await;
            }
        };
        let health = || self.nodes[node].router.health();
        timeout(WAIT, polling).await.unwrap_or_else(|_| {
            panic!("timed out waiting for {what} of node {node}: {:?}", health())
        });
    }

    pub(crate) fn counters(&self, node: usize) -> Counters {
        self.health(node).counters
    }

    pub(crate) fn health(&self, node: usize) -> Health {
        self.nodes[node].router.health().expect("it is served")
    }

    pub(crate) fn record<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.shared.record.borrow())
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.shared.start.elapsed()
    }
}

impl Shared {
    fn emit(&self, io: &FeedIo, node: usize, room: usize) {
        let mut number = 0;
        self.record.send_if_modified(|record| {
            number = record.emit(node, room);
            false
        });
        let sent_at = u64::try_from(self.start.elapsed().as_micros()).expect("small");
        io.to(room_name(room)).told(room, node, number, sent_at, "x".repeat(100));
    }
}

/// Records what a client receives, until its connection ends.
async fn read(mut client: RawClient, node: usize, shared: Arc<Shared>) {
    loop {
        match client.0.next().await {
            Some(Ok(Message::Text(text))) => {
                let now = shared.start.elapsed();
                let (_, told): (String, Told) = serde_json::from_str(&text).expect("an event");
                shared.record.send_modify(|record| {
                    if told.node == node {
                        let sent_at = Duration::from_micros(told.sent_at);
                        record.receive_local(sent_at, now.saturating_sub(sent_at));
                    }
                    record.receive(node, told.node, told.room, told.number);
                });
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            end => {
                return shared
                    .record
                    .send_modify(|record| record.fail(format!("a connection has ended: {end:?}")));
            }
        }
    }
}

/// An engine of any kind.
struct Shareable(Arc<dyn Backplane>);

impl Backplane for Shareable {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn max_parcel_size(&self) -> usize {
        self.0.max_parcel_size()
    }

    fn connect(&self, inbox: Inbox) -> BoxFuture<'static, Result<Box<dyn Link>, LinkError>> {
        self.0.connect(inbox)
    }
}
